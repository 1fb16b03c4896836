import { invalidArgument } from '../lib/errors.ts';
import { parseDuration } from '../lib/timestamp.ts';

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
