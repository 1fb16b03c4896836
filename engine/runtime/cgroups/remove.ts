import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../lib/errors.ts';

const KILL_ATTEMPTS = 100;
const KILL_INTERVAL_MS = 10;

/**
 * A container's directories, one per hierarchy, each with all that the container made below it. What is left inside is
 * killed; frozen processes of v1 die only once they are thawed, so that comes before the wait in any hierarchy.
 */
export async function removeCgroups(directories: readonly string[]): Promise<void> {
  for (const directory of directories) await thaw(directory);
  for (const directory of directories) await removeCgroup(directory);
}

/** No v1 freezer, or gone: nothing to thaw. */
async function thaw(directory: string): Promise<void> {
  const file = path.join(directory, 'freezer.state');
  await writeFile(file, 'THAWED', { flag: 'r+' }).catch(() => undefined);
}

/** Kills what is left inside and removes the directory with all that the container made below it. */
async function removeCgroup(directory: string): Promise<void> {
  for (let attempt = 0; attempt < KILL_ATTEMPTS; attempt++) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY') return;
    }
    await removeChildren(directory);
    // Empty, and busy all the same, while the last process is being released: once more.
    const text = await readFile(path.join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
    const pids = text.split('\n').filter(Boolean).map(Number);
    for (const pid of pids) killProcess(pid);
    await delay(KILL_INTERVAL_MS);
  }
}

/** What the container made inside its own cgroup; their processes are killed like its own. */
async function removeChildren(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const children = entries.filter((entry) => entry.isDirectory());
  await removeCgroups(children.map(({ name }) => path.join(directory, name)));
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
