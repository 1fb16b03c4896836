import { open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../lib/errors.ts';
import { entryRecords } from './entry-records.ts';
import { jsonLines } from './json-lines.ts';
import type { LogFormat } from './log-format.ts';

/** Where a log is and what it is made of. */
export interface LogPlace {
  /** json: the log itself, its predecessors are `.1`, `.2`, …; entries: what `.<sequence>` is appended to. */
  path: string;
  format: 'json' | 'entries';
}

/** An open file of a log. */
export interface LogFile {
  handle: FileHandle;
  compressed: boolean;
  /** Its number in the name when it was opened. */
  number: number;
  inode: bigint;
}

export const formatOf = (place: LogPlace): LogFormat => (place.format === 'json' ? jsonLines : entryRecords);

/** The log's files, oldest first, without a gap. */
export function openLogFiles(place: LogPlace): Promise<LogFile[]> {
  return place.format === 'json' ? openRenamed(place.path) : openNumbered(place.path, 0);
}

/** The files after `last`, oldest first: a fast writer rotates more than once between two looks. */
export async function openNewer(place: LogPlace, last: LogFile | undefined): Promise<LogFile[]> {
  if (place.format === 'entries') return openFrom(place, (last?.number ?? 0) + 1);
  if (last) {
    const current = await openFile(place.path, 0, false);
    await current?.handle.close();
    if (current?.inode === last.inode) return [];
  }
  const all = await openRenamed(place.path);
  const known = last ? await findSame(all, last) : -1;
  for (const { handle } of all.slice(0, known + 1)) await handle.close();
  return all.slice(known + 1);
}

/** Of format entries: the files from a sequence on, oldest first. */
export function openFrom({ path: prefix }: LogPlace, sequence: number): Promise<LogFile[]> {
  return openNumbered(prefix, sequence);
}

/**
 * Opened newest first, because rotation only moves a file towards higher numbers: one that moves while we open is met
 * again further up, never passed. What is newer than the file that was the log at the beginning is left out.
 */
async function openRenamed(logPath: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  let highest = 0;
  for (let number = 0; ; number += 1) {
    if (number > highest) highest = Math.max(0, ...(await numbersOf(logPath)));
    if (number > highest) return files.reverse();
    const file = await openEither(logPath, number);
    if (!file) continue;
    const known = await findSame(files, file);
    if (known < 0) {
      files.push(file);
      continue;
    }
    // Met again: what was opened since then is newer than it.
    for (const { handle } of [file, ...files.splice(known + 1)]) await handle.close();
  }
}

async function openNumbered(prefix: string, from: number): Promise<LogFile[]> {
  const numbers = new Set((await numbersOf(prefix)).filter((number) => number >= from));
  const files: LogFile[] = [];
  for (const number of [...numbers].sort((one, other) => one - other)) {
    const file = await openEither(prefix, number);
    if (file) files.push(file);
  }
  return files;
}

/** The compressed one first: where both are there, the plain one is about to go. */
async function openEither(logPath: string, number: number): Promise<LogFile | undefined> {
  const name = number === 0 ? logPath : `${logPath}.${number}`;
  if (number === 0) return openFile(name, number, false);
  const found = (await openFile(`${name}.gz`, number, true)) ?? (await openFile(name, number, false));
  // It became compressed in between.
  return found ?? openFile(`${name}.gz`, number, true);
}

async function openFile(name: string, number: number, compressed: boolean): Promise<LogFile | undefined> {
  try {
    const handle = await open(name, 'r');
    const { ino } = await handle.stat({ bigint: true });
    return { handle, compressed, number, inode: ino };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function findSame(files: readonly LogFile[], wanted: LogFile): Promise<number> {
  for (const [index, file] of files.entries()) {
    if (file.inode === wanted.inode) return index;
    if (file.compressed !== wanted.compressed && (await contentOf(file)) === (await contentOf(wanted)))
      return index;
  }
  return -1;
}

/**
 * A file and its compressed successor have different inodes, but the shim gives them the same time of modification; with
 * the size of what is in it (the last four bytes of a gzip file, RFC 1952) that tells them from others.
 */
async function contentOf({ handle, compressed }: LogFile): Promise<string> {
  const { mtimeNs, size } = await handle.stat({ bigint: true });
  if (!compressed) return `${mtimeNs} ${size}`;
  const trailer = Buffer.alloc(4);
  await handle.read(trailer, 0, 4, Math.max(0, Number(size) - 4));
  return `${mtimeNs} ${trailer.readUInt32LE()}`;
}

/** N of every `.N` and `.N.gz` that is there. */
async function numbersOf(logPath: string): Promise<number[]> {
  const prefix = `${path.basename(logPath)}.`;
  const numbers: number[] = [];
  for (const name of await readdir(path.dirname(logPath))) {
    const match = name.startsWith(prefix) ? /^(\d+)(?:\.gz)?$/.exec(name.slice(prefix.length)) : null;
    if (match) numbers.push(Number(match[1]));
  }
  return numbers;
}
