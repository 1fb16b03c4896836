import { conflict } from '../lib/errors.ts';
import type { ContainersContext } from './context.ts';
import { isActive } from './record.ts';

/**
 * Keeps containers from starting until `work` settles. Throws conflict naming the first that runs, or is about to by
 * its restart policy. Those that are gone need no keeping.
 */
export async function keepStopped(
  context: ContainersContext,
  ids: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  // In the order of their IDs: two callers never wait for each other.
  const [id, ...others] = ids.toSorted();
  if (id === undefined) return work();
  if (!context.store.has(id)) return keepStopped(context, others, work);
  const container = context.store.get(id);
  await container.mutex.run(async () => {
    const { name, state } = container.record;
    if (container.shim || isActive(state.status))
      throw conflict(`container ${name} is using it, stop it first`);
    await keepStopped(context, others, work);
  });
}
