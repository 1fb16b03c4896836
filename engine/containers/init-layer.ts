import { chmod, mkdir, open, readlink, symlink } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../lib/errors.ts';

const DIRECTORIES = ['dev', 'dev/pts', 'dev/shm', 'etc', 'proc', 'sys'];
const FILES = ['.dockerenv', 'dev/console', 'etc/hosts', 'etc/hostname', 'etc/resolv.conf'];

/**
 * Makes the layer that lies above every image: real mount points for what the engine mounts, whatever the image has
 * in their place. SECURITY: 2026-41579, 2026-47766 (an image with /dev as a symbolic link). Idempotent.
 */
export async function makeInitLayer(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  for (const name of DIRECTORIES) {
    await mkdir(path.join(directory, name), { recursive: true });
    await chmod(path.join(directory, name), 0o755);
  }
  for (const name of FILES) {
    const handle = await open(path.join(directory, name), 'a', 0o755);
    await handle.chmod(0o755);
    await handle.close();
  }
  const mtab = path.join(directory, 'etc/mtab');
  try {
    await symlink('/proc/mounts', mtab);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || (await readlink(mtab)) !== '/proc/mounts') throw error;
  }
}
