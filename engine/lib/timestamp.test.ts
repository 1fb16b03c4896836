import { expect, test } from 'vitest';
import { parseDuration, parseTimestamp } from './timestamp.ts';

const SECOND = 1_000_000_000n;

test.each([
  ['10m', 600n * SECOND],
  ['1h30m', 5400n * SECOND],
  ['1.5s', 1_500_000_000n],
  ['100ms', 100_000_000n],
  ['-2s', -2n * SECOND],
  ['0', 0n],
])('duration %s', (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});

test.each(['', '10', 'm', '10 m', '1d', '1h-1m'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ['1700000000', 1_700_000_000n * SECOND],
  ['1700000000.000000005', 1_700_000_000n * SECOND + 5n],
  ['1700000000.5', 1_700_000_000n * SECOND + 500_000_000n],
  ['2023-11-14T22:13:20Z', 1_700_000_000n * SECOND],
  ['2023-11-14T22:13:20.000000001Z', 1_700_000_000n * SECOND + 1n],
  ['2023-11-14T23:13:20+01:00', 1_700_000_000n * SECOND],
  ['2023-11-14T22:13:20', 1_700_000_000n * SECOND],
  ['2023-11-14', 1_699_920_000n * SECOND],
])('timestamp %s', (text, nanoseconds) => {
  expect(parseTimestamp(text)).toBe(nanoseconds);
});

test('a duration is counted back from now', () => {
  expect(parseTimestamp('10m', 1_700_000_600_000)).toBe(1_700_000_000n * SECOND);
});

test('none and zero mean no limit, nonsense is refused', () => {
  expect(parseTimestamp(undefined)).toBeUndefined();
  expect(parseTimestamp('0')).toBeUndefined();
  expect(() => parseTimestamp('yesterday')).toThrow("invalid timestamp 'yesterday'");
  expect(() => parseTimestamp('2023-13-45')).toThrow('invalid timestamp');
});
