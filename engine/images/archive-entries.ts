import { invalidArgument } from '../lib/errors.ts';
import type { ByteSource } from './decompress.ts';
import { BLOCK_BYTES } from '../tar/tar-entry.ts';
import { cString, parsePax, readTarFields } from '../tar/tar-fields.ts';
import { cleanName } from './clean-name.ts';

const MAX_ENTRIES = 100_000;
const MAX_EXTENDED = 64 * 1024;

/** One entry of the outer tar of an image archive. */
export interface ArchiveEntry {
  /** Cleaned. */
  name: string;
  sizeBytes: number;
  /** Name in the archive that a (symbolic or hard) link means. */
  link: string | undefined;
  /** The content from its first byte; what is not read is skipped. */
  content: ByteSource;
}

/**
 * The entries of an uncompressed tar as they come, each to be used before the next is asked for. Names are keys and
 * nothing else: SECURITY 2025-11395, no path of an archive is ever used on the host. Throws invalid-argument when it is
 * damaged or truncated. Reads to the end of the source, so that a client may finish sending.
 */
export async function* archiveEntries(source: ByteSource): AsyncGenerator<ArchiveEntry, void, void> {
  const reader = new PieceReader(source);
  try {
    let extended = NOTHING_SAID;
    for (let count = 0; ; count++) {
      if (count > MAX_ENTRIES) throw invalidArgument('invalid archive: too many entries');
      const header = await reader.exactly(BLOCK_BYTES, 'may end');
      if (header === undefined) break;
      if (header.every((byte) => byte === 0)) break;
      const parsed = readTarFields(header);
      if ('xgLK'.includes(parsed.type)) {
        if (parsed.size > MAX_EXTENDED)
          throw invalidArgument('invalid tar header: extended header too large');
        const data = (await reader.exactly(parsed.size)) ?? Buffer.alloc(0);
        await reader.skip(-parsed.size & (BLOCK_BYTES - 1));
        extended = applyExtended(extended, parsed.type, data);
        continue;
      }
      const name = cleanName(extended.name ?? parsed.name);
      const sizeBytes = extended.size ?? parsed.size;
      const link = linkTarget(name, parsed.type, extended.link ?? parsed.link);
      extended = NOTHING_SAID;
      const content = reader.piece(sizeBytes);
      yield { name, sizeBytes, link, content };
      await reader.skipPiece();
      await reader.skip(-sizeBytes & (BLOCK_BYTES - 1));
    }
    await reader.drain();
  } finally {
    await reader.close();
  }
}

/** Cuts a stream of chunks into what a tar consists of. */
class PieceReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  /** Bytes of the current piece that nobody read yet. */
  #left = 0;

  constructor(source: ByteSource) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next bytes, at most `count`; undefined at the end of the source. */
  async #next(count: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done) return undefined;
      this.#chunk = value;
    }
    const bytes = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(bytes.length);
    return bytes;
  }

  /** undefined only when the source ends here, and may. */
  async exactly(count: number, end: 'may end' | 'goes on' = 'goes on'): Promise<Buffer | undefined> {
    const data = Buffer.allocUnsafe(count);
    for (let filled = 0; filled < count;) {
      const bytes = await this.#next(count - filled);
      if (!bytes && filled === 0 && end === 'may end') return undefined;
      if (!bytes) throw unexpectedEnd();
      data.set(bytes, filled);
      filled += bytes.length;
    }
    return data;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const bytes = await this.#next(left);
      if (!bytes) throw unexpectedEnd();
      left -= bytes.length;
    }
  }

  piece(sizeBytes: number): ByteSource {
    this.#left = sizeBytes;
    return this.#pieces();
  }

  async *#pieces(): ByteSource {
    while (this.#left > 0) {
      const bytes = await this.#next(this.#left);
      if (!bytes) throw unexpectedEnd();
      this.#left -= bytes.length;
      yield bytes;
    }
  }

  async skipPiece(): Promise<void> {
    const left = this.#left;
    this.#left = 0;
    await this.skip(left);
  }

  async drain(): Promise<void> {
    while (await this.#next(Number.MAX_SAFE_INTEGER));
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

const unexpectedEnd = () => invalidArgument('invalid archive: unexpected EOF');

/** What extended headers said about the entry that follows them. */
interface Extended {
  name?: string | undefined;
  link?: string | undefined;
  size?: number | undefined;
}

const NOTHING_SAID: Extended = {};

function applyExtended(said: Extended, type: string, data: Buffer): Extended {
  if (type === 'L') return { ...said, name: cString(data) };
  if (type === 'K') return { ...said, link: cString(data) };
  if (type !== 'x') return said;
  const records = parsePax(data);
  const pax = new Map([...records].map(([key, value]) => [key, value.toString('utf8')]));
  const size = pax.has('size') ? Number(pax.get('size')) : said.size;
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
    throw invalidArgument('invalid archive: bad size');
  return { name: pax.get('path') ?? said.name, link: pax.get('linkpath') ?? said.link, size };
}

/** Whether a block is a tar header: what tells a layer from a JSON file. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES) return false;
  try {
    readTarFields(block);
    return true;
  } catch {
    return false;
  }
}

function linkTarget(name: string, type: string, link: string): string | undefined {
  if (type === '1') return cleanName(link);
  if (type === '2') return cleanName(`${name.slice(0, name.lastIndexOf('/') + 1)}${link}`);
  return undefined;
}
