import { toFixedNano } from './timestamps.ts';

/** One line of a json-file log. */
export interface LogEntry {
  stream: 'stdout' | 'stderr';
  /** The output as it was, usually with its newline. */
  payload: Uint8Array;
  /** RFC 3339 with nine digits: compares as text. */
  time: string;
  attributes: Record<string, string> | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const LETTER_N = 0x6e;
const START = Buffer.from('{"log":"');
const STREAM = Buffer.from('","stream":"');
const TIME = Buffer.from('","time":"');
const STREAM_NAME_BYTES = 'stdout'.length;

/**
 * Parses `block[start, end)`, one line without its newline. Lines as our shim writes them, with nothing escaped but
 * the final newline, are cut out of the block without a copy (the block is written to: `\n` becomes a newline);
 * others go through JSON.parse. undefined: not a log line (a torn write).
 */
export function parseLogEntry(block: Buffer, start: number, end: number): LogEntry | undefined {
  return parsePlain(block, start, end) ?? parseAny(block, start, end);
}

function parsePlain(block: Buffer, start: number, end: number): LogEntry | undefined {
  const textStart = start + START.length;
  if (block.compare(START, 0, START.length, start, Math.min(textStart, end)) !== 0) return undefined;
  const textEnd = block.indexOf(STREAM, textStart);
  if (textEnd < 0 || textEnd >= end) return undefined;
  const nameStart = textEnd + STREAM.length;
  const timeStart = nameStart + STREAM_NAME_BYTES + TIME.length;
  if (timeStart > end || block.compare(TIME, 0, TIME.length, timeStart - TIME.length, timeStart) !== 0)
    return undefined;
  const timeEnd = block.indexOf(QUOTE, timeStart);
  if (timeEnd < 0 || timeEnd > end - 2) return undefined;
  let payloadEnd = textEnd;
  const escape = block.indexOf(BACKSLASH, textStart);
  if (escape >= 0 && escape < textEnd) {
    if (escape !== textEnd - 2 || block[textEnd - 1] !== LETTER_N) return undefined;
    block[escape] = NEWLINE;
    payloadEnd = escape + 1;
  }
  return {
    // Fourth letter: std_o_ut, std_e_rr.
    stream: block[nameStart + 3] === 0x6f ? 'stdout' : 'stderr',
    payload: block.subarray(textStart, payloadEnd),
    time: toFixedNano(block.toString('latin1', timeStart, timeEnd)),
    attributes: undefined,
  };
}

function parseAny(block: Buffer, start: number, end: number): LogEntry | undefined {
  try {
    const line = JSON.parse(block.toString('utf8', start, end)) as {
      log?: string;
      stream?: string;
      time?: string;
      attrs?: Record<string, string>;
    };
    if (typeof line.log !== 'string' || typeof line.time !== 'string') return undefined;
    return {
      stream: line.stream === 'stderr' ? 'stderr' : 'stdout',
      payload: Buffer.from(line.log),
      time: toFixedNano(line.time),
      attributes: line.attrs,
    };
  } catch {
    return undefined;
  }
}
