/** What a parser says of one entry; reused from entry to entry, so that a million of them cost no allocation. */
export interface EntryView {
  /** 1 stdout, 2 stderr, 0: nothing that can be shown (a torn write). */
  stream: 0 | 1 | 2;
  /** What the offsets count in: the block, or a copy of an unusual entry. */
  source: Buffer;
  /** The output as it was, usually with its newline: `source[start, end)`. */
  start: number;
  end: number;
  /** Where the format keeps the time; read by `timeOf`. */
  timeStart: number;
  timeEnd: number;
  /** Attributes as JSON; `attributesStart` 0: none. */
  attributesStart: number;
  attributesEnd: number;
}

export const createEntryView = (): EntryView => ({
  stream: 0,
  source: Buffer.alloc(0),
  start: 0,
  end: 0,
  timeStart: 0,
  timeEnd: 0,
  attributesStart: 0,
  attributesEnd: 0,
});

/** `2026-01-01T00:00:00.123456789Z` */
export const TIME_BYTES = 30;

/** The entry goes on beyond the block. */
export const INCOMPLETE = -1;
/** No entry begins here, and none will be found behind it in this file. */
export const TORN = -2;

export interface LastEntries {
  start: number;
  entries: number;
}

/** How entries lie in a file; `native/log_file.h` writes both kinds. */
export interface LogFormat {
  /**
   * Reads the entry at `block[at]` of `block[0, filled)` into `view`; returns where the next one begins, INCOMPLETE or
   * TORN. May rewrite the block where it has been read (text is unescaped in place).
   */
  parse(block: Buffer, at: number, filled: number, view: EntryView): number;
  /** RFC 3339 with nine digits: compares as text. */
  timeOf(view: EntryView): string;
  /** The same, TIME_BYTES long, into `target` at `at`. */
  writeTime(view: EntryView, target: Buffer, at: number): void;
  /**
   * Where the last entries of `block[0, filled)` begin, at most `count`, and how many these are; what follows the last
   * whole entry is passed over. `begins`: the block is the beginning of the file.
   */
  lastEntries(block: Buffer, filled: number, count: number, begins: boolean): LastEntries;
}
