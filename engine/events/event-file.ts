import {
  appendFileSync,
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { errnoOf } from '../lib/errors.ts';
import type { EventMessage } from './events.ts';

/** Two files of this size at most are kept: some thousand events each. */
const ROTATE_BYTES = 1024 * 1024;

/**
 * The log on disk: one JSON object per line, oldest first, in `previous` then `current`. Written synchronously: a short
 * write into the page cache takes a fifth of a trip through the thread pool.
 */
export class EventFile {
  readonly #current: string;
  readonly #previous: string;
  readonly #directory: string;
  readonly #rotateBytes: number;
  #descriptor: number | undefined;
  #sizeBytes = 0;

  constructor(directory: string, rotateBytes = ROTATE_BYTES) {
    this.#directory = directory;
    this.#current = path.join(directory, 'events.jsonl');
    this.#previous = path.join(directory, 'events.1.jsonl');
    this.#rotateBytes = rotateBytes;
  }

  open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#openCurrent();
  }

  /** Not synced: events are no state. Nothing once closed. */
  append(event: EventMessage): void {
    if (this.#descriptor === undefined) return;
    if (this.#sizeBytes >= this.#rotateBytes) {
      // Not there when the last attempt found no room for a new one.
      if (existsSync(this.#current)) renameSync(this.#current, this.#previous);
      this.#openCurrent();
    }
    const line = formatEvent(event);
    appendFileSync(this.#descriptor, line);
    this.#sizeBytes += Buffer.byteLength(line);
  }

  /** A line that a crash cut short, or any other that is no event, is passed over. */
  async *read(): AsyncGenerator<EventMessage> {
    for (const file of [this.#previous, this.#current]) {
      try {
        for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
          const event = parseEvent(line);
          if (event) yield event;
        }
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #openCurrent(): void {
    const descriptor = openSync(this.#current, 'a', 0o600);
    this.close();
    this.#descriptor = descriptor;
    this.#sizeBytes = fstatSync(descriptor).size;
  }
}

function formatEvent({ timeNano, ...event }: EventMessage): string {
  return `${JSON.stringify({ timeNano: String(timeNano), ...event })}\n`;
}

function parseEvent(line: string): EventMessage | undefined {
  try {
    const event = JSON.parse(line) as EventMessage & { timeNano: string };
    return { ...event, timeNano: BigInt(event.timeNano) };
  } catch {
    return undefined;
  }
}
