/** One entry on its way to a receiver. */
export interface SentEntry {
  stream: 'stdout' | 'stderr';
  /** Without the newline. */
  text: Buffer;
  /** Nanoseconds since the epoch. */
  timeNs: bigint;
  /** Of a line that was cut at 16 KiB (or ended without a newline). */
  part: LinePart | undefined;
}

export interface LinePart {
  /** The same for all parts of a line. */
  id: string;
  /** From 1. */
  ordinal: number;
  last: boolean;
}

/** Sends entries to one receiver. After a rejection it is opened anew. */
export interface LogSender {
  /** The container may start although the receiver is not there. */
  readonly lazy?: boolean;
  /** Before the first of several attempts in a row; grows from there. */
  readonly retryWaitMs?: number;
  /** After so many failures in a row entries are given up; undefined: never. */
  readonly maxRetries?: number | undefined;
  /** Rejects when the receiver cannot be reached. */
  open(): Promise<void>;
  /** Resolves when the receiver has acknowledged all of them or, where the protocol knows no such thing, the kernel has them. */
  send(entries: readonly SentEntry[]): Promise<void>;
  close(): void;
}
