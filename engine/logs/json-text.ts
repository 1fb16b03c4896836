const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;
const LETTER_N = 0x6e;
const LETTER_U = 0x75;
const NEWLINE = 0x0a;
/** Byte after the backslash → what it stands for; others (`"`, `\`, `/`) stand for themselves. */
const SHORT_ESCAPES = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);
const REPLACEMENT = 0xfffd;

/** The block that was looked at last, for reading words of it. */
let wordsBlock: Buffer | undefined;
let words: DataView = new DataView(new ArrayBuffer(0));

/** For words at any offset of `block`. */
function wordsOf(block: Buffer): DataView {
  if (block !== wordsBlock) {
    wordsBlock = block;
    words = new DataView(block.buffer, block.byteOffset, block.byteLength);
  }
  return words;
}

/**
 * Where the first quote or backslash of `block[from, end)` is, or `end`. Four bytes at a time: for lines of ordinary
 * length that is faster than byte by byte, and than a search in native code.
 */
export function findSpecial(block: Buffer, from: number, end: number): number {
  const view = wordsOf(block);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    const quotes = word ^ QUOTES;
    const backslashes = word ^ BACKSLASHES;
    // A byte that is zero borrows from its high bit (Hacker's Delight, 6-1).
    const zeros = ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes);
    if ((zeros & HIGH_BITS) !== 0) break;
  }
  while (at < end && block[at] !== QUOTE && block[at] !== BACKSLASH) at += 1;
  return at;
}

/** A text of at least four bytes of ASCII, found four bytes at a time; the last four may overlap those before. */
export class Literal {
  readonly length: number;
  readonly #offsets: number[] = [];
  readonly #words: number[] = [];

  constructor(text: string) {
    const bytes = Buffer.from(text, 'latin1');
    this.length = bytes.length;
    for (let at = 0; at < bytes.length; at += 4) {
      const offset = Math.min(at, bytes.length - 4);
      this.#offsets.push(offset);
      this.#words.push(bytes.readInt32LE(offset));
    }
  }

  /** Whether it is at `block[at]`, whole before `end`. */
  isAt(block: Buffer, at: number, end: number): boolean {
    if (at + this.length > end) return false;
    const view = wordsOf(block);
    for (let index = 0; index < this.#words.length; index += 1) {
      if (view.getInt32(at + (this.#offsets[index] as number), true) !== this.#words[index]) return false;
    }
    return true;
  }
}

/**
 * Undoes the escapes of a JSON string's inside, `block[from, end)`, in place; `from` is at the first backslash or before.
 * Returns the new end: what an escape stands for is never longer than itself. Half a surrogate pair becomes U+FFFD.
 */
export function unescapeJson(block: Buffer, from: number, end: number): number {
  // Most often there is but the newline at the end.
  if (from === end - 2 && block[from + 1] === LETTER_N) {
    block[from] = NEWLINE;
    return from + 1;
  }
  let out = from;
  for (let at = from; at < end; at += 1) {
    const byte = block[at] as number;
    if (byte !== BACKSLASH) {
      block[out] = byte;
      out += 1;
      continue;
    }
    at += 1;
    const escaped = block[at] as number;
    if (escaped !== LETTER_U) {
      block[out] = SHORT_ESCAPES.get(escaped) ?? escaped;
      out += 1;
      continue;
    }
    let unit = hexAt(block, at + 1);
    at += 4;
    if (unit >= 0xd800 && unit <= 0xdbff && block[at + 1] === BACKSLASH && block[at + 2] === LETTER_U) {
      const low = hexAt(block, at + 3);
      if (low >= 0xdc00 && low <= 0xdfff) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    out = writeUtf8(block, out, unit >= 0xd800 && unit <= 0xdfff ? REPLACEMENT : unit);
  }
  return out;
}

/** Four hexadecimal digits; U+FFFD where they are none. */
function hexAt(block: Buffer, at: number): number {
  const value = Number.parseInt(block.toString('latin1', at, at + 4), 16);
  return Number.isNaN(value) ? REPLACEMENT : value;
}

function writeUtf8(block: Buffer, at: number, point: number): number {
  if (point < 0x80) {
    block[at] = point;
    return at + 1;
  }
  let out = at;
  if (point < 0x800) {
    block[out++] = 0xc0 | (point >> 6);
  } else {
    if (point < 0x10000) {
      block[out++] = 0xe0 | (point >> 12);
    } else {
      block[out++] = 0xf0 | (point >> 18);
      block[out++] = 0x80 | ((point >> 12) & 0x3f);
    }
    block[out++] = 0x80 | ((point >> 6) & 0x3f);
  }
  block[out++] = 0x80 | (point & 0x3f);
  return out;
}
