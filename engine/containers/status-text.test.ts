import { describe, expect, it } from 'vitest';
import type { HealthState } from './health.ts';
import type { ContainerState } from './record.ts';
import { humanDuration, statusText } from './status-text.ts';
import { ZERO_TIME } from './timestamps.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

describe('humanDuration', () => {
  it.each([
    [450, 'Less than a second'],
    [SECOND, '1 second'],
    [47 * SECOND, '47 seconds'],
    [60 * SECOND, 'About a minute'],
    [3 * 60 * SECOND, '3 minutes'],
    [60 * 60 * SECOND, 'About an hour'],
    [3 * HOUR, '3 hours'],
    [47 * HOUR, '47 hours'],
    [7 * DAY, '7 days'],
    [20 * DAY, '2 weeks'],
    [100 * DAY, '3 months'],
    [800 * DAY, '2 years'],
  ])('%d ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});

describe('statusText', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const state = (part: Partial<ContainerState>): ContainerState => ({
    status: 'running',
    pid: 1,
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt: '2026-01-01T00:57:00Z',
    finishedAt: ZERO_TIME,
    ...part,
  });

  const health = (Status: HealthState['Status']): HealthState => ({ Status, FailingStreak: 0, Log: [] });

  it('says what docker ps says', () => {
    expect(statusText(state({}), now)).toBe('Up 3 minutes');
    expect(statusText(state({ health: health('starting') }), now)).toBe('Up 3 minutes (health: starting)');
    expect(statusText(state({ health: health('healthy') }), now)).toBe('Up 3 minutes (healthy)');
    expect(statusText(state({ status: 'paused' }), now)).toBe('Up 3 minutes (Paused)');
    const finished = { finishedAt: '2026-01-01T00:59:55Z', exitCode: 3 };
    expect(statusText(state({ status: 'exited', ...finished }), now)).toBe('Exited (3) 5 seconds ago');
    expect(statusText(state({ status: 'restarting', ...finished }), now)).toBe(
      'Restarting (3) 5 seconds ago',
    );
    expect(statusText(state({ status: 'created' }), now)).toBe('Created');
  });
});
