import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { isLive } from '../../containers/state-view.ts';
import { formatLasting } from '../../format/time.ts';

const unitMs: Record<string, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
};

/**
 * How long a live container has been up, read from Docker's status text (`Up 3 minutes`, `Up About an hour`,
 * `Up Less than a second`): the list has no start time. Undefined when it is not up.
 */
export function uptimeMs(status: string): number | undefined {
  const match = /^Up (?:Less than a|About an?|(\d+)) (second|minute|hour|day|week|month|year)/.exec(status);
  if (!match) return undefined;
  return Number(match[1] ?? 1) * (unitMs[match[2] ?? ''] ?? 0);
}

/** The uptime now: `sinceFetchMs` passed since the engine wrote the status text. */
export function uptimeText(
  container: Pick<ContainerSummary, 'state' | 'status'>,
  sinceFetchMs: number,
  language: string,
): string {
  const uptime = uptimeMs(container.status);
  if (!isLive(container.state) || uptime === undefined) return '';
  return formatLasting(uptime + Math.max(0, sinceFetchMs), language);
}
