import type { Writable } from 'node:stream';
import { EntryReader } from './entry-reader.ts';
import { EntryWriter, type LogRequest } from './entry-writer.ts';
import { formatOf, openLogFiles, openNewer, type LogFile, type LogPlace } from './log-files.ts';
import { createEntryView } from './log-format.ts';
import { LogWatcher } from './log-watcher.ts';
import { findTail } from './tail.ts';

/** What a reader has to know of a log. */
export interface ReadableLog {
  place: LogPlace;
  /** For `details`, where the entries carry none themselves. */
  attributes: Record<string, string> | undefined;
  /** Resolves when the container has ended and everything it wrote is in the files; undefined: it does not run. */
  ended: ((signal: AbortSignal) => Promise<unknown>) | undefined;
}

/**
 * Writes what the log has, then with `follow` what comes, until the container has ended. Resolves when everything is
 * written; `out` is not ended.
 */
export async function streamLog(log: ReadableLog, out: Writable, request: LogRequest): Promise<void> {
  const { place, ended } = log;
  // The watcher begins before the first read: what is written in between is seen by either.
  const watcher = request.follow && ended ? new LogWatcher(place) : undefined;
  if (watcher && ended) watcher.endWith(ended);
  if (watcher) stopWithClient(watcher, out, request.signal);
  const writer = new EntryWriter(out, request, formatOf(place), log.attributes);
  const walk = new LogWalk(place, writer);
  try {
    await walk.begin(request.tail);
    if (watcher) await follow(walk, writer, watcher);
  } finally {
    watcher?.close();
    await walk.close();
  }
}

async function follow(walk: LogWalk, writer: EntryWriter, watcher: LogWatcher): Promise<void> {
  for (let isLast = false; !isLast && !writer.done && !watcher.stopped;) {
    isLast = watcher.ended;
    const change = watcher.changed();
    await walk.goOn();
    if (!isLast) await change;
  }
}

function stopWithClient(watcher: LogWatcher, out: Writable, gone: AbortSignal | undefined): void {
  out.on('close', () => watcher.stop());
  gone?.addEventListener('abort', () => watcher.stop(), { signal: watcher.closed, once: true });
}

/** From file to file, each to its end. */
class LogWalk {
  readonly #place: LogPlace;
  readonly #writer: EntryWriter;
  readonly #view = createEntryView();
  #last: LogFile | undefined;
  #reader: EntryReader | undefined;

  constructor(place: LogPlace, writer: EntryWriter) {
    this.#place = place;
    this.#writer = writer;
  }

  async begin(tail: number | undefined): Promise<void> {
    const files = await openLogFiles(this.#place);
    try {
      const format = formatOf(this.#place);
      const from =
        tail === undefined ? { index: 0, offset: 0, skip: 0 } : await findTail(files, format, tail);
      for (const file of files.splice(0, from.index)) await file.handle.close();
      for (let first = true; files.length > 0 && !this.#writer.done; first = false) {
        await this.#enter(files.shift() as LogFile, first ? from : { offset: 0, skip: 0 });
      }
    } finally {
      for (const { handle } of files) await handle.close();
    }
  }

  /** What has been added since, over rotations. */
  async goOn(): Promise<void> {
    if (this.#reader) await this.#copy(this.#reader);
    for (;;) {
      const newer = await openNewer(this.#place, this.#last);
      if (newer.length === 0) return;
      // Rotated. What was written to the old file before that comes first.
      if (this.#reader) await this.#copy(this.#reader);
      for (const file of newer) await this.#enter(file, { offset: 0, skip: 0 });
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    await this.#last?.handle.close();
  }

  async #enter(file: LogFile, from: { offset: number; skip: number }): Promise<void> {
    await this.close();
    this.#last = file;
    this.#reader = new EntryReader(file, formatOf(this.#place), from, this.#writer.readBlock);
    await this.#copy(this.#reader);
  }

  async #copy(reader: EntryReader): Promise<void> {
    while (!this.#writer.done && (await reader.next(this.#view, this.#writer.add)))
      await this.#writer.flush();
  }
}
