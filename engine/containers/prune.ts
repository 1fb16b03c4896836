import path from 'node:path';
import { conflict, invalidArgument, messageOf } from '../lib/errors.ts';
import { parseTimestamp } from '../lib/timestamp.ts';
import type { Container } from './container.ts';
import type { ContainersContext } from './context.ts';
import { matchLabel, type FilterValues } from './list-filters.ts';
import { isActive } from './record.ts';
import { removeContainer } from './removal.ts';
import { nanosToFixed, toFixedNano } from '../lib/fixed-time.ts';
import { writableSizeBytes } from './writable-size.ts';

/** The filters of `POST /containers/prune`. */
export const PRUNE_FILTERS = ['until', 'label', 'label!'];

/** Contexts in which a prune is under way: one at a time, as in Docker. */
const pruning = new WeakSet<ContainersContext>();

/** Removes every stopped container that the filters accept; what cannot be removed stays. */
export async function pruneContainers(
  context: ContainersContext,
  filters: FilterValues,
): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
  const matches = compilePruneFilters(filters);
  if (pruning.has(context)) throw conflict('a prune operation is already running');
  pruning.add(context);
  const deleted: string[] = [];
  let SpaceReclaimed = 0;
  try {
    for (const container of context.store.list()) {
      if (isActive(container.record.state.status) || container.removing || !matches(container)) continue;
      const bytes = await removeOne(context, container);
      if (bytes === undefined) continue;
      deleted.push(container.record.id);
      SpaceReclaimed += bytes;
    }
  } finally {
    pruning.delete(context);
  }
  context.events.publish({
    type: 'container',
    action: 'prune',
    actor: { id: '', attributes: { reclaimed: String(SpaceReclaimed) } },
  });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed };
}

/** The bytes that it held; undefined when it stays. */
async function removeOne(context: ContainersContext, container: Container): Promise<number | undefined> {
  const { id } = container.record;
  try {
    const bytes = await writableSizeBytes(path.join(container.directory, 'upper'));
    await removeContainer(context, container, { force: false, volumes: false, calledAs: id });
    return bytes;
  } catch (error) {
    // Often started or removed by somebody else meanwhile.
    context.logger.warn('container not pruned', { container: id, error: messageOf(error) });
    return undefined;
  }
}

function compilePruneFilters(filters: FilterValues): (container: Container) => boolean {
  if (filters.values('until').length > 1) throw invalidArgument('more than one until filter specified');
  const untils = filters.values('until').map((value) => nanosToFixed(parseTimestamp(value) ?? 0n));
  const wanted = filters.values('label').map(matchLabel);
  const unwanted = filters.values('label!').map(matchLabel);
  return (container) =>
    untils.every((until) => toFixedNano(container.record.createdAt) < until) &&
    wanted.every((matches) => matches(container)) &&
    !unwanted.some((matches) => matches(container));
}
