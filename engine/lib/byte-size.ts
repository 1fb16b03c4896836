import { invalidArgument } from './errors.ts';

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Go's units.FromHumanSize (base 1000) and units.RAMInBytes (base 1024), with their text. Bytes. */
export function parseSize(text: string, base: 1000 | 1024): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) throw invalidArgument(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * base ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
}
