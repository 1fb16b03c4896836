import { setTimeout as delay } from 'node:timers/promises';
import { conflict, EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import { removeCgroups } from '../runtime/cgroups/remove.ts';
import { type ContainerState, directoryOf, forget, isAlive, loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { onlyId, parseFlags } from './flags.ts';
import { runHooks } from './hooks.ts';

const KILL_TIMEOUT_MS = 10_000;

export async function remove(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, { force: 'switch' }, { f: 'force' });
  const id = onlyId(rest);
  let state: ContainerState;
  try {
    state = loadState(context.root, id);
  } catch (error) {
    if (!flags.isSet('force') || !(error instanceof EngineError) || error.kind !== 'not-found') throw error;
    // Of a create that was cut off.
    directoryOf(context.root, id);
    forget(context.root, id);
    return 0;
  }
  const status = statusOf(context.root, state);
  if (status !== 'stopped' && status !== 'created' && !flags.isSet('force'))
    throw conflict(`cannot delete container ${id} that is not stopped: ${status}`);
  await killAndWait(state);
  await destroy(context, state);
  return 0;
}

async function killAndWait(state: ContainerState): Promise<void> {
  const deadline = performance.now() + KILL_TIMEOUT_MS;
  for (let waitMs = 1; isAlive(state); waitMs = Math.min(2 * waitMs, 50)) {
    if (performance.now() > deadline) throw new EngineError('internal', `container ${state.id} does not die`);
    signal(state.pid, 'SIGKILL');
    await delay(waitMs);
  }
}

export function signal(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** What is left of a container whose process is gone: others in its cgroup, the cgroup, its state; then poststop. */
export async function destroy(context: OciContext, state: ContainerState): Promise<void> {
  await removeCgroups(state.cgroupDirectories.toReversed());
  forget(context.root, state.id);
  try {
    runHooks('poststop', state, 'stopped');
  } catch (error) {
    context.warn(messageOf(error));
  }
}
