import { describe, expect, it } from 'vitest';
import { nextDelayMs, shouldRestart, shouldStartWithEngine } from './restart-policy.ts';

const failed = { exitCode: 1, durationMs: 5, manuallyStopped: false, restartCount: 0 };

describe('restart policy', () => {
  it('restarts by policy after the container ended by itself', () => {
    expect(shouldRestart({ Name: 'no' }, failed)).toBe(false);
    expect(shouldRestart({ Name: 'always' }, { ...failed, exitCode: 0 })).toBe(true);
    expect(shouldRestart({ Name: 'on-failure' }, failed)).toBe(true);
    expect(shouldRestart({ Name: 'on-failure' }, { ...failed, exitCode: 0 })).toBe(false);
    expect(shouldRestart({ Name: 'on-failure', MaximumRetryCount: 2 }, { ...failed, restartCount: 2 })).toBe(
      false,
    );
  });

  it('never restarts what the user stopped', () => {
    expect(shouldRestart({ Name: 'always' }, { ...failed, manuallyStopped: true })).toBe(false);
  });

  it('starts always, and unless-stopped only when nobody stopped it, with the engine', () => {
    const stopped = { exitCode: 0, manuallyStopped: true, everStarted: true, restartCount: 0 };
    expect(shouldStartWithEngine({ Name: 'always' }, stopped)).toBe(true);
    expect(shouldStartWithEngine({ Name: 'unless-stopped' }, stopped)).toBe(false);
    expect(shouldStartWithEngine({ Name: 'unless-stopped' }, { ...stopped, manuallyStopped: false })).toBe(
      true,
    );
    expect(shouldStartWithEngine({ Name: 'always' }, { ...stopped, everStarted: false })).toBe(false);
  });

  it('doubles the delay up to a minute and begins anew after a stable run', () => {
    expect(nextDelayMs(0, 0)).toBe(100);
    expect(nextDelayMs(100, 5)).toBe(200);
    expect(nextDelayMs(50_000, 5)).toBe(60_000);
    expect(nextDelayMs(50_000, 10_000)).toBe(100);
  });
});
