import { expect, test } from 'vitest';
import { parseContainerPath } from './container-path.ts';
import { goFileMode, toPathStat } from './path-stat.ts';

test.each([
  ['/a/b', '/a/b', false, 'b'],
  ['a/b', '/a/b', false, 'b'],
  ['/a/b/', '/a/b', true, 'b'],
  ['/a/b/.', '/a/b', true, '.'],
  ['/a/../../b', '/b', false, 'b'],
  ['/', '/', false, '/'],
  ['/.', '/', false, '.'],
  ['..', '/', false, '/'],
])('%s is %s', (text, absolute, follow, name) => {
  expect(parseContainerPath(text)).toEqual({ absolute, follow, name });
});

test.each([undefined, '', 'a\0b'])('%j is refused', (text) => {
  expect(() => parseContainerPath(text)).toThrow(expect.objectContaining({ kind: 'invalid-argument' }));
});

test('modes are translated to Go', () => {
  expect(goFileMode(0o100644)).toBe(0o644);
  expect(goFileMode(0o041777)).toBe(2 ** 31 + 2 ** 20 + 0o777);
  expect(goFileMode(0o106755)).toBe(2 ** 23 + 2 ** 22 + 0o755);
  expect(goFileMode(0o020666)).toBe(2 ** 26 + 2 ** 21 + 0o666);
});

test('a link that dangles is resolved by its text', () => {
  const place = parseContainerPath('/a/link');
  const stat = { mode: 0o120777, size: 4, seconds: 1_700_000_000, nanoseconds: 120_000_000 };
  expect(toPathStat({ ...stat, link: '../gone' }, place)).toMatchObject({
    linkTarget: '/gone',
    mtime: '2023-11-14T22:13:20.12Z',
  });
  expect(toPathStat({ ...stat, link: '../x', target: '/y' }, place).linkTarget).toBe('/y');
});
