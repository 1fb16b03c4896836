import { describe, expect, test } from 'vitest';
import { formatBytes, formatMemory, parseMemory } from './bytes.ts';
import { imageName, shortId } from './ids.ts';
import { formatAgo, formatLasting, formatLogTime, toSpan } from './time.ts';

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1_234_000, '1.23 MB'],
    [52_400_000, '52.4 MB'],
    [451_000_000, '451 MB'],
    [999_999, '1.00 MB'],
    [-5, '0 B'],
  ])('%d bytes read %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('memory is binary', () => {
    expect(formatMemory(536_870_912)).toBe('512 MiB');
    expect(formatMemory(1536)).toBe('1.50 KiB');
  });

  test.each([
    ['512m', 536_870_912],
    ['1.5g', 1_610_612_736],
    ['2 GiB', 2_147_483_648],
    ['1048576', 1_048_576],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });

  test.each(['', 'm', '12x', '-1m', '1m2'])('%j is not a size', (text) => {
    expect(parseMemory(text)).toBeUndefined();
  });
});

describe('times', () => {
  test('a span is its largest unit, rounded down', () => {
    expect(toSpan(59_999)).toEqual({ unit: 'second', count: 59 });
    expect(toSpan(3_700_000)).toEqual({ unit: 'hour', count: 1 });
    expect(toSpan(-1)).toEqual({ unit: 'second', count: 0 });
  });

  test('ages read naturally in both languages', () => {
    expect(formatAgo(0, 7_200_000, 'en')).toBe('2 hours ago');
    expect(formatAgo(0, 7_200_000, 'ko')).toBe('2시간 전');
    expect(formatLasting(180_000, 'en')).toBe('3 minutes');
    expect(formatLasting(180_000, 'ko')).toBe('3분');
  });

  test('log times keep milliseconds; nonsense is shown as it is', () => {
    expect(formatLogTime('2026-01-02T03:04:05.678901234Z', true)).toBe('03:04:05.678');
    expect(formatLogTime('later', true)).toBe('later');
  });
});

test('digests are shortened, names are not', () => {
  const digest = 'ab'.repeat(32);
  expect(shortId(`sha256:${digest}`)).toBe('abababababab');
  expect(imageName(`sha256:${digest}`)).toBe('abababababab');
  expect(imageName('nginx:1.29')).toBe('nginx:1.29');
});
