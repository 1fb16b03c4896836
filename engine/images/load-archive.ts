import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidArgument } from '../lib/errors.ts';
import { ArchiveIndex } from './archive-index.ts';
import { readArchiveManifest, type ArchivedImage } from './archive-manifest.ts';
import { contentError } from './content-error.ts';
import { decompress, type ByteSource } from './decompress.ts';
import type { LayerStore } from './layer-store.ts';

/** Told while an archive is loaded. */
export type LoadProgress =
  /** Bytes of one layer's archive entry read so far. */
  | { kind: 'layer'; diffId: string; current: number; total: number }
  | { kind: 'loaded'; image: ArchivedImage };

interface LoadDependencies {
  layers: LayerStore;
  /** `<data-root>/tmp` */
  temporary: string;
  /** Makes an unpacked image known; takes over one reference on each of its layers. */
  register(image: ArchivedImage): Promise<void>;
}

/**
 * Loads every image of a `docker save` archive or OCI layout tar, compressed or not. The archive is spooled to an
 * unlinked file (its parts come in any order), so nothing is left whatever happens. Throws invalid-argument for
 * damaged archives, no-space, cancelled.
 */
export async function loadArchive(
  dependencies: LoadDependencies,
  source: ByteSource,
  signal: AbortSignal,
  report: (progress: LoadProgress) => Promise<void>,
): Promise<void> {
  const archive = await spool(dependencies.temporary, source, signal);
  try {
    const images = await readArchiveManifest(archive);
    for (const image of images) {
      await loadLayers(dependencies, archive, image, signal, report);
      await dependencies.register(image);
      await report({ kind: 'loaded', image });
    }
  } finally {
    await archive.close();
  }
}

async function spool(temporary: string, source: ByteSource, signal: AbortSignal): Promise<ArchiveIndex> {
  const file = path.join(temporary, `load-${randomBytes(8).toString('hex')}`);
  try {
    await pipeline(
      Readable.from(decompress(source), { objectMode: false }),
      createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: 1024 * 1024 }),
      { signal },
    );
    return await ArchiveIndex.open(file);
  } catch (error) {
    throw contentError(error, signal);
  } finally {
    await unlink(file).catch(() => undefined);
  }
}

/** Holds one reference on each layer when it returns, none when it throws. */
async function loadLayers(
  { layers }: LoadDependencies,
  archive: ArchiveIndex,
  image: ArchivedImage,
  signal: AbortSignal,
  report: (progress: LoadProgress) => Promise<void>,
): Promise<void> {
  const held: string[] = [];
  try {
    for (const [index, { entry, digest }] of image.layers.entries()) {
      const diffId = image.config.rootfs.diff_ids[index] ?? '';
      const total = archive.sizeOf(entry);
      const raw = archive.stream(entry);
      const verified = digest === undefined ? raw : verifyDigest(raw, entry, digest);
      const counted = countBytes(verified, (current) => report({ kind: 'layer', diffId, current, total }));
      const layer = await layers.create({ parent: held.at(-1), diffId, signal }, decompress(counted));
      held.push(layer.chainId);
    }
  } catch (error) {
    for (const chainId of held.toReversed()) await layers.release(chainId);
    throw contentError(error, signal);
  }
}

async function* countBytes(source: ByteSource, report: (current: number) => Promise<void>): ByteSource {
  let current = 0;
  for await (const chunk of source) {
    current += chunk.length;
    yield chunk;
    await report(current);
  }
}

async function* verifyDigest(source: ByteSource, entry: string, digest: string): ByteSource {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest)
    throw invalidArgument(`invalid archive: ${entry} is damaged, its digest is ${actual}`);
}
