import { expect, test } from 'vitest';
import { isChildMap, parseIdMap } from './user-namespace.ts';

test('the map of the first user namespace is no child', () => {
  expect(isChildMap(parseIdMap('         0          0 4294967295\n'))).toBe(false);
});

test('any other map is that of a child', () => {
  expect(isChildMap(parseIdMap('0 1001 1\n1 100000 65535\n'))).toBe(true);
  expect(isChildMap(parseIdMap('0 1001 1\n'))).toBe(true);
  expect(isChildMap(parseIdMap('0 0 65536\n'))).toBe(true);
});

test('a map is read line by line', () => {
  expect(parseIdMap('         0       1001          1\n         1     100000      65535\n')).toEqual([
    { inside: 0, outside: 1001, count: 1 },
    { inside: 1, outside: 100000, count: 65535 },
  ]);
});
