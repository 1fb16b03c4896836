import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { isLive } from '../../containers/state-view.ts';

export type StateTab = 'all' | 'running' | 'stopped';

export function isStateTab(value: unknown): value is StateTab {
  return value === 'all' || value === 'running' || value === 'stopped';
}

/** Every word must be found in the name, image, id, state, project or a published port. */
function matches(container: ContainerSummary, words: string[]): boolean {
  const text = [
    container.name,
    container.image,
    container.id.slice(0, 12),
    container.state,
    container.health ?? '',
    container.compose?.project ?? '',
    ...container.ports.map((port) => String(port.hostPort ?? '')),
  ]
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The rows of a tab that match the filter, and how many each tab would show. */
export function filterContainers(
  containers: readonly ContainerSummary[],
  filter: { text: string; tab: StateTab },
) {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length === 0 ? containers : containers.filter((container) => matches(container, words));
  const running = found.filter((container) => isLive(container.state));
  const stopped = found.filter((container) => !isLive(container.state));
  const byTab = { all: [...found], running, stopped };
  return {
    rows: byTab[filter.tab],
    counts: { all: found.length, running: running.length, stopped: stopped.length },
  };
}
