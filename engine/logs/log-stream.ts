import { watch } from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { roomOrEnd } from '../lib/back-pressure.ts';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import type { Container } from './container.ts';
import { FRAME_HEADER_BYTES, frameHeader } from './frames.ts';
import { logPathOf } from './log-config.ts';
import { parseLogEntry, type LogEntry } from './log-entry.ts';
import { LineReader, findTail, inodeOf, openLogFiles, type LogFile } from './log-files.ts';

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

/** 400 and 501 with Docker's texts, before a reply is begun. */
export function checkLogRequest(container: Container, request: Pick<LogRequest, 'stdout' | 'stderr'>): void {
  if (!request.stdout && !request.stderr) {
    throw invalidArgument('Bad parameters: you must choose at least one stream');
  }
  if (container.record.hostConfig.LogConfig?.Type === 'none') {
    throw new EngineError('not-implemented', 'configured logging driver does not support reading');
  }
}

/**
 * Writes what the log has, then with `follow` what comes, until the container has ended. Resolves when everything is
 * written; `out` is not ended.
 */
export async function streamLogs(container: Container, out: Writable, request: LogRequest): Promise<void> {
  if (container.record.hostConfig.LogConfig?.Type === 'none') return;
  const logPath = logPathOf(container.directory, container.record.id);
  const writer = new EntryWriter(out, request);
  const follow = request.follow && container.shim !== undefined;
  // The watcher begins before the first read: what is written in between is seen by either.
  const follower = follow ? new LogWatcher(logPath, container, out, request.signal) : undefined;
  const files = await openLogFiles(logPath);
  try {
    const from = request.tail === undefined ? { index: 0, offset: 0 } : await findTail(files, request.tail);
    let reader: LineReader | undefined;
    for (const [index, { handle }] of files.entries()) {
      if (index < from.index) continue;
      reader = new LineReader(handle, index === from.index ? from.offset : 0);
      await copyLines(reader, writer);
      if (writer.done) return;
    }
    if (follower) await followLog(logPath, files, reader, writer, follower);
  } finally {
    follower?.close();
    for (const { handle } of files) await handle.close();
  }
}

async function followLog(
  logPath: string,
  files: LogFile[],
  reader: LineReader | undefined,
  writer: EntryWriter,
  watcher: LogWatcher,
): Promise<void> {
  let current = reader;
  while (!writer.done && !watcher.aborted) {
    const ended = watcher.ended;
    const change = watcher.changed();
    if (current) await copyLines(current, writer);
    const newer = await openNewer(logPath, files.at(-1)?.inode);
    if (newer.length > 0) {
      // Rotated. What was written to the old file before that is read first.
      if (current) await copyLines(current, writer);
      files.push(...newer);
      for (const { handle } of newer) {
        current = new LineReader(handle, 0);
        await copyLines(current, writer);
      }
      continue;
    }
    if (ended) return;
    await change;
  }
}

/** The files after the one that is being read, oldest first: a fast writer rotates more than once between looks. */
async function openNewer(logPath: string, inode: bigint | undefined): Promise<LogFile[]> {
  if (inode !== undefined && (await inodeOf(logPath)) === inode) return [];
  const all = await openLogFiles(logPath);
  const known = all.findIndex((file) => file.inode === inode);
  for (const { handle } of all.slice(0, known + 1)) await handle.close();
  return all.slice(known + 1);
}

async function copyLines(reader: LineReader, writer: EntryWriter): Promise<void> {
  for (let block = await reader.next(); block && !writer.done; block = await reader.next()) {
    for (let start = 0; start < block.length && !writer.done;) {
      const end = block.indexOf(0x0a, start);
      const entry = parseLogEntry(block, start, end);
      if (entry) writer.add(entry);
      start = end + 1;
    }
    await writer.flush();
  }
}

const BLOCK_BYTES = 64 * 1024;

/**
 * Filters entries and packs their frames into large writes (16 times cheaper than one a line). One frame an entry, as
 * Docker: the SDKs' log iterators give the application a frame at a time and it takes that for a line.
 */
class EntryWriter {
  /** `until` has passed, or the client is gone. */
  done = false;
  readonly #out: Writable;
  readonly #request: LogRequest;
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #filled = 0;

  constructor(out: Writable, request: LogRequest) {
    this.#out = out;
    this.#request = request;
  }

  add(entry: LogEntry): void {
    const { since, until, timestamps, details, raw } = this.#request;
    if (until !== undefined && entry.time > until) {
      this.done = true;
      return;
    }
    if (!this.#request[entry.stream] || (since !== undefined && entry.time < since)) return;
    const attributes = details ? `${formatAttributes(entry.attributes)} ` : '';
    const prefix = timestamps ? `${entry.time} ${attributes}` : attributes;
    const headerBytes = raw ? 0 : FRAME_HEADER_BYTES;
    const bytes = headerBytes + prefix.length * 3 + entry.payload.length;
    if (this.#filled + bytes > this.#block.length) {
      this.#send();
      if (bytes > this.#block.length) this.#block = Buffer.allocUnsafe(bytes);
    }
    const start = this.#filled + headerBytes;
    const payloadStart = start + (prefix === '' ? 0 : this.#block.write(prefix, start));
    this.#block.set(entry.payload, payloadStart);
    const end = payloadStart + entry.payload.length;
    if (!raw) this.#block.set(frameHeader(entry.stream, end - start), this.#filled);
    this.#filled = end;
  }

  /** Sends what is packed and waits until the client has room. */
  async flush(): Promise<void> {
    this.#send();
    if (this.#out.destroyed) this.done = true;
    else if (this.#out.writableNeedDrain) await roomOrEnd(this.#out);
  }

  #send(): void {
    if (this.#filled === 0) return;
    if (!this.#out.destroyed) this.#out.write(this.#block.subarray(0, this.#filled));
    this.#block = Buffer.allocUnsafe(BLOCK_BYTES);
    this.#filled = 0;
  }
}

function formatAttributes(attributes: Record<string, string> | undefined): string {
  return Object.entries(attributes ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join(',');
}

/** Wakes a follower when the log grows or is rotated, the container ends, or the client goes. */
class LogWatcher {
  /** The container has ended: everything it wrote is in the files. */
  ended = false;
  aborted = false;
  readonly #stop = new AbortController();
  #wake: () => void = () => undefined;

  constructor(logPath: string, container: Container, out: Writable, clientGone: AbortSignal | undefined) {
    const { signal } = this.#stop;
    const name = path.basename(logPath);
    watch(path.dirname(logPath), { signal, persistent: false }, (_event, changed) => {
      if (changed === null || changed.startsWith(name)) this.#wake();
    }).on('error', () => this.#abort());
    container.nextExit(signal).then(
      () => {
        this.ended = true;
        this.#wake();
      },
      () => undefined,
    );
    out.on('close', () => this.#abort());
    clientGone?.addEventListener('abort', () => this.#abort(), { signal, once: true });
  }

  /** The next wake-up; asked for before reading, so that none is lost. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.#stop.abort();
  }

  #abort(): void {
    this.aborted = true;
    this.#wake();
  }
}
