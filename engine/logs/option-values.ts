import { invalidArgument } from '../lib/errors.ts';
import { parseDuration } from '../lib/timestamp.ts';

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Go's units.FromHumanSize (base 1000) and units.RAMInBytes (base 1024), with their text. Bytes. */
export function parseSize(text: string, base: 1000 | 1024): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) throw invalidArgument(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * base ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
}

/** Go's strconv.ParseBool. */
export function parseBoolean(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw invalidArgument(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Go's strconv.Atoi. */
export function parseInteger(text: string, goFunction = 'Atoi'): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw invalidArgument(`strconv.${goFunction}: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Go's time.ParseDuration, in milliseconds. */
export function parseDurationMs(text: string): number {
  const nanoseconds = parseDuration(text);
  if (nanoseconds === undefined) throw invalidArgument(`time: invalid duration ${JSON.stringify(text)}`);
  return Number(nanoseconds) / 1e6;
}
