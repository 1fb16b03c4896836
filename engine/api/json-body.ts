import type { IncomingMessage } from 'node:http';
import { spellFields, type FieldNames } from '../lib/field-names.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { describeSyntaxError } from './json-syntax.ts';

/**
 * Docker's rules: an empty body is no body whatever its type; anything else must say `application/json` (SECURITY:
 * CSRF, a form cannot) and hold exactly one JSON object. `fields`: names that are found in any case.
 */
export function parseJsonBody(
  request: IncomingMessage,
  body: Buffer,
  fields?: FieldNames,
): object | undefined {
  const contentType = request.headers['content-type'];
  if (body.length === 0 && contentType === undefined) return undefined;
  requireJson(contentType ?? '');
  if (body.length === 0) return undefined;
  const text = body.toString('utf8');
  if (text.trim() === '') throw invalidArgument('invalid JSON: got EOF while reading request body');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(describeSyntaxError(text) ?? `invalid JSON: ${messageOf(error)}`);
  }
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgument('invalid JSON: the body is not an object');
  }
  return fields ? (spellFields(value, fields) as object) : value;
}

function requireJson(contentType: string): void {
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === '') {
    throw invalidArgument(`malformed Content-Type header (${contentType}): mime: no media type`);
  }
  if (mediaType !== 'application/json') {
    throw invalidArgument(`unsupported Content-Type header (${contentType}): must be 'application/json'`);
  }
}
