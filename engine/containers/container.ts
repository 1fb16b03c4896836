import { EngineError } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import type { Shim } from '../runtime/runtime.ts';
import type { HealthMonitor } from './health.ts';
import type { ContainerRecord } from './record.ts';

export interface ExitResult {
  exitCode: number;
}

/** A client that attached before the container started; it gets its stream between create and exec. */
export interface PendingAttach {
  connect(shim: Shim): Promise<void>;
  /** The start failed or the container went away. */
  abandon(): void;
}

/** A container in memory: the record, what is alive of it, and who waits for it. */
export class Container {
  record: ContainerRecord;
  /** `<data-root>/containers/<id>`. */
  readonly directory: string;
  /** Held by start, exit handling, pause, rename and remove; never while waiting for a process to end. */
  readonly mutex = new Mutex();
  /** Held while the record is written, so that an older state never overtakes a newer one on its way to the disk. */
  readonly writes = new Mutex();
  shim: Shim | undefined;
  health: HealthMonitor | undefined;
  /** IDs of this run's exec sessions that have not ended, oldest first. */
  readonly execIds = new Set<string>();
  readonly pendingAttaches = new Set<PendingAttach>();
  restartTimer: NodeJS.Timeout | undefined;
  restartDelayMs = 0;
  /** A restart request is under way: its exit must neither AutoRemove nor trigger the policy. */
  restartRequested = false;
  /** This run was told to end, by stop or kill: no policy follows it. Ends with the run's successor, unlike the
   * record's `manuallyStopped` it does not outlive the engine. */
  restartCancelled = false;
  removing = false;
  /** Until the last exit is on disk and nothing of its run is left: a start waits for it, a removal need not. */
  settling: Promise<void> | undefined;
  readonly #exitListeners = new Set<(result: ExitResult) => void>();
  readonly #removalListeners = new Set<(result: ExitResult) => void>();

  constructor(record: ContainerRecord, directory: string) {
    this.record = record;
    this.directory = directory;
  }

  /** Short for messages and hostnames. */
  get shortId(): string {
    return this.record.id.slice(0, 12);
  }

  notifyExit(result: ExitResult): void {
    drain(this.#exitListeners, result);
  }

  notifyRemoved(result: ExitResult): void {
    drain(this.#removalListeners, result);
  }

  /** The next exit. Rejects with `cancelled` when the signal aborts. */
  nextExit(signal?: AbortSignal): Promise<ExitResult> {
    return once(this.#exitListeners, signal);
  }

  removal(signal?: AbortSignal): Promise<ExitResult> {
    return once(this.#removalListeners, signal);
  }
}

function drain(listeners: Set<(result: ExitResult) => void>, result: ExitResult): void {
  const current = [...listeners];
  listeners.clear();
  for (const listener of current) listener(result);
}

function once(listeners: Set<(result: ExitResult) => void>, signal?: AbortSignal): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    const listener = (result: ExitResult): void => {
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = (): void => {
      listeners.delete(listener);
      reject(new EngineError('cancelled', 'the client hung up'));
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    listeners.add(listener);
  });
}
