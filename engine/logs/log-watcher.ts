import { watch } from 'node:fs';
import path from 'node:path';
import type { LogPlace } from './log-files.ts';

/** Where the kernel cannot tell of changes. */
const POLL_MS = 500;

/** Wakes whoever follows a log: it has grown or been rotated, the container has ended, or nobody wants it any more. */
export class LogWatcher {
  /** The container has ended: everything it wrote is in the files. */
  ended = false;
  stopped = false;
  readonly #close = new AbortController();
  #wake: () => void = () => undefined;

  constructor({ path: file }: LogPlace) {
    const name = path.basename(file);
    try {
      watch(path.dirname(file), { signal: this.closed, persistent: false }, (_event, changed) => {
        if (changed === null || changed.startsWith(name)) this.#wake();
      }).on('error', () => this.#poll());
    } catch {
      // The user's inotify watches are used up (fs.inotify.max_user_watches).
      this.#poll();
    }
  }

  get closed(): AbortSignal {
    return this.#close.signal;
  }

  endWith(ended: (signal: AbortSignal) => Promise<unknown>): void {
    ended(this.closed).then(
      () => this.end(),
      () => undefined,
    );
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  stop(): void {
    this.stopped = true;
    this.#wake();
  }

  /** The next wake-up; asked for before reading, so that none is lost. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.ended || this.stopped) resolve();
    });
  }

  close(): void {
    this.#close.abort();
  }

  #poll(): void {
    const timer = setInterval(() => this.#wake(), POLL_MS).unref();
    this.closed.addEventListener('abort', () => clearInterval(timer), { once: true });
  }
}
