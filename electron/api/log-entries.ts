import { StringDecoder } from 'node:string_decoder';
import type { LogEntry } from './types.ts';

type Stream = LogEntry['stream'];

/** A line longer than this is cut into several entries. */
const MAX_LINE_CHARACTERS = 64 * 1024;
const HEADER_BYTES = 8;

/**
 * The entries of a log body requested with `timestamps=1`, in arrays as they arrive. `multiplexed`: Docker's frames
 * (stream byte, three zeros, 32-bit big-endian length), which containers without a TTY have.
 */
export async function* logEntries(
  body: AsyncIterable<Uint8Array | string>,
  multiplexed: boolean,
): AsyncGenerator<LogEntry[], void> {
  const lines = { stdout: new LineCutter('stdout'), stderr: new LineCutter('stderr') };
  const frames = multiplexed ? new FrameCutter() : undefined;
  for await (const chunk of body) {
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk)
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const parts = frames ? frames.push(bytes) : [{ stream: 'stdout' as const, data: bytes }];
    const entries = parts.flatMap(({ stream, data }) => lines[stream].push(data));
    if (entries.length > 0) yield entries;
  }
  const last = [...lines.stdout.end(), ...lines.stderr.end()];
  if (last.length > 0) yield last;
}

/** Cuts a byte stream into frames without waiting for a frame to be whole: its bytes are passed on as they come. */
class FrameCutter {
  #header = Buffer.alloc(0);
  #stream: Stream = 'stdout';
  #remaining = 0;

  push(chunk: Buffer): { stream: Stream; data: Buffer }[] {
    const parts: { stream: Stream; data: Buffer }[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#remaining === 0) {
        const missing = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(offset, offset + missing)]);
        offset += missing;
        if (this.#header.length < HEADER_BYTES) break;
        this.#stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
        this.#remaining = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
      } else {
        const data = chunk.subarray(offset, offset + this.#remaining);
        parts.push({ stream: this.#stream, data });
        offset += data.length;
        this.#remaining -= data.length;
      }
    }
    return parts;
  }
}

/** Cuts one stream into lines and takes the timestamp off their front. */
class LineCutter {
  readonly #stream: Stream;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  push(data: Buffer): LogEntry[] {
    const lines = (this.#rest + this.#decoder.write(data)).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARACTERS) {
      lines.push(this.#rest);
      this.#rest = '';
    }
    return lines.map((line) => toLogEntry(this.#stream, line));
  }

  end(): LogEntry[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : [toLogEntry(this.#stream, rest)];
  }
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?/;

/** A line without a timestamp (the rest of a cut one) keeps an empty one. */
function toLogEntry(stream: Stream, line: string): LogEntry {
  const timestamp = TIMESTAMP.exec(line);
  const text = (timestamp ? line.slice(timestamp[0].length) : line).replace(/\r$/, '');
  return { stream, timestamp: timestamp?.[1] ?? '', text };
}
