import type { Writable } from 'node:stream';
import { roomOrEnd } from '../lib/back-pressure.ts';
import type { EntryView, LogFormat } from './log-format.ts';

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
/** `[stream, 0, 0, 0, length as 32 bits big-endian]`. Source: Engine API, ContainerAttach, "Stream format". */
const FRAME_HEADER_BYTES = 8;
/** Up to here a loop is faster than a call into native code. */
const SHORT_TEXT_BYTES = 160;

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
  readonly #plain: boolean;
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #filled = 0;

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
    const { since, until, timestamps, details } = request;
    this.#plain = since === undefined && until === undefined && !timestamps && !details;
  }

  /** false when no more is wanted. */
  readonly add = (view: EntryView): boolean => {
    if (!this.#isWanted(view)) return !this.done;
    const prefix = this.#plain ? '' : this.#prefixOf(view);
    const headerBytes = this.#request.raw ? 0 : FRAME_HEADER_BYTES;
    const textBytes = view.end - view.start;
    const bytes = headerBytes + prefix.length * 3 + textBytes;
    if (this.#filled + bytes > this.#block.length) this.#makeRoom(bytes);
    const start = this.#filled + headerBytes;
    const textStart = prefix === '' ? start : start + this.#block.write(prefix, start);
    copyText(view, this.#block, textStart);
    const end = textStart + textBytes;
    if (headerBytes > 0) writeFrameHeader(this.#block, this.#filled, view.stream, end - start);
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

  #prefixOf(view: EntryView): string {
    const { timestamps, details } = this.#request;
    const time = timestamps ? `${this.#format.timeOf(view)} ` : '';
    return details ? `${time}${this.#attributesOf(view)} ` : time;
  }

  #attributesOf({ source, attributesStart, attributesEnd }: EntryView): string {
    if (attributesStart === 0) return this.#attributes;
    const text = source.toString('utf8', attributesStart, attributesEnd);
    return formatAttributes(JSON.parse(text) as Record<string, string>);
  }

  #makeRoom(bytes: number): void {
    this.#send();
    if (bytes > this.#block.length) this.#block = Buffer.allocUnsafeSlow(bytes);
  }

  #send(): void {
    if (this.#filled === 0) return;
    if (!this.#out.destroyed) this.#out.write(this.#block.subarray(0, this.#filled));
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#filled = 0;
  }
}

function copyText({ source, start, end }: EntryView, target: Buffer, at: number): void {
  if (end - start > SHORT_TEXT_BYTES) {
    source.copy(target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from += 1, to += 1) target[to] = source[from] as number;
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
