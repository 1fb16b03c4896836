import { INCOMPLETE, TORN, type LogFormat } from './log-format.ts';

const HEAD_BYTES = 16;
const TAIL_BYTES = 4;
/** LOG_MAX_LINE of native/log_file.h and its newline. */
const MAX_TEXT_BYTES = 16385;

let lastSeconds = -1;
let lastText = '';

/**
 * What `local` and the cache of remote drivers are kept in, bytes as they were (little-endian):
 * `record := seconds u32, nanoseconds u32, size u32, stream u32, text, size u32`.
 */
export const entryRecords: LogFormat = {
  parse(block, at, filled, view) {
    if (filled - at < HEAD_BYTES) return INCOMPLETE;
    const size = u32(block, at + 8);
    const stream = u32(block, at + 12);
    if (size > MAX_TEXT_BYTES || (stream !== 1 && stream !== 2)) return TORN;
    const start = at + HEAD_BYTES;
    const end = start + size;
    if (end + TAIL_BYTES > filled) return INCOMPLETE;
    if (u32(block, end) !== size) return TORN;
    view.stream = stream;
    view.source = block;
    view.start = start;
    view.end = end;
    view.timeStart = at;
    view.attributesStart = 0;
    return end + TAIL_BYTES;
  },

  timeOf({ source, timeStart }) {
    return `${secondsText(u32(source, timeStart))}${String(u32(source, timeStart + 4)).padStart(9, '0')}Z`;
  },

  writeTime(view, target, at) {
    target.write(entryRecords.timeOf(view), at, 'latin1');
  },

  lastEntries(block, filled, count) {
    let start = filled;
    let entries = 0;
    while (entries < count && start >= HEAD_BYTES + TAIL_BYTES) {
      const size = u32(block, start - TAIL_BYTES);
      const begin = start - TAIL_BYTES - size - HEAD_BYTES;
      if (begin < 0 || u32(block, begin + 8) !== size) break;
      start = begin;
      entries += 1;
    }
    return { start, entries };
  },
};

/** `2026-01-01T00:00:00.`, of the last second that was asked for: most entries share it with the one before. */
function secondsText(seconds: number): string {
  if (seconds !== lastSeconds) {
    lastSeconds = seconds;
    lastText = new Date(seconds * 1000).toISOString().slice(0, 20);
  }
  return lastText;
}

/** Nanoseconds since the epoch. */
export function nanosecondsOf(source: Buffer, timeStart: number): bigint {
  return BigInt(u32(source, timeStart)) * 1_000_000_000n + BigInt(u32(source, timeStart + 4));
}

function u32(block: Buffer, at: number): number {
  return (
    ((block[at] as number) |
      ((block[at + 1] as number) << 8) |
      ((block[at + 2] as number) << 16) |
      ((block[at + 3] as number) << 24)) >>>
    0
  );
}
