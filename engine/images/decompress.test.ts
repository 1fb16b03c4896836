import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { compressGzip } from './decompress.ts';

/** Text that is neither all the same nor random, in pieces of the given size. */
function* content(bytes: number, pieceBytes: number): Generator<Buffer> {
  const block = createHash('sha512').update('seed').digest('hex');
  const text = Buffer.from(Array.from({ length: 999 }, (_, index) => `${index} ${block}\n`).join(''));
  const whole = Buffer.concat(Array.from({ length: Math.ceil(bytes / text.length) }, () => text));
  for (let at = 0; at < bytes; at += pieceBytes) yield whole.subarray(at, Math.min(bytes, at + pieceBytes));
}

async function* slowly(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    await new Promise(setImmediate);
    yield piece;
  }
}

test.each([
  ['little', 300_000],
  ['much', 9_000_000],
])('gzip of %s is the same however the content comes, and inflates to it', async (_name, bytes) => {
  const compressed = async (pieceBytes: number) =>
    buffer(compressGzip(slowly(content(bytes, pieceBytes)), bytes));
  const [whole, pieces] = await Promise.all([compressed(bytes), compressed(7_777)]);
  expect(pieces.equals(whole)).toBe(true);
  expect(gunzipSync(whole).equals(Buffer.concat([...content(bytes, bytes)]))).toBe(true);
});

test('a source that fails makes compressing fail with its error, whatever compresses', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield* slowly(content(100_000, 50_000));
    throw new Error('the disk is gone');
  }
  for (const bytes of [100_000, 9_000_000])
    await expect(buffer(compressGzip(broken(), bytes))).rejects.toThrow('the disk is gone');
});
