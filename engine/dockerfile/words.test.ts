import { expect, test } from 'vitest';
import { expandWord, expandWords } from './words.ts';

const VARIABLES: Record<string, string> = { A: 'one', E: '', P: 'a/b/a', S: 'x y' };
const options = { escape: '\\', variables: (name: string) => VARIABLES[name] };

test.each([
  ['a$A-b', 'aone-b'],
  ['${A}b', 'oneb'],
  ['$U', ''],
  ['\\$A', '$A'],
  ["'$A'", '$A'],
  ['"$A"', 'one'],
  ['"a\\"b\\n"', 'a"b\\n'],
  ['a\\ b', 'a b'],
  ['$', '$'],
  ['$1x', 'x'],
  ['${U:-d}', 'd'],
  ['${E:-d}', 'd'],
  ['${E-d}', ''],
  ['${U-${A}}', 'one'],
  ['${A:+s}', 's'],
  ['${E:+s}', ''],
  ['${E+s}', 's'],
  ['${A:?no}', 'one'],
  ['${P#*/}', 'b/a'],
  ['${P##*/}', 'a'],
  ['${P%/*}', 'a/b'],
  ['${P%%/*}', 'a'],
  ['${P/a/z}', 'z/b/a'],
  ['${P//a/z}', 'z/b/z'],
  ['${P//\\//-}', 'a-b-a'],
])('%s becomes %j', (source, expected) => {
  expect(expandWord(source, options)).toBe(expected);
});

test('words are split outside of quotes, also within an unquoted value', () => {
  expect(expandWords('a "b c" $S "$S" d\\ e', options)).toEqual(['a', 'b c', 'x', 'y', 'x y', 'd e']);
});

test('unset variables can stay as they are', () => {
  const kept = { ...options, keepUnset: true };
  expect(expandWord('$U ${U} ${U:-d} $A', kept)).toBe('$U ${U} ${U:-d} one');
});

test('a backtick escapes where the Dockerfile says so', () => {
  expect(expandWord('C:\\x `$A', { ...options, escape: '`' })).toBe('C:\\x $A');
});

test.each([
  ['${A', 'failed to process "${A": syntax error: missing \'}\''],
  ['${', /missing '}'/],
  ['${}', /bad substitution/],
  ['${A!b}', /unsupported modifier \(!\) in substitution/],
  ['${A:#b}', /unsupported modifier \(:#\) in substitution/],
  ['${U:?give it}', /U: give it/],
  ['${E:?}', /E: is not allowed to be empty/],
  ["'a", /matching single-quote/],
  ['"a', /matching double-quote/],
])('%s is refused', (source, message) => {
  expect(() => expandWord(source, options)).toThrow(message);
});
