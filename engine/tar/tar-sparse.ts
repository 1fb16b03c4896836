import { invalidArgument } from '../lib/errors.ts';
import { BLOCK_BYTES, type TarEntry } from './tar-entry.ts';
import { readNumber } from './tar-fields.ts';

/** Gets the content of a sparse file in its order. */
export interface SparseContentHandler {
  data(chunk: Uint8Array): void;
  hole(bytes: number): void;
}

/** Pieces of one file; SECURITY: a map comes from the archive. */
const MAX_EXTENTS = 128 * 1024;
/** Where the fields of GNU's own format are in a header and in the blocks behind it. */
const IN_HEADER = { start: 386, count: 4, goesOn: 482 };
const IN_BLOCK = { start: 0, count: 21, goesOn: 504 };
const REAL_SIZE = 483;
const FIELD_BYTES = 12;

/**
 * A file of which the archive holds only what is between its holes, in each of the formats of GNU tar (its manual,
 * "Storing Sparse Files"). Throws invalid-argument for a map that is not one.
 */
export class SparseFile {
  /** With its real name and size. */
  readonly entry: TarEntry;
  /** Bytes in the archive that are still to come, maps of PAX format 1.0 included. */
  storedBytes: number;
  /** Whether nothing of the map is to come. */
  isMapped = false;
  /** Offset and length of each piece in turn. */
  readonly #numbers: number[] = [];
  readonly #format: 'gnu' | 'records' | 'lines';
  /** The piece that is being read, and how far the file is told. */
  #piece = 0;
  #at = 0;
  /** A line of a map that goes on in the next block. */
  #line = '';
  #declared: number | undefined;

  private constructor(format: 'gnu' | 'records' | 'lines', entry: TarEntry, storedBytes: number) {
    this.#format = format;
    this.entry = entry;
    this.storedBytes = storedBytes;
  }

  /** A member with GNU's own type 'S'. */
  static ofHeader(header: Buffer, entry: TarEntry): SparseFile {
    if (header.toString('latin1', 257, 265) !== 'ustar  \0') throw badMap();
    const size = readNumber(header, REAL_SIZE, FIELD_BYTES);
    const file = new SparseFile('gnu', { ...entry, size }, entry.size);
    file.#takeFields(header, IN_HEADER);
    return file;
  }

  /** undefined for records of a plain file, and for a version that nobody knows. */
  static ofRecords(records: ReadonlyMap<string, Buffer>, entry: TarEntry): SparseFile | undefined {
    const text = (key: string): string | undefined => records.get(`GNU.sparse.${key}`)?.toString('utf8');
    const [major, minor, list] = [text('major'), text('minor'), text('map')];
    const isFirst = major === '0' && (minor === '0' || minor === '1');
    const isSecond = major === '1' && minor === '0';
    const hasVersion = (major ?? minor) !== undefined;
    if (hasVersion ? !isFirst && !isSecond : !list) return undefined;
    const size = decimal(text('size') ?? text('realsize') ?? String(entry.size));
    const whole = { ...entry, name: text('name') ?? entry.name, size };
    const file = new SparseFile(isSecond ? 'lines' : 'records', whole, entry.size);
    if (isSecond) return file;
    file.#declared = 2 * decimal(text('numblocks') ?? '');
    if (list) file.#numbers.push(...list.split(',').map(decimal));
    file.#endMap();
    return file;
  }

  /** The next block of the map. */
  takeBlock(block: Buffer): void {
    if (this.#format === 'gnu') this.#takeFields(block, IN_BLOCK);
    else this.#takeLines(block);
  }

  /** The next stored bytes. */
  tell(stored: Buffer, handler: SparseContentHandler): void {
    for (let done = 0; done < stored.length;) {
      const offset = this.#numbers[this.#piece] ?? 0;
      const end = offset + (this.#numbers[this.#piece + 1] ?? 0);
      this.#skipTo(offset, handler);
      const used = Math.min(stored.length - done, end - this.#at);
      if (used > 0) handler.data(stored.subarray(done, done + used));
      done += used;
      this.#at += used;
      if (this.#at === end) this.#piece += 2;
    }
    this.storedBytes -= stored.length;
    if (this.storedBytes === 0) this.#skipTo(this.entry.size, handler);
  }

  /** What a file without any stored bytes is. */
  tellHole(handler: SparseContentHandler): void {
    this.#skipTo(this.entry.size, handler);
  }

  #skipTo(offset: number, handler: SparseContentHandler): void {
    if (offset > this.#at) handler.hole(offset - this.#at);
    this.#at = Math.max(this.#at, offset);
  }

  #takeFields(block: Buffer, { start, count, goesOn }: typeof IN_HEADER): void {
    for (let index = 0; index < 2 * count; index += 2) {
      const at = start + index * FIELD_BYTES;
      if (block[at] === 0 || block[at + FIELD_BYTES] === 0) break;
      this.#numbers.push(
        readNumber(block, at, FIELD_BYTES),
        readNumber(block, at + FIELD_BYTES, FIELD_BYTES),
      );
    }
    if (this.#numbers.length > 2 * MAX_EXTENTS) throw badMap();
    if (block[goesOn] === 0) this.#endMap();
  }

  /** Decimal lines, the number of pieces first. */
  #takeLines(block: Buffer): void {
    this.storedBytes -= BLOCK_BYTES;
    const lines = (this.#line + block.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#declared === undefined) this.#declared = 2 * decimal(line);
      else this.#numbers.push(decimal(line));
      if (this.#numbers.length === this.#declared) break;
    }
    if (this.#numbers.length === this.#declared) this.#endMap();
    // A line as long as a block is no number.
    else if (this.#line.length >= BLOCK_BYTES || this.storedBytes < BLOCK_BYTES) throw badMap();
    else if (this.#numbers.length > 2 * MAX_EXTENTS) throw badMap();
  }

  /** In order, within the file, and exactly what is stored. */
  #endMap(): void {
    const numbers = this.#numbers;
    if (numbers.length !== (this.#declared ?? numbers.length) || numbers.length > 2 * MAX_EXTENTS)
      throw badMap();
    let [end, stored] = [0, 0];
    for (let index = 0; index < numbers.length; index += 2) {
      const [offset = 0, length = 0] = numbers.slice(index, index + 2);
      if (offset < end) throw badMap();
      end = offset + length;
      stored += length;
    }
    if (end > this.entry.size || stored !== this.storedBytes) throw badMap();
    this.isMapped = true;
  }
}

function decimal(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw badMap();
  return Number(text);
}

function badMap(): Error {
  return invalidArgument('invalid tar header: bad sparse map');
}
