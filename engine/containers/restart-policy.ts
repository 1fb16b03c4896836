import type { RestartPolicy } from '../wire/container.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run this long counts as healthy: the back-off starts again. */
const STABLE_RUN_MS = 10_000;

interface EndedRun {
  exitCode: number;
  durationMs: number;
  manuallyStopped: boolean;
  /** Restarts already made. */
  restartCount: number;
}

/** Whether the policy starts the container again after this run. */
export function shouldRestart(policy: RestartPolicy | undefined, run: EndedRun): boolean {
  if (run.manuallyStopped) return false;
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure': {
      const limit = policy.MaximumRetryCount ?? 0;
      return run.exitCode !== 0 && (limit === 0 || run.restartCount < limit);
    }
    default:
      return false;
  }
}

/** Whether the policy starts a stopped container when the engine starts. */
export function shouldStartWithEngine(
  policy: RestartPolicy | undefined,
  stopped: { exitCode: number; manuallyStopped: boolean; everStarted: boolean; restartCount: number },
): boolean {
  if (!stopped.everStarted) return false;
  switch (policy?.Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !stopped.manuallyStopped;
    default:
      return false;
  }
}

/** Doubling from 100 ms to one minute; begins anew after a run of at least ten seconds. */
export function nextDelayMs(previousDelayMs: number, lastRunMs: number): number {
  if (previousDelayMs === 0 || lastRunMs >= STABLE_RUN_MS) return FIRST_DELAY_MS;
  return Math.min(previousDelayMs * 2, LONGEST_DELAY_MS);
}
