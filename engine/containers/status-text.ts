import type { ContainerState } from './record.ts';
import { toEpochMs } from './timestamps.ts';

const SECONDS_PER = { minute: 60, hour: 3600, day: 86_400, week: 604_800 };

/** Go units.HumanDuration: `Less than a second`, `3 minutes`, `About an hour`, `2 weeks`, … */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const minutes = Math.floor(seconds / SECONDS_PER.minute);
  const hours = Math.round(seconds / SECONDS_PER.hour);
  const days = Math.floor(hours / 24);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** The STATUS column of `docker ps`. */
export function statusText(state: ContainerState, nowMs: number): string {
  const ago = humanDuration(nowMs - toEpochMs(state.finishedAt));
  const up = humanDuration(nowMs - toEpochMs(state.startedAt));
  switch (state.status) {
    case 'created':
      return 'Created';
    case 'restarting':
      return `Restarting (${state.exitCode}) ${ago} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'exited':
      return `Exited (${state.exitCode}) ${ago} ago`;
    case 'paused':
      return `Up ${up} (Paused)`;
    case 'running':
      break;
  }
  const health = state.health?.Status;
  if (health === undefined) return `Up ${up}`;
  return `Up ${up} (${health === 'starting' ? 'health: starting' : health})`;
}
