import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../lib/errors.ts';

/** Bytes of the files in a container's writable layer (SizeRw); hard links count once. */
export async function writableSizeBytes(upper: string): Promise<number> {
  const seen = new Set<bigint>();
  let total = 0;
  const pending = [upper];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const name of await namesIn(directory)) {
      const entry = path.join(directory, name);
      const stats = await lstat(entry, { bigint: true }).catch(ignoreGone);
      if (!stats) continue;
      if (stats.isDirectory()) pending.push(entry);
      else if (stats.nlink === 1n || !seen.has(stats.ino)) total += Number(stats.size);
      if (stats.nlink > 1n) seen.add(stats.ino);
    }
  }
  return total;
}

/** The container may delete while we look. */
async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(directory)) names.push(name);
  } catch (error) {
    ignoreGone(error);
  }
  return names;
}

function ignoreGone(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
}
