import { expect, test } from 'vitest';
import { parseIgnoreFile } from './ignore-patterns.ts';

test.each([
  ['a', ['a', 'a/b'], ['b', 'b/a']],
  ['/a/', ['a', 'a/b'], ['b/a']],
  ['*.md', ['x.md'], ['d/x.md']],
  ['**/*.md', ['x.md', 'd/x.md', 'd/e/x.md'], ['x.mdx']],
  ['*/temp*', ['d/temporary', 'd/temp/x'], ['temp', 'd/e/temp']],
  ['**', ['a', 'a/b'], []],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a', 'z']],
  ['temp?', ['tempa', 'temp1/x'], ['temp', 'temp/a']],
  ['[a-c]x', ['ax', 'cx'], ['dx']],
  ['[^a]x', ['bx'], ['ax', '/x']],
  ['a\\*b', ['a*b'], ['axb']],
  ['x+(y)', ['x+(y)'], ['xx(y)']],
  ['# not this', [], ['# not this', 'x']],
  [' # this', ['# this'], []],
  ['*.md\n!README.md', ['x.md'], ['README.md']],
  ['*.md\n!README*.md\nREADME-secret.md', ['x.md', 'README-secret.md'], ['README-1.md']],
  ['*\n!d', ['x'], ['d', 'd/x']],
  ['d\n!d/keep', ['d/x'], ['d/keep']],
  ['한글*', ['한글1'], ['글']],
])('%j ignores %j and not %j', (text, ignored, kept) => {
  const { ignores } = parseIgnoreFile(text);
  expect(ignored.filter((path) => !ignores(path))).toEqual([]);
  expect(kept.filter((path) => ignores(path))).toEqual([]);
});

test.each([
  ['!', 'illegal exclusion pattern: "!"'],
  ['[a', 'syntax error in pattern: [a'],
  ['a\\', 'syntax error in pattern: a\\'],
])('%j is refused', (text, message) => {
  expect(() => parseIgnoreFile(text)).toThrow(message);
});
