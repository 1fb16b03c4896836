import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { LogFile } from './log-files.ts';
import { INCOMPLETE, TORN, type EntryView, type LogFormat } from './log-format.ts';

const CHUNK_BYTES = 256 * 1024;
/** A chunk, and what was incomplete before it. */
export const READ_BLOCK_BYTES = 2 * CHUNK_BYTES;

/** Where reading begins: a byte of the (uncompressed) content, and how many entries after it are passed over. */
export interface ReadFrom {
  offset: number;
  skip: number;
}

/** The entries of one file from a place to its present end; what is incomplete there stays for the next call. */
export class EntryReader {
  readonly #format: LogFormat;
  readonly #chunks: ChunkSource;
  #block: Buffer;
  #filled = 0;
  #skip: number;
  #torn = false;
  /** Of the content: everything before has been given out. */
  offset: number;

  /** `block`: READ_BLOCK_BYTES to read into, if the caller wants to say where. */
  constructor(
    file: LogFile,
    format: LogFormat,
    from: ReadFrom,
    block: Buffer = Buffer.allocUnsafeSlow(READ_BLOCK_BYTES),
  ) {
    this.#block = block;
    this.#format = format;
    this.#chunks = file.compressed
      ? new CompressedChunks(file.handle, from.offset)
      : new PlainChunks(file.handle, from.offset);
    this.#skip = from.skip;
    this.offset = from.offset;
  }

  /**
   * Reads on and gives every whole entry of what was read to `take`, which returns false to be given no more; the view
   * is valid only during the call. false: the present end of the file.
   */
  async next(view: EntryView, take: (view: EntryView) => boolean): Promise<boolean> {
    if (this.#torn) return false;
    if (this.#block.length - this.#filled < CHUNK_BYTES) this.#grow();
    const count = await this.#chunks.read(this.#block, this.#filled);
    if (count === 0) return false;
    this.#filled += count;
    let at = 0;
    for (let more = true; more;) {
      const next = this.#format.parse(this.#block, at, this.#filled, view);
      this.#torn = next === TORN;
      if (next === INCOMPLETE || next === TORN) break;
      this.offset += next - at;
      at = next;
      if (view.stream === 0) continue;
      if (this.#skip > 0) this.#skip -= 1;
      else more = take(view);
    }
    this.#block.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.close();
  }

  /** Only foreign lines are as long as that. */
  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(2 * this.#block.length);
    this.#block.copy(larger, 0, 0, this.#filled);
    this.#block = larger;
  }
}

interface ChunkSource {
  /** Up to CHUNK_BYTES into `block` at `at`; 0: no more for now. */
  read(block: Buffer, at: number): Promise<number>;
  close(): Promise<void>;
}

/** Reads ahead: the disk and its thread work while the chunk before is taken apart. */
class PlainChunks implements ChunkSource {
  readonly #handle: FileHandle;
  #chunk: Buffer | undefined;
  #offset: number;
  /** Of a read into `#chunk`, which a small file does not need, that is under way. */
  #ahead: Promise<number> | undefined;

  constructor(handle: FileHandle, offset: number) {
    this.#handle = handle;
    this.#offset = offset;
  }

  async read(block: Buffer, at: number): Promise<number> {
    const ahead = (await this.#ahead) ?? 0;
    this.#ahead = undefined;
    if (ahead > 0) this.#chunk?.copy(block, at, 0, ahead);
    // Nothing ahead: the file may have grown since.
    const count = ahead || (await this.#read(block, at));
    this.#offset += count;
    if (count === CHUNK_BYTES) {
      this.#chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#ahead = this.#read(this.#chunk, 0);
      // Awaited by the next call, or by close.
      this.#ahead.catch(() => undefined);
    }
    return count;
  }

  async close(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
  }

  async #read(block: Buffer, at: number): Promise<number> {
    return (await this.#handle.read(block, at, CHUNK_BYTES, this.#offset)).bytesRead;
  }
}

/** A compressed file is read from its beginning and thrown away up to the offset; it does not grow. */
class CompressedChunks implements ChunkSource {
  readonly #stream: Readable;
  readonly #iterator: AsyncIterator<Buffer>;
  #passOver: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(handle: FileHandle, offset: number) {
    const file = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
    this.#stream = file.pipe(createGunzip({ chunkSize: CHUNK_BYTES }));
    file.on('error', (error) => this.#stream.destroy(error));
    this.#iterator = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#passOver = offset;
  }

  async read(block: Buffer, at: number): Promise<number> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#iterator.next();
      if (done) return 0;
      const passed = Math.min(this.#passOver, value.length);
      this.#passOver -= passed;
      this.#rest = value.subarray(passed);
    }
    const count = this.#rest.copy(block, at, 0, CHUNK_BYTES);
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    this.#stream.destroy();
    await this.#iterator.return?.();
  }
}
