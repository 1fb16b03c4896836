import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface LoopFilesystem {
  mountpoint: string;
  unmount(): void;
}

interface FilesystemOptions {
  type?: 'ext4' | 'xfs';
  projectQuota?: boolean;
}

const MIB = 1024 * 1024;

/** In a sparse file: 96 MiB of ext4, or what XFS wants at least. */
export function makeFilesystem(
  image: string,
  { type = 'ext4', projectQuota = false }: FilesystemOptions = {},
): void {
  writeFileSync(image, '');
  truncateSync(image, (type === 'ext4' ? 96 : 320) * MIB);
  const features = type === 'ext4' && projectQuota ? ['-O', 'project,quota', '-E', 'quotatype=prjquota'] : [];
  execFileSync(`mkfs.${type}`, ['-q', ...features, image], { stdio: 'pipe' });
}

/** A file system in a file of `directory`. Throws where the kernel refuses it. */
export function mountLoop(directory: string, filesystem: FilesystemOptions = {}): LoopFilesystem {
  const { type = 'ext4', projectQuota = false } = filesystem;
  const [image, mountpoint] = [path.join(directory, 'image'), path.join(directory, 'disk')];
  mkdirSync(mountpoint);
  makeFilesystem(image, filesystem);
  const options = projectQuota ? 'loop,prjquota' : 'loop';
  execFileSync('mount', ['-t', type, '-o', options, image, mountpoint], { stdio: 'pipe' });
  return { mountpoint, unmount: () => execFileSync('umount', [mountpoint]) };
}
