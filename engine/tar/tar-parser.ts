import { invalidArgument } from '../lib/errors.ts';
import {
  BLOCK_BYTES,
  TYPE_FLAGS,
  XATTR_PREFIX,
  paddingOf,
  type TarEntry,
  type TarEntryType,
} from './tar-entry.ts';
import { cString, parsePax, readNumber, readTarFields, type TarFields } from './tar-fields.ts';
import { SparseFile, type SparseContentHandler } from './tar-sparse.ts';

/** Called in the order of the archive. What throws ends the parsing. */
export interface TarHandler {
  entry(entry: TarEntry): void;
  /** Content of the last entry; valid during the call only. */
  data(chunk: Uint8Array): void;
  /** Zeros of a sparse file, bytes; who has no such function gets them as data. */
  hole?(bytes: number): void;
}

/** Largest pax header or long name, bytes. */
const MAX_EXTENDED_BYTES = 1024 * 1024;
const MAX_ENTRIES = 2_000_000;
/** SECURITY: what the holes of a small archive may become where they are told as data. */
const MAX_HOLE_BYTES = 16 * 2 ** 30;
const ZEROS = Buffer.alloc(256 * 1024);

/** What the headers in front of a member say of it. */
interface Extension {
  longName?: string;
  longLink?: string;
  pax: Map<string, Buffer>;
}

