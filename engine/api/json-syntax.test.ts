import { expect, test } from 'vitest';
import { describeSyntaxError } from './json-syntax.ts';

test.each([
  ['{invalid json', "invalid JSON: invalid character 'i' looking for beginning of object key string"],
  ['{} trailing content', 'unexpected content after JSON'],
  ['{"a" 1}', "invalid JSON: invalid character '1' after object key"],
  ['{"a": 1 "b"}', `invalid JSON: invalid character '"' after object key:value pair`],
  ['{"a": [1 2]}', "invalid JSON: invalid character '2' after array element"],
  ['{"a": x}', "invalid JSON: invalid character 'x' looking for beginning of value"],
  ["{'a': 1}", String.raw`invalid JSON: invalid character '\'' looking for beginning of object key string`],
  ['{"a": trxe}', "invalid JSON: invalid character 'x' in literal true (expecting 'u')"],
  ['{"a": "\n"}', String.raw`invalid JSON: invalid character '\n' in string literal`],
  [String.raw`{"a": "\x"}`, "invalid JSON: invalid character 'x' in string escape code"],
  [
    String.raw`{"a": "\u00g0"}`,
    String.raw`invalid JSON: invalid character 'g' in \u hexadecimal character escape`,
  ],
  ['{"a": -x}', "invalid JSON: invalid character 'x' in numeric literal"],
  ['{"a": 1.x}', "invalid JSON: invalid character 'x' after decimal point in numeric literal"],
  ['{"a": 1e+}', "invalid JSON: invalid character '}' in exponent of numeric literal"],
  ['{"a": [', 'invalid JSON: unexpected EOF'],
])('%j is refused in the words of Go', (text, message) => {
  expect(() => void JSON.parse(text)).toThrow();
  expect(describeSyntaxError(text)).toBe(message);
});

test.each(['{}', ' [1, -0.5e3, "\\u00e9", true, null] ', '"text"'])('%j has no error', (text) => {
  expect(describeSyntaxError(text)).toBeUndefined();
});
