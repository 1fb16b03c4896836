import { describe, expect, it, test } from 'vitest';
import { nanosToFixed, toFixedNano } from '../lib/fixed-time.ts';
import { formatDuration, nowRfc3339, toEpochMs } from './timestamps.ts';

describe('timestamps', () => {
  it('formats now with microseconds that parse back', () => {
    const now = nowRfc3339();
    expect(now).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Math.abs(toEpochMs(now) - Date.now())).toBeLessThan(60_000);
  });

  it('pads fractions to nine digits so that text order is time order', () => {
    expect(toFixedNano('2026-01-02T03:04:05.12Z')).toBe('2026-01-02T03:04:05.120000000Z');
    expect(toFixedNano('2026-01-02T03:04:05Z')).toBe('2026-01-02T03:04:05.000000000Z');
    expect(toFixedNano('2026-01-02T03:04:05.123456789Z')).toBe('2026-01-02T03:04:05.123456789Z');
  });

  it('formats nanoseconds since the epoch', () => {
    expect(nanosToFixed(1_700_000_000_000_000_042n)).toBe('2023-11-14T22:13:20.000000042Z');
  });
});

test.each([
  [0, '0s'],
  [0.5, '500µs'],
  [50, '50ms'],
  [1500, '1.5s'],
  [30_000, '30s'],
  [60_000, '1m0s'],
  [7_380_250, '2h3m0.25s'],
])('%d ms are %s', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});
