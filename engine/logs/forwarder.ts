import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { EntryReader } from './entry-reader.ts';
import { nanosecondsOf } from './entry-records.ts';
import { formatOf, openFrom, type LogFile, type LogPlace } from './log-files.ts';
import { createEntryView, type EntryView } from './log-format.ts';
import { LogWatcher } from './log-watcher.ts';
import { PartTracker } from './parts.ts';
import type { PositionFile, SentPosition } from './position.ts';
import type { LogSender, SentEntry } from './sender.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

interface ForwarderOptions {
  container: string;
  place: LogPlace;
  positions: PositionFile;
  sender: LogSender;
  /** Bytes that may wait while the receiver does not take any; undefined: all there are, the container waits. */
  bufferBytes: number | undefined;
  logger: Logger;
}

/**
 * Sends what the shim wrote, from the position on disk on, in order, a batch (at most what a read brings) after the
 * other. The position is written when a batch has been sent: an engine that is killed loses nothing and sends at most one
 * batch twice.
 */
export class LogForwarder {
  readonly #options: ForwarderOptions;
  readonly #watcher: LogWatcher;
  readonly #stop = new AbortController();
  readonly #view = createEntryView();
  readonly #parts: PartTracker;
  #file: LogFile | undefined;
  #reader: EntryReader | undefined;
  #position: SentPosition;
  #isOpen = false;
  #failures = 0;
  #lostBytes = 0;
  #tellShim: (sequence: number) => void = () => undefined;
  readonly done: Promise<void>;

  /** `connected`: the sender is open. */
  constructor(options: ForwarderOptions, connected: boolean) {
    this.#options = options;
    this.#isOpen = connected;
    this.#position = options.positions.read();
    this.#parts = new PartTracker(this.#position.parts);
    this.#watcher = new LogWatcher(options.place);
    this.done = this.#run().catch((error: unknown) => {
      options.logger.error('sending a log ended', { container: options.container, error: messageOf(error) });
    });
  }

  /** The shim waits with its oldest file until it hears that it is not needed any more. */
  watchShim(tell: (sequence: number) => void): void {
    this.#tellShim = tell;
    tell(this.#position.sequence);
  }

  /** The container has ended: `done` settles when everything is sent. */
  end(): void {
    this.#tellShim = () => undefined;
    this.#watcher.end();
  }

  /** Ends at once; what is not sent stays for the next engine. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#watcher.stop();
    this.#options.sender.close();
    await this.done;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const isLast = this.#watcher.ended;
        const change = this.#watcher.changed();
        if (await this.#sendAll()) continue;
        if (isLast) break;
        await change;
      }
    } finally {
      this.#watcher.close();
      this.#options.sender.close();
      await this.#leave();
      this.#options.positions.close();
    }
  }

  /** What the files have; true when there were new files. */
  async #sendAll(): Promise<boolean> {
    if (this.#reader) await this.#sendFrom(this.#reader);
    const next = this.#file ? this.#file.number + 1 : this.#position.sequence;
    const newer = await openFrom(this.#options.place, next);
    // Rotated. What was written to the old file before that comes first.
    if (this.#reader && newer.length > 0) await this.#sendFrom(this.#reader);
    for (const file of newer) {
      if (this.#stopped) await file.handle.close();
      else await this.#enter(file);
    }
    return newer.length > 0;
  }

  async #enter(file: LogFile): Promise<void> {
    await this.#leave();
    const offset = file.number === this.#position.sequence ? this.#position.offset : 0;
    const reader = new EntryReader(file, formatOf(this.#options.place), { offset, skip: 0 });
    this.#file = file;
    this.#reader = reader;
    this.#moveTo(file.number, offset);
    await this.#sendFrom(reader);
  }

  async #leave(): Promise<void> {
    await this.#reader?.close();
    await this.#file?.handle.close();
    this.#reader = undefined;
    this.#file = undefined;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #sendFrom(reader: EntryReader): Promise<void> {
    const batch: SentEntry[] = [];
    const collect = (view: EntryView): boolean => {
      batch.push(this.#toEntry(view));
      return true;
    };
    while (!this.#stopped && (await reader.next(this.#view, collect))) {
      if (batch.length === 0) continue;
      const isSent = await this.#send(batch);
      batch.length = 0;
      if (!isSent) return;
      this.#moveTo(this.#position.sequence, reader.offset);
    }
  }

  #toEntry({ source, start, end, stream, timeStart }: EntryView): SentEntry {
    const name = stream === 1 ? 'stdout' : 'stderr';
    const isWhole = source[end - 1] === 0x0a;
    return {
      stream: name,
      text: Buffer.from(source.subarray(start, isWhole ? end - 1 : end)),
      timeNs: nanosecondsOf(source, timeStart),
      part: this.#parts.next(name, isWhole),
    };
  }

  #moveTo(sequence: number, offset: number): void {
    const isOther = sequence !== this.#position.sequence;
    this.#position = { sequence, offset, parts: this.#parts.open() };
    this.#options.positions.write(this.#position);
    if (isOther) this.#tellShim(sequence);
  }

  /** Until it is sent, or given up because too much waits. false: stopped before. */
  async #send(batch: readonly SentEntry[]): Promise<boolean> {
    const { sender, logger, container } = this.#options;
    for (;;) {
      try {
        if (!this.#isOpen) await sender.open();
        this.#isOpen = true;
        await sender.send(batch);
        this.#recovered();
        return true;
      } catch (error) {
        this.#isOpen = false;
        sender.close();
        if (this.#stopped) return false;
        this.#failures += 1;
        const reason = messageOf(error);
        if (this.#failures === 1) logger.warn('log receiver does not take entries', { container, reason });
        if (await this.#isGivenUp()) {
          this.#lostBytes += batch.reduce((sum, { text }) => sum + text.length, 0);
          return true;
        }
        await this.#waitToRetry();
        if (this.#stopped) return false;
      }
    }
  }

  #recovered(): void {
    const { logger, container } = this.#options;
    if (this.#failures > 0)
      logger.info('log receiver takes entries again', { container, lostBytes: this.#lostBytes });
    this.#failures = 0;
    this.#lostBytes = 0;
  }

  async #isGivenUp(): Promise<boolean> {
    const { bufferBytes, sender, place } = this.#options;
    if (sender.maxRetries !== undefined && this.#failures > sender.maxRetries) return true;
    return bufferBytes !== undefined && (await unsentBytes(place, this.#position)) > bufferBytes;
  }

  async #waitToRetry(): Promise<void> {
    const first = this.#options.sender.retryWaitMs ?? FIRST_RETRY_MS;
    const waitMs = Math.min(first * 1.5 ** (this.#failures - 1), Math.max(first, LAST_RETRY_MS));
    await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

/** What the files hold after a position; compressed ones count as what they take. */
async function unsentBytes(place: LogPlace, { sequence, offset }: SentPosition): Promise<number> {
  let bytes = -offset;
  for (const { handle } of await openFrom(place, sequence)) {
    bytes += (await handle.stat()).size;
    await handle.close();
  }
  return bytes;
}
