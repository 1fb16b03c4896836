import { statfs } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import { contentError } from './content-error.ts';
import { compressZstd, decompress, type ByteSource } from './decompress.ts';
import type { LayerLimits } from './layer-worker.ts';
import { sendBytes, streamTar } from './native-archive.ts';
import { NativeError } from './native-process.ts';

/** Directories of the engine as whole archives and back. */
export interface TreeArchives {
  /** A tar, compressed with zstd, of the directory and everything in it; `begin` is called once there is something. */
  pack(directory: string, signal: AbortSignal, begin: () => Writable): Promise<void>;
  /**
   * A tar, compressed or not, becomes the content of an empty directory. Throws invalid-argument when the archive is
   * damaged, cut off, leaves the directory or is more than `limits` allow, no-space; what was made until then stays.
   */
  unpack(directory: string, source: ByteSource, signal: AbortSignal): Promise<void>;
}

export function createTreeArchives({
  binary,
  limits,
}: {
  binary: string;
  limits: LayerLimits;
}): TreeArchives {
  return {
    async pack(directory, signal, begin) {
      const packed = compressZstd(streamTar(binary, ['archive-get', '--directory', directory, '/', '.']));
      try {
        const first = await packed.next();
        const sink = begin();
        if (!first.done) sink.write(first.value);
        // The sink is ended only after the tar was told to be whole: a cut archive must not look complete.
        await pipeline(Readable.from(packed, { objectMode: false }), sink, { signal, end: false });
        sink.end();
      } catch (error) {
        throw contentError(error, signal);
      } finally {
        await packed.return();
      }
    },
    async unpack(directory, source, signal) {
      const { bavail, bsize } = await statfs(directory);
      const bounded = decompressBounded(source, limits, bavail * bsize);
      const argv = ['archive-put', '--directory', directory, '/', 'whole'];
      await sendBytes(binary, argv, bounded, signal).catch((error: unknown) => {
        // No errno: the archive itself is at fault; the others are of names that cannot be made.
        if (
          error instanceof NativeError &&
          ['', 'EXDEV', 'ENAMETOOLONG', 'ENOENT', 'ELOOP'].includes(error.errno)
        )
          throw invalidArgument(error.message, { cause: error });
        throw error;
      });
    },
  };
}

/** SECURITY, archive bombs: what a small upload may become, and never more than there is room for. */
async function* decompressBounded(source: ByteSource, limits: LayerLimits, freeBytes: number): ByteSource {
  let packedBytes = 0;
  let plainBytes = 0;
  async function* counted(): ByteSource {
    for await (const part of source) {
      packedBytes += part.length;
      yield part;
    }
  }
  for await (const part of decompress(counted())) {
    plainBytes += part.length;
    if (plainBytes > freeBytes)
      throw new EngineError('no-space', `the archive holds more than the ${freeBytes} bytes that are free`);
    if (plainBytes > limits.maxBytes)
      throw invalidArgument(`the archive is larger than ${limits.maxBytes} bytes`);
    if (plainBytes > limits.ratioFromBytes && plainBytes > packedBytes * limits.maxRatio)
      throw invalidArgument(
        `the archive is more than ${limits.maxRatio} times as large as its ${packedBytes} bytes`,
      );
    yield part;
  }
}
