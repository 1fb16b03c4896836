import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, errnoOf } from '../../lib/errors.ts';

const FREEZE_TIMEOUT_MS = 10_000;

/** How one kind of freezer is asked and how it answers. */
export interface Freezer {
  controlFile: string;
  stateFile: string;
  frozen: string;
  thawed: string;
  isFrozen: (state: string) => boolean;
}

export const unifiedFreezer = (directory: string): Freezer => ({
  controlFile: `${directory}/cgroup.freeze`,
  stateFile: `${directory}/cgroup.events`,
  frozen: '1',
  thawed: '0',
  isFrozen: (state) => /^frozen 1$/m.test(state),
});

/** `FREEZING` can last while a task is in an uninterruptible wait (cgroup-v1/freezer-subsystem.rst). */
export const v1Freezer = (directory: string): Freezer => ({
  controlFile: `${directory}/freezer.state`,
  stateFile: `${directory}/freezer.state`,
  frozen: 'FROZEN',
  thawed: 'THAWED',
  isFrozen: (state) => state.trim() === 'FROZEN',
});

/** Resolves when all is frozen; after the timeout it thaws again and rejects, so nothing stays half frozen. */
export async function freeze(freezer: Freezer, timeoutMs = FREEZE_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  await control(freezer, freezer.frozen);
  for (let waitMs = 1; !freezer.isFrozen(await whileThere(() => readState(freezer))); waitMs *= 2) {
    if (performance.now() > deadline) {
      await thaw(freezer);
      throw new EngineError('internal', 'the processes of the container do not freeze');
    }
    await delay(Math.min(waitMs, 50));
  }
}

export const thaw = (freezer: Freezer): Promise<void> => control(freezer, freezer.thawed);

const readState = ({ stateFile }: Freezer): Promise<string> => readFile(stateFile, 'latin1');

const control = ({ controlFile }: Freezer, value: string): Promise<void> =>
  whileThere(() => writeFile(controlFile, value));

/** The container may end at any moment, and its cgroup with it. */
async function whileThere<T>(access: () => Promise<T>): Promise<T> {
  try {
    return await access();
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
    throw new EngineError('conflict', 'the container has no running processes', { cause: error });
  }
}
