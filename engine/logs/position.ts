import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { errnoOf } from '../lib/errors.ts';

/** How far a log has been sent. */
export interface SentPosition {
  /** Of the file that is being read. */
  sequence: number;
  /** Of its content: everything before has been sent. */
  offset: number;
  /** Lines whose end has not been sent yet, by stream. */
  parts: { stdout?: OpenLine | undefined; stderr?: OpenLine | undefined };
}

export interface OpenLine {
  id: string;
  /** Of the last part that was sent. */
  ordinal: number;
}

const START: SentPosition = { sequence: 0, offset: 0, parts: {} };
/** Always written whole, in one system call: a process that is killed leaves the old or the new one. */
const FILE_BYTES = 512;

/**
 * The position on disk. Not synced: after a crash of the machine some entries are sent again, which is also what happens
 * to the last batch when the engine is killed between sending and writing.
 */
export class PositionFile {
  readonly #path: string;
  #descriptor = -1;

  constructor(path: string) {
    this.#path = path;
  }

  /** The beginning of the log where there is none, or a damaged one. */
  read(): SentPosition {
    try {
      const text = readFileSync(this.#path, 'utf8');
      const { sequence = -1, offset = -1, parts = {} } = JSON.parse(text) as Partial<SentPosition>;
      if (isCount(sequence) && isCount(offset)) return { sequence, offset, parts };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError || error instanceof TypeError))
        throw error;
    }
    return { ...START };
  }

  write(position: SentPosition): void {
    if (this.#descriptor < 0)
      this.#descriptor = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    writeSync(this.#descriptor, JSON.stringify(position).padEnd(FILE_BYTES), 0);
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
