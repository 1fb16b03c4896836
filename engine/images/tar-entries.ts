import { invalidArgument } from '../lib/errors.ts';
import type { ByteSource } from './decompress.ts';
import { BLOCK, cleanName, cString, parseHeader, parsePax } from './read-tar-header.ts';

/** One entry of a tar, without its content. */
export interface TarEntryHeader {
  /** Relative, without `.` and `..`; '' is the root. */
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hard-link' | 'other';
  sizeBytes: number;
}

const KINDS: Partial<Record<string, TarEntryHeader['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '5': 'directory',
  '7': 'file',
};
const MAX_EXTENDED = 1024 * 1024;

/** The entries of an uncompressed tar as they come by. Throws invalid-argument for a damaged one. */
export async function* tarEntries(source: ByteSource): AsyncGenerator<TarEntryHeader, void> {
  const reader = new BlockReader(source);
  const pending: { path?: string; size?: number } = {};
  for (;;) {
    const header = await reader.take(BLOCK);
    if (!header || header.every((byte) => byte === 0)) {
      // To the end, so that whoever hashes the source has seen it all.
      await reader.skip(Number.POSITIVE_INFINITY);
      return;
    }
    const { name, size: own, type } = parseHeader(header);
    if ('xgLK'.includes(type)) {
      if (own > MAX_EXTENDED) throw invalidArgument('invalid tar header: extended header too large');
      const data = (await reader.take(padded(own)))?.subarray(0, own);
      if (!data) throw invalidArgument('unexpected EOF');
      if (type === 'L') pending.path = cString(data);
      else if (type === 'x') readPax(data, pending);
      continue;
    }
    const sizeBytes = pending.size ?? own;
    yield { path: cleanName(pending.path ?? name), kind: KINDS[type] ?? 'other', sizeBytes };
    delete pending.path;
    delete pending.size;
    await reader.skip(padded(sizeBytes));
  }
}

function readPax(data: Buffer, pending: { path?: string; size?: number }): void {
  const records = parsePax(data);
  const path = records.get('path');
  const size = records.get('size');
  if (path !== undefined) pending.path = path;
  if (size === undefined) return;
  pending.size = Number(size);
  if (!Number.isSafeInteger(pending.size) || pending.size < 0)
    throw invalidArgument('invalid tar header: bad size');
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest = Buffer.alloc(0);

  constructor(source: ByteSource) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** undefined at the end of the source. */
  async take(bytes: number): Promise<Buffer | undefined> {
    while (this.#rest.length < bytes) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest =
        this.#rest.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#rest, next.value]);
    }
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  async skip(bytes: number): Promise<void> {
    let left = bytes - this.#rest.length;
    this.#rest = left >= 0 ? Buffer.alloc(0) : this.#rest.subarray(bytes);
    while (left > 0) {
      const next = await this.#chunks.next();
      if (next.done) return;
      if (next.value.length > left) this.#rest = Buffer.from(next.value.subarray(left));
      left -= next.value.length;
    }
  }
}
