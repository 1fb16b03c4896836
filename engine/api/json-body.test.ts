import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { parseJsonBody } from './json-body.ts';

const parse = (body: string, contentType?: string) =>
  parseJsonBody({ headers: { 'content-type': contentType } } as IncomingMessage, Buffer.from(body));

test('no body needs no type', () => {
  expect(parse('')).toBeUndefined();
  expect(parse('', 'application/json')).toBeUndefined();
});

test('an object is read, with or without a charset', () => {
  expect(parse('{"a":1}', 'application/json')).toEqual({ a: 1 });
  expect(parse('{"a":1}', 'Application/JSON; charset=utf-8')).toEqual({ a: 1 });
  expect(parse('null', 'application/json')).toBeUndefined();
});

test('a body of another or no type is refused', () => {
  expect(() => parse('{}', 'text/plain')).toThrow(
    "unsupported Content-Type header (text/plain): must be 'application/json'",
  );
  expect(() => parse('{}')).toThrow('malformed Content-Type header (): mime: no media type');
});

test.each(['{', '[]', '1', '"x"', ' '])('%s is invalid JSON for an operation', (body) => {
  expect(() => parse(body, 'application/json')).toThrow('invalid JSON: ');
});
