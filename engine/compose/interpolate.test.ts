import { expect, test } from 'vitest';
import { interpolate, InterpolationError, parseEnvironmentFile } from './interpolate.ts';

const variables = { SET: 'value', EMPTY: '', PORT: '8080' };

function expand(text: string): { text: string; unset: string[] } {
  const unset: string[] = [];
  return { text: interpolate(text, variables, (name) => unset.push(name)), unset };
}

test.each([
  ['plain', 'plain'],
  ['$SET', 'value'],
  ['${SET}/x', 'value/x'],
  ['a$$b', 'a$b'],
  ['$${SET}', '${SET}'],
  ['${EMPTY:-d}', 'd'],
  ['${EMPTY-d}', ''],
  ['${NONE:-d}', 'd'],
  ['${NONE-d}', 'd'],
  ['${SET:+r}', 'r'],
  ['${EMPTY:+r}', ''],
  ['${EMPTY+r}', 'r'],
  ['${NONE+r}', ''],
  ['${NONE:-${EMPTY:-${PORT}}}', '8080'],
  ['${NONE:-}', ''],
  ['${SET:?needed}', 'value'],
  ['${NONE:-a:b-c}', 'a:b-c'],
])('%s becomes %s', (text, expected) => {
  expect(expand(text)).toEqual({ text: expected, unset: [] });
});

test('an unset variable is empty and named', () => {
  expect(expand('x${NONE}y$OTHER')).toEqual({ text: 'xy', unset: ['NONE', 'OTHER'] });
});

test('a required variable that is missing fails with its own message', () => {
  expect(() => expand('${NONE:?set the ${SET}}')).toThrow(
    'required variable NONE is missing a value: set the value',
  );
  expect(() => expand('${EMPTY:?x}')).toThrow(InterpolationError);
  expect(expand('${EMPTY?x}').text).toBe('');
});

test.each(['$', '${', '${}', '${SET', '${1A}', '$1', '${SET!x}', 'costs 5$ or so'])(
  '%s is refused',
  (text) => {
    expect(() => expand(text)).toThrow(InterpolationError);
  },
);

test('a variable is never taken from the prototype', () => {
  expect(expand('${constructor:-none}').text).toBe('none');
});

test('an env file knows comments, quotes and export', () => {
  const file = [
    '# c',
    'A=1',
    'export B = two ',
    "C='a # b'",
    'D="x\\ny" # c',
    'E=a#b # c',
    '',
    'bad line',
  ].join('\n');
  expect(parseEnvironmentFile(file)).toEqual({ A: '1', B: 'two', C: 'a # b', D: 'x\ny', E: 'a#b' });
});
