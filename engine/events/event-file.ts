import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { errnoOf } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import type { EventMessage } from './events.ts';

/** Two files of this size at most are kept: some thousand events each. */
const ROTATE_BYTES = 1024 * 1024;

/** The log on disk: one JSON object per line, oldest first, in `previous` then `current`. */
export class EventFile {
  readonly #current: string;
  readonly #previous: string;
  readonly #directory: string;
  readonly #rotateBytes: number;
  readonly #writes = new Mutex();
  #pending: string[] = [];
  #file: FileHandle | undefined;
  #sizeBytes = 0;

  constructor(directory: string, rotateBytes = ROTATE_BYTES) {
    this.#directory = directory;
    this.#current = path.join(directory, 'events.jsonl');
    this.#previous = path.join(directory, 'events.1.jsonl');
    this.#rotateBytes = rotateBytes;
  }

  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#openCurrent();
  }

  /** Resolves when the event and all before it are written (not synced: events are no state). */
  append(event: EventMessage): Promise<void> {
    this.#pending.push(formatEvent(event));
    return this.#writes.run(() => this.#writePending());
  }

  /** Resolves when everything appended so far is written. */
  flush(): Promise<void> {
    return this.#writes.run(() => Promise.resolve());
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

  close(): Promise<void> {
    return this.#writes.run(async () => {
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  async #openCurrent(): Promise<void> {
    this.#file = await open(this.#current, 'a', 0o600);
    this.#sizeBytes = (await this.#file.stat()).size;
  }

  async #writePending(): Promise<void> {
    const text = this.#pending.join('');
    this.#pending = [];
    if (text === '' || !this.#file) return;
    if (this.#sizeBytes >= this.#rotateBytes) {
      await this.#file.close();
      await rename(this.#current, this.#previous);
      await this.#openCurrent();
    }
    await this.#file.appendFile(text);
    this.#sizeBytes += Buffer.byteLength(text);
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
