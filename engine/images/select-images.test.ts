import { expect, test } from 'vitest';
import { compileGlob, referenceMatcher } from './select-images.ts';
import { parseReference } from './reference.ts';

test.each([
  ['busy*', 'busybox', true],
  ['busy*', 'team/busybox', false],
  ['*/busy*', 'team/busybox', true],
  ['b?s', 'bus', true],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['a.b', 'axb', false],
  ['a\\*', 'a*', true],
])('the glob %s and %s match: %s', (glob, text, expected) => {
  expect(compileGlob(glob).test(text)).toBe(expected);
});

test('a broken glob is refused', () => {
  expect(() => compileGlob('[a')).toThrow(expect.objectContaining({ kind: 'invalid-argument' }));
});

test('the reference filter looks at the name with and without its tag', () => {
  const matches = (glob: string, reference: string) => referenceMatcher([glob])(parseReference(reference));
  expect(matches('busybox', 'busybox:1.36')).toBe(true);
  expect(matches('busybox:1.*', 'busybox:1.36')).toBe(true);
  expect(matches('busybox:2*', 'busybox:1.36')).toBe(false);
  expect(referenceMatcher([])(parseReference('x:1'))).toBe(true);
});
