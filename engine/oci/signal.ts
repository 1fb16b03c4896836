import { conflict, invalidArgument } from '../lib/errors.ts';
import { parseSignal } from '../lib/signals.ts';
import { loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { signal } from './delete.ts';
import { parseFlags } from './flags.ts';

const SIGKILL = 9;

/** `kill [--all] ID [SIGNAL]`; the default is SIGTERM. */
export async function kill(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, { all: 'switch', regex: 'switch' }, { a: 'all' });
  const [id = '', text = 'SIGTERM', ...more] = rest;
  if (more.length > 0) throw invalidArgument('kill takes a container id and a signal');
  const state = loadState(context.root, id);
  const number = parseSignal(text);
  const status = statusOf(context.root, state);
  if (flags.isSet('all')) {
    const { id: name, parent } = state.cgroup;
    for (const pid of await context
      .cgroups()
      .processes(name, parent, state.pid)
      .catch((): number[] => []))
      signal(pid, number);
    return 0;
  }
  if (status === 'stopped') throw conflict('container not running');
  signal(state.pid, number);
  // A frozen process takes no signal.
  if (status === 'paused' && number === SIGKILL)
    await context.cgroups().thaw(state.cgroup.id, state.cgroup.parent);
  return 0;
}
