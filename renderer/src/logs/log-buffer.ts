import type { LogEntry } from '../../../electron/api/types.ts';
import { stripAnsi } from './ansi.ts';

export interface LogLine extends LogEntry {
  /** Grows by one per line, never reused: identifies the line while others are dropped. */
  key: number;
  /** Without escape sequences. */
  plain: string;
}

interface LogBuffer {
  lines: readonly LogLine[];
  /** Lines no longer held because of the cap. */
  dropped: number;
  nextKey: number;
}

export const emptyLogBuffer: LogBuffer = { lines: [], dropped: 0, nextKey: 0 };
const maxLogLines = 100_000;

/** Appends a batch; beyond `cap` the oldest tenth goes at once, so that most appends only append. */
export function appendLines(buffer: LogBuffer, entries: readonly LogEntry[], cap = maxLogLines): LogBuffer {
  let { nextKey } = buffer;
  const added = entries.map((entry) => ({ ...entry, key: nextKey++, plain: stripAnsi(entry.text) }));
  const lines = [...buffer.lines, ...added];
  if (lines.length <= cap) return { lines, dropped: buffer.dropped, nextKey };
  const excess = lines.length - Math.floor(cap * 0.9);
  return { lines: lines.slice(excess), dropped: buffer.dropped + excess, nextKey };
}

/**
 * Entries after `last`: a resumed stream starts at the second of the last line, so some come again. Nanosecond
 * RFC 3339 timestamps of one engine compare as text.
 */
export function entriesAfter(entries: readonly LogEntry[], last: string | undefined): readonly LogEntry[] {
  return last === undefined ? entries : entries.filter((entry) => entry.timestamp > last);
}
