import { expect, test } from 'vitest';
import { ancestors, formatMode, isFileName, joinPath, withLineEnds } from './file-view.ts';

test.each([
  ['directory', 0o755, 'drwxr-xr-x'],
  ['file', 0o4755, '-rwsr-xr-x'],
  ['file', 0o2644, '-rw-r-Sr--'],
  ['directory', 0o1777, 'drwxrwxrwt'],
  ['symlink', 0o777, 'lrwxrwxrwx'],
] as const)('the mode of a %s %o reads as ls shows it', (type, mode, text) => {
  expect(formatMode({ type, mode })).toBe(text);
});

test('paths join without doubled slashes and do not climb above the root', () => {
  expect(joinPath('/', 'etc')).toBe('/etc');
  expect(joinPath('/etc/', 'a//b')).toBe('/etc/a/b');
  expect(joinPath('/', '..')).toBe('/');
});

test('every folder above a path can be gone to', () => {
  expect(ancestors('/usr/lib').map((crumb) => crumb.path)).toEqual(['/', '/usr', '/usr/lib']);
});

test('a file keeps its line ends through an editor that knows only line feeds', () => {
  expect(withLineEnds('a\r\nb\r\n', 'a\nc\nd\n')).toBe('a\r\nc\r\nd\r\n');
  expect(withLineEnds('a\nb\r\n', 'a\nc\n')).toBe('a\nc\n');
  expect(withLineEnds('a\nb\n', 'a\nc\n')).toBe('a\nc\n');
});

test.each([
  ['notes.txt', true],
  ['한국어 문서', true],
  ['', false],
  ['..', false],
  ['a/b', false],
  ['ü'.repeat(128), false],
])('whether a file can be called %j: %j', (name, expected) => {
  expect(isFileName(name)).toBe(expected);
});
