import type { ContainersContext } from './context.ts';
import type { ContainerRecord } from './record.ts';

/** A run begins to use the container's volumes. */
export function tellMounts(context: ContainersContext, { id, mounts }: ContainerRecord): void {
  for (const { type, name, destination, readonly, propagation } of mounts) {
    if (type !== 'volume') continue;
    tell(context, name, 'mount', {
      container: id,
      destination,
      propagation,
      'read/write': String(!readonly),
    });
  }
}

export function tellUnmounts(context: ContainersContext, { id, mounts }: ContainerRecord): void {
  for (const { type, name } of mounts) {
    if (type === 'volume') tell(context, name, 'unmount', { container: id });
  }
}

function tell(
  { events }: ContainersContext,
  id: string,
  action: string,
  attributes: Record<string, string>,
): void {
  events.publish({ type: 'volume', action, actor: { id, attributes: { driver: 'local', ...attributes } } });
}
