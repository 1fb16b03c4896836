import type { Writable } from 'node:stream';
import type { LogPlan } from '../runtime/plan.ts';
import type { LogSource } from './driver.ts';
import type { LogRequest } from './entry-writer.ts';

export type { LogSource } from './driver.ts';
export type { LogRequest } from './entry-writer.ts';

/** The shim of a running container, as far as its log is concerned. */
export interface LogWriter {
  /** No file before this one is needed any more. */
  logRead(sequence: number): Promise<void>;
}

/** What containers write: kept in files by the shim, sent from there by the engine, shown by `docker logs`. */
export interface Logs {
  /** As `docker info` lists them, without `none`. */
  readonly drivers: readonly string[];
  /** The driver of a container that names none. */
  readonly defaultDriver: string;
  /** With the engine's defaults where a container says nothing: the driver, its options, those of the cache. */
  complete(config: { Type?: string; Config?: Record<string, string> | null } | undefined): {
    Type: string;
    Config: Record<string, string>;
  };
  /** 400 for a driver or option that is unknown or makes no sense. */
  check(source: LogSource): void;
  /** What the shim does with the output. */
  plan(source: LogSource): LogPlan;
  /** LogPath of inspect: '' where the files are the engine's own business. */
  pathOf(source: Pick<LogSource, 'id' | 'driver' | 'directory'>): string;
  /** 400 and 501 with Docker's texts, before a reply is begun. */
  checkRequest(source: LogSource, request: Pick<LogRequest, 'stdout' | 'stderr'>): void;
  /**
   * Writes what is there, then with `follow` what comes until `ended` (undefined: it does not run) has resolved.
   * Resolves when everything is written; `out` is not ended.
   */
  read(
    source: LogSource,
    out: Writable,
    request: LogRequest,
    ended: ((signal: AbortSignal) => Promise<unknown>) | undefined,
  ): Promise<void>;

  /** Before a start: connects to the receiver, if there is one. 500 `failed to initialize logging driver: …`. */
  connect(source: LogSource): Promise<void>;
  /** The container runs; also after a restart of the engine, then without `connect`. */
  started(source: LogSource, writer: LogWriter): void;
  /** It has ended, or its start failed: what is left is sent. Also at a start of the engine, for what is left from before. */
  ended(source: LogSource): void;
  /** Before the files go: waits, a while, for what is not sent. */
  settle(id: string): Promise<void>;
  /** Stops sending; what is left is sent by the next engine. */
  close(): Promise<void>;
}
