import { open, type FileHandle } from 'node:fs/promises';

const PART_BYTES = 64 << 10;

/** A file's first bytes, at most `mostBytes`; none where it cannot be read. Files of procfs have no size to go by. */
export async function readBounded(file: string, mostBytes: number): Promise<Buffer> {
  let handle: FileHandle | undefined;
  const parts: Buffer[] = [];
  try {
    handle = await open(file, 'r');
    for (let left = mostBytes; left > 0;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(PART_BYTES, left)));
      if (bytesRead === 0) break;
      parts.push(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    return Buffer.concat(parts);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await handle?.close();
  }
}
