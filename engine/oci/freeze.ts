import { conflict } from '../lib/errors.ts';
import { loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { onlyId, parseFlags } from './flags.ts';

export async function pause(context: OciContext, argv: readonly string[]): Promise<number> {
  const state = loadState(context.root, onlyId(parseFlags(argv, {}).rest));
  const status = statusOf(context.root, state);
  if (status !== 'running' && status !== 'created') throw conflict(`container not running: ${status}`);
  await context.cgroups().freeze(state.cgroup.id, state.cgroup.parent);
  return 0;
}

export async function resume(context: OciContext, argv: readonly string[]): Promise<number> {
  const state = loadState(context.root, onlyId(parseFlags(argv, {}).rest));
  if (statusOf(context.root, state) !== 'paused') throw conflict('container not paused');
  await context.cgroups().thaw(state.cgroup.id, state.cgroup.parent);
  return 0;
}
