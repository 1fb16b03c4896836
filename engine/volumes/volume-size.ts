import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../lib/errors.ts';

/**
 * Bytes of all regular files below `directory`, hard links once. Follows no symbolic link: a container owns what is
 * in here. What disappears meanwhile does not count.
 */
export async function measureDirectory(directory: string): Promise<number> {
  const seen = new Set<string>();
  const pending = [directory];
  let sizeBytes = 0;
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    try {
      for await (const entry of await opendir(current)) {
        const file = path.join(current, entry.name);
        if (entry.isDirectory()) pending.push(file);
        if (!entry.isFile()) continue;
        const { dev, ino, nlink, size } = await lstat(file);
        const key = `${dev}:${ino}`;
        if (nlink > 1 && seen.has(key)) continue;
        if (nlink > 1) seen.add(key);
        sizeBytes += size;
      }
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
  return sizeBytes;
}
