import { invalidArgument } from '../lib/errors.ts';
import {
  BLOCK_BYTES,
  TYPE_FLAGS,
  XATTR_PREFIX,
  paddingOf,
  type TarEntry,
  type TarEntryType,
} from './tar-entry.ts';

/** Called in the order of the archive. What throws ends the parsing. */
export interface TarHandler {
  entry(entry: TarEntry): void;
  /** Content of the last entry; valid during the call only. */
  data(chunk: Uint8Array): void;
}

/** Largest pax header or long name, bytes. */
const MAX_EXTENDED_BYTES = 1024 * 1024;
const MAX_ENTRIES = 2_000_000;

/** What the headers in front of a member say of it. */
interface Extension {
  longName?: string;
  longLink?: string;
  pax: Map<string, Buffer>;
}

type State =
  | { kind: 'header' }
  | { kind: 'extended'; type: string; size: number }
  | { kind: 'content'; left: number; padding: number }
  | { kind: 'padding'; left: number }
  /** Two zero blocks, or what comes behind them. */
  | { kind: 'end' };

/**
 * Reads a tar piece by piece, in the caller's turn: no promise per member. SECURITY: the bytes are hostile; headers are
 * bounded, numbers checked, nothing is opened or created. Throws invalid-argument.
 */
export class TarParser {
  readonly #handler: TarHandler;
  #state: State = { kind: 'header' };
  #pending: Buffer = Buffer.alloc(0);
  #extension: Extension = { pax: new Map() };
  readonly #global = new Map<string, Buffer>();
  #entries = 0;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  push(chunk: Uint8Array): void {
    let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#pending.length > 0) data = Buffer.concat([this.#pending, data]);
    let at = 0;
    for (;;) {
      const used = this.#step(data, at);
      if (used === 0) break;
      at += used;
    }
    // A copy: the chunk may be reused by its owner.
    this.#pending = at === data.length ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
  }

  /** Throws when the archive was cut off. One without its closing zero blocks is taken, as by GNU tar. */
  end(): void {
    const isComplete =
      this.#state.kind === 'end' || (this.#state.kind === 'header' && this.#pending.length === 0);
    if (!isComplete) throw invalidArgument('invalid tar: unexpected EOF');
  }

  /** Handles what is at `at`; returns the bytes used, 0 when more are needed. */
  #step(data: Buffer, at: number): number {
    const state = this.#state;
    const available = data.length - at;
    if (available === 0) return 0;
    if (state.kind === 'end') return available;
    if (state.kind === 'padding') {
      const used = Math.min(state.left, available);
      state.left -= used;
      if (state.left === 0) this.#state = { kind: 'header' };
      return used;
    }
    if (state.kind === 'content') {
      const used = Math.min(state.left, available);
      this.#handler.data(data.subarray(at, at + used));
      state.left -= used;
      if (state.left === 0) this.#skipPadding(state.padding);
      return used;
    }
    if (state.kind === 'extended') {
      if (available < state.size) return 0;
      this.#readExtended(state.type, data.subarray(at, at + state.size));
      this.#skipPadding(paddingOf(state.size));
      return state.size;
    }
    if (available < BLOCK_BYTES) return 0;
    this.#readHeader(data.subarray(at, at + BLOCK_BYTES));
    return BLOCK_BYTES;
  }

  #skipPadding(bytes: number): void {
    this.#state = bytes === 0 ? { kind: 'header' } : { kind: 'padding', left: bytes };
  }

  #readHeader(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#state = { kind: 'end' };
      return;
    }
    checkSum(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = number(header, 124, 12);
    if ('xgLK'.includes(type)) {
      if (size > MAX_EXTENDED_BYTES) throw invalidArgument('invalid tar: extended header too large');
      if (size === 0) this.#readExtended(type, Buffer.alloc(0));
      else this.#state = { kind: 'extended', type, size };
      return;
    }
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES) throw invalidArgument('invalid tar: too many entries');
    const entry = this.#toEntry(header, type, size);
    this.#extension = { pax: new Map() };
    if (entry) this.#handler.entry(entry);
    const content = entry && entry.type !== 'file' ? 0 : (entry?.size ?? size);
    if (content > 0) this.#state = { kind: 'content', left: content, padding: paddingOf(content) };
  }

  /** undefined for types that nobody here knows: they are skipped with their content. */
  #toEntry(header: Buffer, flag: string, headerSize: number): TarEntry | undefined {
    const { longName, longLink } = this.#extension;
    const pax = new Map([...this.#global, ...this.#extension.pax]);
    const text = (name: string): string | undefined => pax.get(name)?.toString('utf8');
    const name = text('path') ?? longName ?? headerName(header);
    const type = typeOf(flag, name);
    if (type === undefined) return undefined;
    const size = paxInteger(text('size')) ?? headerSize;
    return {
      name,
      type,
      mode: number(header, 100, 8) & 0o7777,
      uid: paxInteger(text('uid')) ?? number(header, 108, 8),
      gid: paxInteger(text('gid')) ?? number(header, 116, 8),
      size: type === 'file' ? size : 0,
      modifiedAt: paxTime(text('mtime')) ?? number(header, 136, 12, true),
      link: text('linkpath') ?? longLink ?? cString(header, 157, 100),
      major: type === 'character' || type === 'block' ? number(header, 329, 8) : 0,
      minor: type === 'character' || type === 'block' ? number(header, 337, 8) : 0,
      xattrs: xattrsOf(pax),
    };
  }

  #readExtended(type: string, data: Buffer): void {
    if (type === 'L') this.#extension.longName = cString(data, 0, data.length);
    else if (type === 'K') this.#extension.longLink = cString(data, 0, data.length);
    else parsePax(data, type === 'g' ? this.#global : this.#extension.pax);
  }
}

function typeOf(flag: string, name: string): TarEntryType | undefined {
  // Old archives mark a directory by its name only; '7' is a contiguous file.
  if (flag === '\0' || flag === '7') return name.endsWith('/') ? 'directory' : 'file';
  return TYPE_FLAGS.find(([, known]) => known === flag)?.[0];
}

function headerName(header: Buffer): string {
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? cString(header, 345, 155) : '';
  const name = cString(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i += 1) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (number(header, 148, 8) !== sum) throw invalidArgument('invalid tar header');
}

function cString(data: Buffer, start: number, length: number): string {
  const field = data.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** Octal text, or GNU base-256 (two's complement) where that is allowed to be negative. */
function number(header: Buffer, start: number, length: number, signed = false): number {
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

function paxInteger(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalidArgument('invalid PAX record');
  return Number(text);
}

function paxTime(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d{1,15}(\.\d*)?$/.test(text)) throw invalidArgument('invalid PAX record');
  return Number(text);
}

function xattrsOf(pax: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const xattrs = new Map<string, Buffer>();
  for (const [key, value] of pax)
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value);
  return xattrs;
}

/** Records of the form `LENGTH KEY=VALUE\n`; an empty value takes an earlier one back. */
function parsePax(data: Buffer, records: Map<string, Buffer>): void {
  for (let start = 0; start < data.length;) {
    const space = data.indexOf(0x20, start);
    const length = Number(data.toString('latin1', start, Math.max(space, start)));
    const end = start + length;
    if (space < 0 || !Number.isInteger(length) || length < 5 || end > data.length || data[end - 1] !== 0x0a)
      throw invalidArgument('invalid PAX record');
    const record = data.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals <= 0) throw invalidArgument('invalid PAX record');
    records.set(record.toString('utf8', 0, equals), Buffer.from(record.subarray(equals + 1)));
    start = end;
  }
}
