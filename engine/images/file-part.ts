import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ByteSource } from './decompress.ts';

/** Bytes of a file that stays as it is while they are used. */
export interface FilePart {
  file: string;
  offset: number;
  sizeBytes: number;
}

const READ_BYTES = 1024 * 1024;

export function isFilePart(content: ByteSource | FilePart): content is FilePart {
  return 'file' in content;
}

export async function* readPart({ file, offset, sizeBytes }: FilePart): ByteSource {
  if (sizeBytes === 0) return;
  yield* createReadStream(file, {
    start: offset,
    end: offset + sizeBytes - 1,
    highWaterMark: READ_BYTES,
  }) as AsyncIterable<Uint8Array>;
}

/** Its first bytes, at most `count`. */
export async function headOf({ file, offset, sizeBytes }: FilePart, count: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(Math.min(count, sizeBytes));
    const { bytesRead } = await handle.read(head, 0, head.length, offset);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
