import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../lib/errors.ts';

const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** An open log file; `inode` identifies it however often it is rotated. */
export interface LogFile {
  handle: FileHandle;
  inode: bigint;
}

/**
 * The log and its rotated predecessors, oldest first, without a gap. Opened newest first, because rotation only moves
 * a file towards higher numbers: one that moves while we open is met again further up, never passed. What is newer than
 * the file that was the log at the beginning is left out.
 */
export async function openLogFiles(logPath: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  let highest = 0;
  for (let number = 0; ; number += 1) {
    if (number > highest) highest = await highestRotation(logPath);
    if (number > highest) return files.reverse();
    const file = await openLogFile(number === 0 ? logPath : `${logPath}.${number}`);
    if (!file) continue;
    const known = files.findIndex(({ inode }) => inode === file.inode);
    if (known < 0) {
      files.push(file);
      continue;
    }
    // Met again: what was opened since then is newer than it.
    for (const { handle } of [file, ...files.splice(known + 1)]) await handle.close();
  }
}

/** undefined where there is none (between the two renames of a rotation). */
export async function inodeOf(name: string): Promise<bigint | undefined> {
  return (await stat(name, { bigint: true }).catch(() => undefined))?.ino;
}

async function openLogFile(name: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(name, 'r');
    const { ino } = await handle.stat({ bigint: true });
    return { handle, inode: ino };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** N of the oldest file `.N` that is there, 0 where nothing was rotated. */
async function highestRotation(logPath: string): Promise<number> {
  const prefix = `${path.basename(logPath)}.`;
  const names = await readdir(path.dirname(logPath));
  const numbers = names
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
  return Math.max(0, ...numbers.filter((number) => Number.isInteger(number)));
}

/** Where the last `count` lines begin, read from the ends: index into `files` and byte offset. */
export async function findTail(files: LogFile[], count: number): Promise<{ index: number; offset: number }> {
  let missing = count;
  for (let index = files.length - 1; index >= 0; index -= 1) {
    const file = files[index] as LogFile;
    const found = await findLastLines(file.handle, missing);
    if (found.lines >= missing || index === 0) return { index, offset: found.offset };
    missing -= found.lines;
  }
  return { index: 0, offset: 0 };
}

/** Offset of the `count`-th line from the end, or 0 and how many lines there are. */
async function findLastLines(handle: FileHandle, count: number): Promise<{ lines: number; offset: number }> {
  const { size } = await handle.stat();
  if (count === 0) return { lines: 0, offset: size };
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, size));
  let lines = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The newline that ends the last line does not begin another one.
      if (block[at] !== NEWLINE || start + at === size - 1) continue;
      lines += 1;
      if (lines === count) return { lines, offset: start + at + 1 };
    }
    end = start;
  }
  return { lines: size > 0 ? lines + 1 : 0, offset: 0 };
}

/** Whole lines from `offset` to the present end; what follows the last newline stays for the next call. */
export class LineReader {
  readonly #handle: FileHandle;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(handle: FileHandle, offset: number) {
    this.#handle = handle;
    this.#offset = offset;
  }

  /** A block that ends with a newline and is the caller's to keep; undefined at the present end of the file. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const block = Buffer.allocUnsafe(this.#rest.length + BLOCK_BYTES);
      this.#rest.copy(block);
      const { bytesRead } = await this.#handle.read(block, this.#rest.length, BLOCK_BYTES, this.#offset);
      if (bytesRead === 0) return undefined;
      this.#offset += bytesRead;
      const filled = block.subarray(0, this.#rest.length + bytesRead);
      const end = filled.lastIndexOf(NEWLINE) + 1;
      this.#rest = Buffer.from(filled.subarray(end));
      if (end > 0) return filled.subarray(0, end);
    }
  }
}
