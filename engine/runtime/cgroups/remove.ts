import { readdir, readFile, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../lib/errors.ts';

const KILL_ATTEMPTS = 100;
const KILL_INTERVAL_MS = 10;

/** Kills what is left inside and removes the directory with all that the container made below it. */
export async function removeCgroup(directory: string): Promise<void> {
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
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(path.join(directory, entry.name));
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
