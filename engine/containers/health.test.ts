import { describe, expect, it } from 'vitest';
import { applyProbe, toSchedule, type HealthState, type ProbeResult } from './health.ts';

const probe = (ExitCode: number): ProbeResult => ({ Start: '', End: '', ExitCode, Output: '' });
const fresh = (): HealthState => ({ Status: 'starting', FailingStreak: 0, Log: [] });

describe('health', () => {
  it('needs as many failures in a row as retries say', () => {
    const state = fresh();
    for (const [code, status] of [
      [1, 'starting'],
      [1, 'starting'],
      [0, 'healthy'],
      [1, 'healthy'],
      [1, 'healthy'],
      [1, 'unhealthy'],
    ] as const) {
      applyProbe(state, probe(code), { retries: 3, grace: false });
      expect(state.Status).toBe(status);
    }
    expect(state.FailingStreak).toBe(3);
    expect(state.Log).toHaveLength(5);
  });

  it('forgives failures in the start period', () => {
    const state = fresh();
    applyProbe(state, probe(1), { retries: 1, grace: true });
    expect(state).toMatchObject({ Status: 'starting', FailingStreak: 0 });
  });

  it('reads tests and defaults', () => {
    expect(toSchedule({ Test: ['NONE'] }, null)).toBeUndefined();
    expect(toSchedule(undefined, null)).toBeUndefined();
    expect(toSchedule({ Test: ['CMD', 'curl', '-f', '/'] }, null)?.argv).toEqual(['curl', '-f', '/']);
    expect(toSchedule({ Test: ['CMD-SHELL', 'exit 1'], Interval: 5e9 }, null)).toMatchObject({
      argv: ['/bin/sh', '-c', 'exit 1'],
      intervalMs: 5000,
      timeoutMs: 30_000,
      retries: 3,
    });
  });
});
