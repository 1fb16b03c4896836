import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface LoopFilesystem {
  mountpoint: string;
  unmount(): void;
}

/** An ext4 of 96 MiB in a file of `directory`. Throws where the kernel refuses it. */
export function mountLoop(directory: string, { projectQuota = false } = {}): LoopFilesystem {
  const [image, mountpoint] = [path.join(directory, 'image'), path.join(directory, 'disk')];
  writeFileSync(image, '');
  truncateSync(image, 96 * 1024 * 1024);
  mkdirSync(mountpoint);
  const features = projectQuota ? ['-O', 'project,quota', '-E', 'quotatype=prjquota'] : [];
  execFileSync('mke2fs', ['-q', '-t', 'ext4', ...features, image]);
  const options = projectQuota ? 'loop,prjquota' : 'loop';
  execFileSync('mount', ['-t', 'ext4', '-o', options, image, mountpoint], { stdio: 'pipe' });
  return { mountpoint, unmount: () => execFileSync('umount', [mountpoint]) };
}