type State =
  | { kind: 'header' }
  | { kind: 'extended'; type: string; size: number }
  | { kind: 'sparse map'; file: SparseFile }
  | { kind: 'sparse content'; file: SparseFile; padding: number }
  | { kind: 'content'; left: number; padding: number }
  | { kind: 'padding'; left: number }
  /** Behind the first of two zero blocks. */
  | { kind: 'closing' }
  /** What comes behind the second. */
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
  #holeBytes = 0;
  readonly #sparseContent: SparseContentHandler;

  constructor(handler: TarHandler) {
    this.#handler = handler;
    this.#sparseContent = {
      data: (chunk) => handler.data(chunk),
      hole: (bytes) => (handler.hole ? handler.hole(bytes) : this.#tellZeros(bytes)),
    };
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

  /**
   * Throws when the archive was cut off. One without its closing zero blocks, and without the padding of the last
   * member, is taken: docker's CLI sends such when the Dockerfile comes from its standard input.
   */
  end(): void {
    const { kind } = this.#state;
    const canEnd = kind === 'header' || kind === 'padding' || kind === 'closing' || kind === 'end';
    if (!canEnd || this.#pending.length > 0) throw invalidArgument('invalid tar: unexpected EOF');
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
    if (state.kind === 'sparse content') {
      const used = Math.min(state.file.storedBytes, available);
      state.file.tell(data.subarray(at, at + used), this.#sparseContent);
      if (state.file.storedBytes === 0) this.#skipPadding(state.padding);
      return used;
    }
    if (state.kind === 'extended') {
      if (available < state.size) return 0;
      this.#readExtended(state.type, data.subarray(at, at + state.size));
      this.#skipPadding(paddingOf(state.size));
      return state.size;
    }
    if (available < BLOCK_BYTES) return 0;
    const block = data.subarray(at, at + BLOCK_BYTES);
    if (state.kind === 'sparse map') {
      state.file.takeBlock(block);
      this.#startSparse(state.file);
    } else if (state.kind === 'closing') this.#close(block);
    else this.#readHeader(block);
    return BLOCK_BYTES;
  }

  #close(block: Buffer): void {
    if (!isZero(block)) throw invalidArgument('invalid tar: invalid tar header');
    this.#state = { kind: 'end' };
  }

  #skipPadding(bytes: number): void {
    this.#state = bytes === 0 ? { kind: 'header' } : { kind: 'padding', left: bytes };
  }

  #readHeader(header: Buffer): void {
    if (isZero(header)) {
      this.#state = { kind: 'closing' };
      return;
    }
    const fields = readTarFields(header);
    const { type, size } = fields;
    if ('xgLK'.includes(type)) {
      if (size > MAX_EXTENDED_BYTES) throw invalidArgument('invalid tar: extended header too large');
      if (size === 0) this.#readExtended(type, Buffer.alloc(0));
      else this.#state = { kind: 'extended', type, size };
      return;
    }
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES) throw invalidArgument('invalid tar: too many entries');
    const entry = this.#toEntry(header, fields);
    const sparse = entry && this.#toSparse(header, type, entry);
    this.#extension = { pax: new Map() };
    if (sparse) {
      this.#startSparse(sparse);
      return;
    }
    if (entry) this.#handler.entry(entry);
    const content = entry && entry.type !== 'file' ? 0 : (entry?.size ?? size);
    if (content > 0) this.#state = { kind: 'content', left: content, padding: paddingOf(content) };
  }

  /** undefined for types that nobody here knows: they are skipped with their content. */
  #toEntry(header: Buffer, fields: TarFields): TarEntry | undefined {
    const { longName, longLink } = this.#extension;
    const pax = new Map([...this.#global, ...this.#extension.pax]);
    const text = (name: string): string | undefined => pax.get(name)?.toString('utf8');
    const name = text('path') ?? longName ?? fields.name;
    const type = typeOf(fields.type, name);
    if (type === undefined) return undefined;
    const size = paxInteger(text('size')) ?? fields.size;
    return {
      name,
      type,
      mode: readNumber(header, 100, 8) & 0o7777,
      uid: paxInteger(text('uid')) ?? readNumber(header, 108, 8),
      gid: paxInteger(text('gid')) ?? readNumber(header, 116, 8),
      size: type === 'file' ? size : 0,
      modifiedAt: paxTime(text('mtime')) ?? readNumber(header, 136, 12, true),
      link: text('linkpath') ?? longLink ?? fields.link,
      major: type === 'character' || type === 'block' ? readNumber(header, 329, 8) : 0,
      minor: type === 'character' || type === 'block' ? readNumber(header, 337, 8) : 0,
      xattrs: xattrsOf(pax),
    };
  }

  #toSparse(header: Buffer, flag: string, entry: TarEntry): SparseFile | undefined {
    if (flag === 'S') return SparseFile.ofHeader(header, entry);
    return entry.type === 'file' ? SparseFile.ofRecords(this.#extension.pax, entry) : undefined;
  }

  /** Tells the file as soon as its map is known. */
  #startSparse(file: SparseFile): void {
    this.#state = { kind: 'sparse map', file };
    if (!file.isMapped) return;
    this.#handler.entry(file.entry);
    this.#state = { kind: 'sparse content', file, padding: paddingOf(file.storedBytes) };
    if (file.storedBytes > 0) return;
    file.tellHole(this.#sparseContent);
    this.#state = { kind: 'header' };
  }

  #tellZeros(bytes: number): void {
    this.#holeBytes += bytes;
    if (this.#holeBytes > MAX_HOLE_BYTES) throw invalidArgument('invalid tar: sparse files too large');
    for (let left = bytes; left > 0; left -= ZEROS.length)
      this.#handler.data(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
  }

  #readExtended(type: string, data: Buffer): void {
    if (type === 'L') this.#extension.longName = cString(data);
    else if (type === 'K') this.#extension.longLink = cString(data);
    else {
      const records = type === 'g' ? this.#global : this.#extension.pax;
      for (const [key, value] of parsePax(data)) records.set(key, value);
    }
  }
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function typeOf(flag: string, name: string): TarEntryType | undefined {
  // Old archives mark a directory by its name only; '7' is a contiguous file.
  if (flag === 'S') return 'file';
  if (flag === '\0' || flag === '7') return name.endsWith('/') ? 'directory' : 'file';
  return TYPE_FLAGS.find(([, known]) => known === flag)?.[0];
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
