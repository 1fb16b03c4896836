import { open, type FileHandle } from 'node:fs/promises';
import { invalidArgument } from '../lib/errors.ts';
import type { FilePart } from './file-part.ts';

const BLOCK = 512;
const MAX_ENTRIES = 100_000;
const MAX_EXTENDED = 64 * 1024;
const MAX_LINKS = 8;

interface IndexEntry {
  offset: number;
  size: number;
  /** Name in the archive that a (symbolic or hard) link means. */
  link: string | undefined;
}

/**
 * The outer tar of an image archive, opened for random access. Names are keys of a map and nothing else: SECURITY
 * 2025-11395, no path of an archive is ever used on the host.
 */
export class ArchiveIndex {
  /** Where the archive is. */
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #entries: Map<string, IndexEntry>;

  private constructor(file: string, handle: FileHandle, entries: Map<string, IndexEntry>) {
    this.file = file;
    this.#handle = handle;
    this.#entries = entries;
  }

  /** Walks the headers of an uncompressed tar. Throws invalid-argument when it is damaged or truncated. */
  static async open(file: string): Promise<ArchiveIndex> {
    const handle = await open(file, 'r');
    try {
      return new ArchiveIndex(file, handle, await readHeaders(handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** A whole small file. */
  async read(name: string, maxBytes: number): Promise<Buffer> {
    const entry = this.#require(name);
    if (entry.size > maxBytes)
      throw invalidArgument(`invalid archive: ${name} is larger than ${maxBytes} bytes`);
    const data = Buffer.alloc(entry.size);
    await this.#handle.read(data, 0, entry.size, entry.offset);
    return data;
  }

  sizeOf(name: string): number {
    return this.#require(name).size;
  }

  /** Where the bytes of one file are. */
  part(name: string): FilePart {
    const { offset, size } = this.#require(name);
    return { file: this.file, offset, sizeBytes: size };
  }

  #require(name: string): IndexEntry {
    const entry = this.#find(name);
    if (!entry) throw invalidArgument(`invalid archive: ${name} is missing`);
    return entry;
  }

  /** `docker save` of older engines links equal layers to each other. */
  #find(name: string): IndexEntry | undefined {
    let entry = this.#entries.get(cleanName(name));
    for (let links = 0; entry?.link !== undefined; links++) {
      if (links === MAX_LINKS) return undefined;
      entry = this.#entries.get(entry.link);
    }
    return entry;
  }
}

async function readHeaders(handle: FileHandle): Promise<Map<string, IndexEntry>> {
  const entries = new Map<string, IndexEntry>();
  const { size: total } = await handle.stat();
  const header = Buffer.alloc(BLOCK);
  let longName: string | undefined;
  let longLink: string | undefined;
  let longSize: number | undefined;
  for (let offset = 0, count = 0; offset < total; count++) {
    if (count > MAX_ENTRIES) throw invalidArgument('invalid archive: too many entries');
    const { bytesRead } = await handle.read(header, 0, BLOCK, offset);
    if (bytesRead < BLOCK) throw invalidArgument('invalid archive: unexpected EOF');
    if (header.every((byte) => byte === 0)) return entries;
    const parsed = parseHeader(header);
    const extended = 'xgLK'.includes(parsed.type);
    const size = extended ? parsed.size : (longSize ?? parsed.size);
    offset += BLOCK;
    if (offset + size > total) throw invalidArgument('invalid archive: unexpected EOF');
    if (extended) {
      const data = await readExtended(handle, offset, size);
      if (parsed.type === 'L') longName = cString(data);
      else if (parsed.type === 'K') longLink = cString(data);
      else if (parsed.type === 'x') {
        const pax = parsePax(data);
        longName = pax.get('path') ?? longName;
        longLink = pax.get('linkpath') ?? longLink;
        longSize = pax.has('size') ? Number(pax.get('size')) : longSize;
        if (longSize !== undefined && !Number.isSafeInteger(longSize))
          throw invalidArgument('invalid archive: bad size');
      }
    } else {
      const name = cleanName(longName ?? parsed.name);
      const link = linkTarget(name, parsed.type, longLink ?? parsed.link);
      entries.set(name, { offset, size, link });
      longName = longLink = longSize = undefined;
    }
    offset += Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

function parseHeader(header: Buffer) {
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

function cString(data: Buffer): string {
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

async function readExtended(handle: FileHandle, offset: number, size: number): Promise<Buffer> {
  if (size > MAX_EXTENDED) throw invalidArgument('invalid tar header: extended header too large');
  const data = Buffer.alloc(size);
  await handle.read(data, 0, size, offset);
  return data;
}

function parsePax(data: Buffer): Map<string, string> {
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

function linkTarget(name: string, type: string, link: string): string | undefined {
  if (type === '1') return cleanName(link);
  if (type === '2') return cleanName(`${name.slice(0, name.lastIndexOf('/') + 1)}${link}`);
  return undefined;
}

/** `./a//b/../c` → `a/c`: only to make names comparable. */
function cleanName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
