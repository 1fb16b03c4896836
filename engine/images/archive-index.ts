import { open, type FileHandle } from 'node:fs/promises';
import { invalidArgument } from '../lib/errors.ts';
import type { FilePart } from './file-part.ts';
import { BLOCK, cleanName, cString, parseHeader, parsePax } from './read-tar-header.ts';

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

async function readExtended(handle: FileHandle, offset: number, size: number): Promise<Buffer> {
  if (size > MAX_EXTENDED) throw invalidArgument('invalid tar header: extended header too large');
  const data = Buffer.alloc(size);
  await handle.read(data, 0, size, offset);
  return data;
}

function linkTarget(name: string, type: string, link: string): string | undefined {
  if (type === '1') return cleanName(link);
  if (type === '2') return cleanName(`${name.slice(0, name.lastIndexOf('/') + 1)}${link}`);
  return undefined;
}
