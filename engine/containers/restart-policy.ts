import type { RestartPolicy } from '../wire/container.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run this long counts as healthy: the back-off starts again. */
const STABLE_RUN_MS = 10_000;

interface EndedRun {
  exitCode: number;
  /** By stop or kill, whichever signal. */
  manuallyStopped: boolean;
  /** Restarts already made. */
  restartCount: number;
}

/**
 * Whether the policy starts the container again after this run; the same for one that an engine finds stopped when it
 * starts. As in Docker only `unless-stopped` asks whether the user stopped it: a stop cancels the policy of the run
 * that it ends (`restartCancelled`), and nothing else.
 */
export function shouldRestart(policy: RestartPolicy | undefined, run: EndedRun): boolean {
  switch (policy?.Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !run.manuallyStopped;
    case 'on-failure': {
      const limit = policy.MaximumRetryCount ?? 0;
      return run.exitCode !== 0 && (limit === 0 || run.restartCount < limit);
    }
    default:
      return false;
  }
}

/** Doubling from 100 ms to one minute; begins anew after a run of at least ten seconds. */
export function nextDelayMs(previousDelayMs: number, lastRunMs: number): number {
  if (previousDelayMs === 0 || lastRunMs >= STABLE_RUN_MS) return FIRST_DELAY_MS;
  return Math.min(previousDelayMs * 2, LONGEST_DELAY_MS);
}
