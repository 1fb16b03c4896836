import { toFixedNano } from '../lib/fixed-time.ts';
import { findSpecial, Literal, unescapeJson } from './json-text.ts';
import { INCOMPLETE, TIME_BYTES, type EntryView, type LogFormat } from './log-format.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const LETTER_O = 0x6f;
const START = new Literal('{"log":"');
const STREAM = new Literal('","stream":"std');
const STREAM_REST_BYTES = 'out"'.length;
const TIME = new Literal(',"time":"');
const ATTRIBUTES = new Literal(',"attrs":');
/** Ends the attributes: inside of a string the quote behind the comma would be escaped. */
const ATTRIBUTES_END = Buffer.from('},"time":"');
const LINE_END_BYTES = '"}\n'.length;
const BRACE = 0x7d;
/** `2026-01-01T00:00:00` */
const SECONDS_BYTES = 19;
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const LETTER_Z = 0x5a;

/** json-file: one JSON object per line. Lines in the order of keys that Docker and our shim write take the fast way. */
export const jsonLines: LogFormat = {
  parse(block, at, filled, view) {
    const next = parseUsual(block, at, filled, view);
    return next === 0 ? parseAny(block, at, filled, view) : next;
  },

  timeOf: ({ source, timeStart, timeEnd }) => toFixedNano(source.toString('latin1', timeStart, timeEnd)),

  /** Digit by digit: a string of every entry's time would cost more than the rest of it. */
  writeTime({ source, timeStart }, target, at) {
    for (let index = 0; index < SECONDS_BYTES; index += 1)
      target[at + index] = source[timeStart + index] as number;
    target[at + SECONDS_BYTES] = DOT;
    let from = timeStart + SECONDS_BYTES + 1;
    for (let to = at + SECONDS_BYTES + 1; to < at + TIME_BYTES - 1; to += 1) {
      const byte = source[from] as number;
      const isDigit = byte >= ZERO && byte <= NINE;
      target[to] = isDigit ? byte : ZERO;
      if (isDigit) from += 1;
    }
    target[at + TIME_BYTES - 1] = LETTER_Z;
  },

  lastEntries(block, filled, count, begins) {
    let entries = 0;
    let start = block.lastIndexOf(NEWLINE, filled - 1) + 1;
    for (let at = start - 2; at >= 0 && entries < count; at -= 1) {
      if (block[at] !== NEWLINE) continue;
      entries += 1;
      start = at + 1;
    }
    return begins && entries < count && start > 0 ? { start: 0, entries: entries + 1 } : { start, entries };
  },
};

/** 0: not of the usual form, and the block is as it was. */
function parseUsual(block: Buffer, at: number, filled: number, view: EntryView): number {
  if (!START.isAt(block, at, filled)) return 0;
  const start = at + START.length;
  let scan = findSpecial(block, start, filled);
  const firstEscape = block[scan] === BACKSLASH ? scan : 0;
  while (scan < filled && block[scan] === BACKSLASH) scan = findSpecial(block, scan + 2, filled);
  if (scan >= filled) return INCOMPLETE;
  const end = scan;
  if (!STREAM.isAt(block, scan, filled)) return 0;
  scan += STREAM.length;
  view.stream = block[scan] === LETTER_O ? 1 : 2;
  scan += STREAM_REST_BYTES;
  view.attributesStart = 0;
  if (ATTRIBUTES.isAt(block, scan, filled)) {
    view.attributesStart = scan + ATTRIBUTES.length;
    view.attributesEnd = block.indexOf(ATTRIBUTES_END, scan) + 1;
    if (view.attributesEnd === 0 || view.attributesEnd > filled) return 0;
    scan = view.attributesEnd;
  }
  if (!TIME.isAt(block, scan, filled)) return 0;
  view.timeStart = scan + TIME.length;
  // Our shim's times are of full length, Docker's may be shorter.
  scan = view.timeStart + TIME_BYTES;
  if (!isLineEnd(block, scan, filled)) {
    for (scan = view.timeStart; scan < filled && block[scan] !== QUOTE; scan += 1) {
      if (scan - view.timeStart === TIME_BYTES) return 0;
    }
    if (!isLineEnd(block, scan, filled)) return 0;
  }
  view.timeEnd = scan;
  view.source = block;
  view.start = start;
  view.end = firstEscape === 0 ? end : unescapeJson(block, firstEscape, end);
  return scan + LINE_END_BYTES;
}

/** Anything else that is JSON; what is not gets stream 0. */
function parseAny(block: Buffer, at: number, filled: number, view: EntryView): number {
  const newline = block.indexOf(NEWLINE, at);
  if (newline < 0 || newline >= filled) return INCOMPLETE;
  view.stream = 0;
  const line = toLine(block.toString('utf8', at, newline));
  if (!line) return newline + 1;
  const attributes = line.attrs ? JSON.stringify(line.attrs) : '';
  view.source = Buffer.from(`${line.time}${attributes}${line.log}`);
  view.timeStart = 0;
  view.timeEnd = Buffer.byteLength(line.time);
  view.attributesStart = attributes === '' ? 0 : view.timeEnd;
  view.attributesEnd = view.timeEnd + Buffer.byteLength(attributes);
  view.start = view.attributesEnd;
  view.end = view.source.length;
  view.stream = line.stream === 'stderr' ? 2 : 1;
  return newline + 1;
}

interface Line {
  log: string;
  time: string;
  stream?: string;
  attrs?: Record<string, string>;
}

function toLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Partial<Line> | null;
    return typeof line?.log === 'string' && typeof line.time === 'string' ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}

function isLineEnd(block: Buffer, at: number, filled: number): boolean {
  return (
    at + LINE_END_BYTES <= filled &&
    block[at] === QUOTE &&
    block[at + 1] === BRACE &&
    block[at + 2] === NEWLINE
  );
}
