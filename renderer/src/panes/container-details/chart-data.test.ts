import { expect, test } from 'vitest';
import { evenTicks, highestValue } from './chart-data.ts';

const MIB = 1024 * 1024;
const point = { time: 0, user: 3, system: 2, memory: 7, cache: 0, received: 0, sent: 0, read: 0, written: 0 };

test('ticks are round in the unit that is shown and reach the highest value', () => {
  expect(evenTicks(5, 1000)).toEqual([0, 2, 4, 6]);
  expect(evenTicks(1000, 1000)).toEqual([0, 250, 500, 750, 1000]);
  expect(evenTicks(3 * MIB, 1024)).toEqual([0, MIB, 2 * MIB, 3 * MIB]);
  expect(evenTicks(900 * MIB, 1024).at(-1)).toBe(1000 * MIB);
  expect(evenTicks(0.3, 1000).at(-1)).toBeGreaterThanOrEqual(0.3);
});

test('stacked series count together', () => {
  expect(highestValue([point], ['user', 'system'], true)).toBe(5);
  expect(highestValue([point], ['user', 'system'], false)).toBe(3);
  expect(highestValue([], ['user'], false)).toBe(0);
});
