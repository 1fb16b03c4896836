import { invalidArgument } from './errors.ts';

/** What a field of a client's JSON must be; `expected` completes "… must be". */
export interface Check {
  expected: string;
  holds: (value: unknown) => boolean;
}

/** No NUL: these become C strings, and what the kernel sees must be what was checked. */
export const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');
/** A JSON object: neither a list nor null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const listOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);
export const mapOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  isObject(value) && Object.values(value).every(holds);
export const orNull = (holds: (item: unknown) => boolean) => (value: unknown) =>
  value === null || holds(value);

export const TEXT: Check = { expected: 'a string', holds: isText };
export const FLAG: Check = { expected: 'a boolean', holds: (value) => typeof value === 'boolean' };
export const INTEGER: Check = { expected: 'an integer', holds: Number.isSafeInteger };
export const TEXTS: Check = { expected: 'a list of strings', holds: (value) => listOf(value, isText) };
export const TEXT_MAP: Check = { expected: 'a map of strings', holds: (value) => mapOf(value, isText) };

/** Like `checkFields` for an object that may be absent. */
export function checkObject(
  name: string,
  value: object | null | undefined,
  checks: Record<string, Check>,
): void {
  if (value === null || value === undefined) return;
  if (!isObject(value)) throw invalidArgument(`invalid JSON: ${name} must be an object`);
  checkFields(`${name}.`, value, checks);
}

/** Refuses fields of a wrong type, as Docker does while decoding; `null` is absence. Throws invalid-argument. */
export function checkFields(prefix: string, value: object, checks: Record<string, Check>): void {
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (field === null || !check || check.holds(field)) continue;
    throw invalidArgument(`invalid JSON: ${prefix}${name} must be ${check.expected}`);
  }
}
