import { describe, expect, it, test } from 'vitest';
import { nextDelayMs, shouldRestart } from './restart-policy.ts';

/** Docker's table: what a policy does after a run, and with a stopped container when the engine starts. */
test.each([
  // policy, limit, exit code, stopped by the user, restarts so far → again
  ['no', 0, 1, false, 0, false],
  [undefined, 0, 1, false, 0, false],
  ['always', 0, 0, false, 0, true],
  ['always', 0, 1, false, 99, true],
  ['always', 0, 137, true, 0, true],
  ['unless-stopped', 0, 0, false, 0, true],
  ['unless-stopped', 0, 1, false, 99, true],
  ['unless-stopped', 0, 137, true, 0, false],
  ['on-failure', 0, 0, false, 0, false],
  ['on-failure', 0, 1, false, 99, true],
  ['on-failure', 2, 1, false, 1, true],
  ['on-failure', 2, 1, false, 2, false],
  ['on-failure', 0, 137, true, 0, true],
] as const)(
  'policy %s with limit %i, exit code %i, stopped by the user: %s, after %i restarts: %s',
  (Name, MaximumRetryCount, exitCode, manuallyStopped, restartCount, again) => {
    const policy = Name === undefined ? undefined : { Name, MaximumRetryCount };
    expect(shouldRestart(policy, { exitCode, manuallyStopped, restartCount })).toBe(again);
  },
);

describe('the back-off', () => {
  it('doubles the delay up to a minute and begins anew after a stable run', () => {
    expect(nextDelayMs(0, 0)).toBe(100);
    expect(nextDelayMs(100, 5)).toBe(200);
    expect(nextDelayMs(50_000, 5)).toBe(60_000);
    expect(nextDelayMs(60_000, 9_999)).toBe(60_000);
    expect(nextDelayMs(50_000, 10_000)).toBe(100);
  });
});
