import { expect, test } from 'vitest';
import { toRlimits } from './rlimits.ts';

test('ulimit names become kernel numbers and -1 becomes unlimited', () => {
  expect(toRlimits([{ Name: 'nofile', Soft: 1024, Hard: 2048 }])).toEqual([
    { resource: 7, soft: 1024n, hard: 2048n },
  ]);
  expect(toRlimits([{ Name: 'core', Soft: -1, Hard: -1 }])).toEqual([
    { resource: 4, soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n },
  ]);
});

test('an unknown name and a soft limit above the hard one are refused', () => {
  expect(() => toRlimits([{ Name: 'constructor', Soft: 1, Hard: 1 }])).toThrow(
    'invalid ulimit type: constructor',
  );
  expect(() => toRlimits([{ Name: 'nofile', Soft: 2, Hard: 1 }])).toThrow(
    'less than or equal to hard limit: 2 > 1',
  );
  expect(() => toRlimits([{ Name: 'nofile', Soft: -1, Hard: 1 }])).toThrow('less than or equal');
});
