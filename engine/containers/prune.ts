import path from 'node:path';
import { EngineError } from '../lib/errors.ts';
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

/** Removes every stopped container that the filters accept. */
export async function pruneContainers(
  context: ContainersContext,
  filters: FilterValues,
): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
  const matches = compilePruneFilters(filters);
  const deleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const container of context.store.list()) {
    if (isActive(container.record.state.status) || container.removing || !matches(container)) continue;
    const bytes = await writableSizeBytes(path.join(container.directory, 'upper'));
    try {
      await removeContainer(context, container, {
        force: false,
        volumes: false,
        calledAs: container.record.id,
      });
    } catch (error) {
      // Started or removed by somebody else meanwhile.
      if (error instanceof EngineError && error.kind === 'conflict') continue;
      throw error;
    }
    deleted.push(container.record.id);
    SpaceReclaimed += bytes;
  }
  context.events.publish({
    type: 'container',
    action: 'prune',
    actor: { id: '', attributes: { reclaimed: String(SpaceReclaimed) } },
  });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed };
}

function compilePruneFilters(filters: FilterValues): (container: Container) => boolean {
  const untils = filters.values('until').map((value) => nanosToFixed(parseTimestamp(value) ?? 0n));
  const wanted = filters.values('label').map(matchLabel);
  const unwanted = filters.values('label!').map(matchLabel);
  return (container) =>
    untils.every((until) => toFixedNano(container.record.createdAt) < until) &&
    wanted.every((matches) => matches(container)) &&
    !unwanted.some((matches) => matches(container));
}
