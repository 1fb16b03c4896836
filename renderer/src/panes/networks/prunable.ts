import type { ContainerSummary, NetworkSummary } from '../../../../electron/api/types.ts';
import { isLive } from '../../containers/state-view.ts';

export interface Prunable {
  name: string;
  /** Containers that would find their network gone at the next start. */
  stopped: string[];
}

/** What the engine's prune removes: networks of the user's own on which nobody runs. */
export function prunable(
  networks: readonly NetworkSummary[],
  containers: readonly ContainerSummary[],
): Prunable[] {
  return networks
    .filter(({ predefined }) => !predefined)
    .map(({ name }) => ({ name, on: containers.filter((container) => container.networks.includes(name)) }))
    .filter(({ on }) => !on.some(({ state }) => isLive(state)))
    .map(({ name, on }) => ({ name, stopped: on.map((container) => container.name) }));
}
