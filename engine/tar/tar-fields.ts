import { invalidArgument } from '../lib/errors.ts';
import { BLOCK_BYTES } from './tar-entry.ts';

/** What every ustar header has. */
export interface TarFields {
  name: string;
  size: number;
  /** One character, NUL in old archives. */
  type: string;
  link: string;
}

/** Throws invalid-argument for a wrong checksum or number. */
export function readTarFields(header: Buffer): TarFields {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i += 1) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (readNumber(header, 148, 8) !== sum) throw invalidArgument('invalid tar header');
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? cString(header, 345, 155) : '';
  const name = cString(header, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: readNumber(header, 124, 12),
    type: String.fromCharCode(header[156] ?? 0),
    link: cString(header, 157, 100),
  };
}

export function cString(data: Buffer, start = 0, length = data.length): string {
  const field = data.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** Octal text, or GNU base-256 (two's complement) where that is allowed to be negative. */
export function readNumber(header: Buffer, start: number, length: number, signed = false): number {
  const first = header[start] ?? 0;
  let value = Number.NaN;
  if (first & 0x80) {
    const negative = signed && first === 0xff;
    value = negative ? -1 : first & 0x7f;
    for (let i = start + 1; i < start + length; i += 1) value = value * 256 + (header[i] ?? 0);
  } else {
    const text = cString(header, start, length).trim();
    if (/^[0-7]*$/.test(text)) value = text === '' ? 0 : Number.parseInt(text, 8);
  }
  if (!Number.isSafeInteger(value)) throw invalidArgument('invalid tar header');
  return value;
}

/** GNU's sparse format 0.0: two keys, many times, whose values in turn are the map that format 0.1 has in one. */
const SPARSE_TURN = ['GNU.sparse.offset', 'GNU.sparse.numbytes'];

/** Records of a pax extended header, `LENGTH KEY=VALUE\n` each (POSIX pax, "Extended Header"). */
export function parsePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  const sparse: string[] = [];
  for (let start = 0; start < data.length;) {
    const space = data.indexOf(0x20, start);
    const length = Number(data.toString('latin1', start, Math.max(space, start)));
    const end = start + length;
    const isWhole = space >= 0 && Number.isInteger(length) && length >= 5 && end <= data.length;
    if (!isWhole || data[end - 1] !== 0x0a) throw invalidArgument('invalid PAX record');
    const record = data.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals <= 0) throw invalidArgument('invalid PAX record');
    const key = record.toString('utf8', 0, equals);
    const value = Buffer.from(record.subarray(equals + 1));
    if (SPARSE_TURN.includes(key)) {
      if (key !== SPARSE_TURN[sparse.length % 2]) throw invalidArgument('invalid PAX record');
      sparse.push(value.toString('latin1'));
    } else records.set(key, value);
    start = end;
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(',')));
  return records;
}
