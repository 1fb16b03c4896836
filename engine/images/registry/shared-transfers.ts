import type { LayerProgress } from './progress.ts';

interface Transfer<T> {
  stop: AbortController;
  watchers: Set<(progress: LayerProgress) => void>;
  last: LayerProgress | undefined;
  result: Promise<T>;
  /** Called for each who still waits, in the turn in which the result is there. */
  settled: Set<(value: T) => void>;
}

type Work<T> = (report: (progress: LayerProgress) => void, signal: AbortSignal) => Promise<T>;

interface TransferHooks<T> {
  /** Gives one who waited a hold of its own on the result. */
  take: (value: T) => void;
  /** Gives up the hold of the transfer itself. */
  release: (value: T) => Promise<void>;
}

/**
 * Work that several callers want is done once: who comes later joins and hears where it is. It stops when the last
 * one has left.
 */
export class SharedTransfers<T> {
  readonly #transfers = new Map<string, Transfer<T>>();
  readonly #hooks: TransferHooks<T>;

  constructor(hooks: TransferHooks<T>) {
    this.#hooks = hooks;
  }

  async run(
    key: string,
    signal: AbortSignal,
    watch: (progress: LayerProgress) => void,
    work: Work<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const transfer = this.#transfers.get(key) ?? this.#start(key, work);
    transfer.watchers.add(watch);
    if (transfer.last) watch(transfer.last);
    const leave = (): void => {
      transfer.watchers.delete(watch);
      if (transfer.watchers.size > 0) return;
      transfer.stop.abort();
      // Whoever comes now must not join what is ending.
      if (this.#transfers.get(key) === transfer) this.#transfers.delete(key);
    };
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        transfer.settled.delete(onResult);
        leave();
        reject(signal.reason as Error);
      };
      const onResult = (value: T): void => {
        signal.removeEventListener('abort', onAbort);
        this.#hooks.take(value);
        resolve(value);
      };
      transfer.settled.add(onResult);
      signal.addEventListener('abort', onAbort, { once: true });
      transfer.result.catch((error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      });
    });
  }

  #start(key: string, work: Work<T>): Transfer<T> {
    const stop = new AbortController();
    const transfer: Transfer<T> = {
      stop,
      watchers: new Set(),
      last: undefined,
      settled: new Set(),
      result: Promise.reject(new Error('not started')),
    };
    transfer.result.catch(() => undefined);
    const report = (progress: LayerProgress): void => {
      transfer.last = progress;
      for (const watch of transfer.watchers) watch(progress);
    };
    transfer.result = this.#finish(key, transfer, work(report, stop.signal));
    this.#transfers.set(key, transfer);
    return transfer;
  }

  async #finish(key: string, transfer: Transfer<T>, running: Promise<T>): Promise<T> {
    try {
      const value = await running;
      for (const take of transfer.settled) take(value);
      await this.#hooks.release(value);
      return value;
    } finally {
      if (this.#transfers.get(key) === transfer) this.#transfers.delete(key);
    }
  }
}
