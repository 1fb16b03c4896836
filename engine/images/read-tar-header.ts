import { invalidArgument } from '../lib/errors.ts';

/** Everything in a tar is in blocks of so many bytes. */
export const BLOCK = 512;

/** One ustar header; throws invalid-argument for a wrong checksum or number. */
export function parseHeader(header: Buffer) {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (octal(header, 148, 8) !== sum) throw invalidArgument('invalid tar header');
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? field(header, 345, 155) : '';
  const name = field(header, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: octal(header, 124, 12),
    type: String.fromCharCode(header[156] ?? 0),
    link: field(header, 157, 100),
  };
}

function field(header: Buffer, start: number, length: number): string {
  return cString(header.subarray(start, start + length));
}

export function cString(data: Buffer): string {
  const end = data.indexOf(0);
  return data.toString('utf8', 0, end < 0 ? data.length : end);
}

/** Octal text or GNU base-256; anything else, negative or beyond 2^53 is refused. */
function octal(header: Buffer, start: number, length: number): number {
  let value = NaN;
  if ((header[start] ?? 0) & 0x80) {
    if (header[start] !== 0x80) throw invalidArgument('invalid tar header');
    value = 0;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + (header[i] ?? 0);
  } else {
    const text = field(header, start, length).trim();
    if (/^[0-7]*$/.test(text)) value = text === '' ? 0 : parseInt(text, 8);
  }
  if (!Number.isSafeInteger(value)) throw invalidArgument('invalid tar header');
  return value;
}

/** Records of a PAX extended header (POSIX pax, "Extended Header"). */
export function parsePax(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < data.length;) {
    const space = data.indexOf(0x20, start);
    const length = Number(data.toString('latin1', start, Math.max(space, start)));
    if (space < 0 || !Number.isInteger(length) || length < 5 || start + length > data.length) {
      throw invalidArgument('invalid PAX record');
    }
    const record = data.toString('utf8', space + 1, start + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    start += length;
  }
  return records;
}

/** `./a//b/../c` → `a/c`: only to make names comparable. */
export function cleanName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
