import { EntryReader, type ReadFrom } from './entry-reader.ts';
import type { LogFile } from './log-files.ts';
import { createEntryView, type LogFormat } from './log-format.ts';

const BLOCK_BYTES = 256 * 1024;

/** Where the last `count` entries begin: index into `files` and place in that file. Looked for from the ends. */
export async function findTail(
  files: readonly LogFile[],
  format: LogFormat,
  count: number,
): Promise<ReadFrom & { index: number }> {
  let missing = count;
  for (let index = files.length - 1; index >= 0; index -= 1) {
    const file = files[index] as LogFile;
    const found = await findLast(file, format, missing);
    if (found.entries >= missing || index === 0) return { index, offset: found.offset, skip: found.skip };
    missing -= found.entries;
  }
  return { index: 0, offset: 0, skip: 0 };
}

interface Found extends ReadFrom {
  entries: number;
}

async function findLast(file: LogFile, format: LogFormat, count: number): Promise<Found> {
  if (count === 0)
    return { offset: await contentEnd(file), skip: file.compressed ? Infinity : 0, entries: 0 };
  const backwards = file.compressed ? undefined : await lookBackwards(file, format, count);
  return backwards ?? countForwards(file, format, count);
}

async function contentEnd({ handle, compressed }: LogFile): Promise<number> {
  return compressed ? 0 : (await handle.stat()).size;
}

/** undefined: the end of the file is torn, or an entry is larger than a block. */
async function lookBackwards(
  { handle }: LogFile,
  format: LogFormat,
  count: number,
): Promise<Found | undefined> {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let entries = 0;
  let end = (await handle.stat()).size;
  while (end > 0 && entries < count) {
    const from = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - from, from);
    const found = format.lastEntries(block, bytesRead, count - entries, from === 0);
    if (found.entries === 0) return undefined;
    entries += found.entries;
    end = from + found.start;
  }
  return { offset: end, skip: 0, entries };
}

async function countForwards(file: LogFile, format: LogFormat, count: number): Promise<Found> {
  const reader = new EntryReader(file, format, { offset: 0, skip: 0 });
  const view = createEntryView();
  let total = 0;
  const add = (): boolean => {
    total += 1;
    return true;
  };
  try {
    while (await reader.next(view, add));
  } finally {
    await reader.close();
  }
  const entries = Math.min(count, total);
  return { offset: 0, skip: total - entries, entries };
}
