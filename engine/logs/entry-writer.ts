import type { Writable } from 'node:stream';
import { roomOrEnd } from '../lib/back-pressure.ts';
import { READ_BLOCK_BYTES } from './entry-reader.ts';
import { TIME_BYTES, type EntryView, type LogFormat } from './log-format.ts';

export interface LogRequest {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  /** Prefix the attributes of `--log-opt labels/env/tag`. */
  details: boolean;
  /** Lines from the end; undefined: all. */
  tail: number | undefined;
  /** Fixed-width UTC timestamps, both inclusive. */
  since: string | undefined;
  until: string | undefined;
  /** Payload only, without frame headers (terminal, WebSocket). */
  raw: boolean;
  /** The client hung up. */
  signal: AbortSignal | undefined;
}

const BLOCK_BYTES = 256 * 1024;
/** As many may be on their way while the next is filled. */
const BLOCKS = 3;
const SPACE = 0x20;
/** `[stream, 0, 0, 0, length as 32 bits big-endian]`. Source: Engine API, ContainerAttach, "Stream format". */
const FRAME_HEADER_BYTES = 8;

/**
 * Filters entries and packs their frames into large writes (16 times cheaper than one a line). One frame an entry, as
 * Docker: the SDKs' log iterators give the application a frame at a time and it takes that for a line.
 */
export class EntryWriter {
  /** `until` has passed, or the client is gone. */
  done = false;
  readonly #out: Writable;
  readonly #request: LogRequest;
  readonly #format: LogFormat;
  /** Of an entry that brings none of its own, as a prefix. */
  readonly #attributes: string;
  /** What is read and what is written lie in one: moving bytes inside of a buffer is what JavaScript does fastest. */
  readonly #arena = Buffer.allocUnsafeSlow(READ_BLOCK_BYTES + BLOCKS * BLOCK_BYTES);
  /** For the reader. */
  readonly readBlock = this.#arena.subarray(0, READ_BLOCK_BYTES);
  /** Blocks that `out` is done with. */
  readonly #free: Buffer[] = Array.from({ length: BLOCKS }, (_, index) => {
    const start = READ_BLOCK_BYTES + index * BLOCK_BYTES;
    return this.#arena.subarray(start, start + BLOCK_BYTES);
  });
  #block = this.#nextBlock();
  #filled = 0;

  /** `out` is done with a chunk when it calls back, as sockets and responses are. */
  constructor(
    out: Writable,
    request: LogRequest,
    format: LogFormat,
    attributes: Record<string, string> | undefined,
  ) {
    this.#out = out;
    this.#request = request;
    this.#format = format;
    this.#attributes = formatAttributes(attributes);
  }

  /** false when no more is wanted. */
  readonly add = (view: EntryView): boolean => {
    if (!this.#isWanted(view)) return !this.done;
    const { raw, timestamps, details } = this.#request;
    const headerBytes = raw ? 0 : FRAME_HEADER_BYTES;
    const attributes = details ? `${this.#attributesOf(view)} ` : '';
    const textBytes = view.end - view.start;
    const bytes = headerBytes + TIME_BYTES + 1 + attributes.length * 3 + textBytes;
    if (this.#filled + bytes > this.#block.length) this.#makeRoom(bytes);
    const block = this.#block;
    const start = this.#filled + headerBytes;
    let at = start;
    if (timestamps) {
      this.#format.writeTime(view, block, at);
      block[at + TIME_BYTES] = SPACE;
      at += TIME_BYTES + 1;
    }
    if (details) at += block.write(attributes, at);
    this.#copyText(view, at);
    const end = at + textBytes;
    if (!raw) writeFrameHeader(block, this.#filled, view.stream, end - start);
    this.#filled = end;
    return true;
  };

  /** Sends what is packed and waits until the client has room. */
  async flush(): Promise<void> {
    this.#send();
    if (this.#out.destroyed) this.done = true;
    else if (this.#out.writableNeedDrain) await roomOrEnd(this.#out);
  }

  #isWanted(view: EntryView): boolean {
    const { since, until, stdout, stderr } = this.#request;
    if (until !== undefined && this.#format.timeOf(view) > until) {
      this.done = true;
      return false;
    }
    if (!(view.stream === 1 ? stdout : stderr)) return false;
    return since === undefined || this.#format.timeOf(view) >= since;
  }

  #attributesOf({ source, attributesStart, attributesEnd }: EntryView): string {
    if (attributesStart === 0) return this.#attributes;
    const text = source.toString('utf8', attributesStart, attributesEnd);
    return formatAttributes(JSON.parse(text) as Record<string, string>);
  }

  #copyText({ source, start, end }: EntryView, at: number): void {
    const target = this.#block;
    const arena = this.#arena;
    if (source.buffer === arena.buffer && target.buffer === arena.buffer) {
      arena.copyWithin(target.byteOffset + at, source.byteOffset + start, source.byteOffset + end);
    } else {
      target.set(source.subarray(start, end), at);
    }
  }

  #giveBack(block: Buffer): void {
    if (block.buffer === this.#arena.buffer) this.#free.push(block);
  }

  #nextBlock(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  #makeRoom(bytes: number): void {
    this.#send();
    if (bytes <= this.#block.length) return;
    this.#giveBack(this.#block);
    this.#block = Buffer.allocUnsafeSlow(bytes);
  }

  #send(): void {
    if (this.#filled === 0) return;
    const sent = this.#block;
    if (!this.#out.destroyed) {
      this.#out.write(sent.subarray(0, this.#filled), () => this.#giveBack(sent));
    }
    this.#block = this.#nextBlock();
    this.#filled = 0;
  }
}

function writeFrameHeader(block: Buffer, at: number, stream: number, payloadBytes: number): void {
  block[at] = stream;
  block[at + 1] = block[at + 2] = block[at + 3] = 0;
  block[at + 4] = payloadBytes >>> 24;
  block[at + 5] = payloadBytes >>> 16;
  block[at + 6] = payloadBytes >>> 8;
  block[at + 7] = payloadBytes;
}

function formatAttributes(attributes: Record<string, string> | undefined): string {
  return Object.entries(attributes ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join(',');
}
