import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArchiveIndex } from './archive-index.ts';
import { readArchiveManifest, type ArchivedImage } from './archive-manifest.ts';
import { contentError } from './content-error.ts';
import { decompress, type ByteSource } from './decompress.ts';
import { ingestAll } from './ingest-layers.ts';
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
 * Loads every image of a `docker save` archive or OCI layout tar, compressed or not. The archive is spooled to a
 * file (its parts come in any order) that is removed whatever happens, after a crash by the next start. Throws invalid-argument for
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
    await unlink(archive.file);
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
    await unlink(file).catch(() => undefined);
    throw contentError(error, signal);
  }
}

/** Layers that are unpacked at once; each keeps a decoder and a writer busy. */
const PARALLEL_LAYERS = Math.max(2, os.availableParallelism());

/** Holds one reference on each layer when it returns, none when it throws. */
async function loadLayers(
  { layers }: LoadDependencies,
  archive: ArchiveIndex,
  image: ArchivedImage,
  signal: AbortSignal,
  report: (progress: LoadProgress) => Promise<void>,
): Promise<void> {
  await ingestAll(layers, PARALLEL_LAYERS, signal, image.layers, (layer, index, stop) => {
    const { entry, digest } = layer;
    const diffId = image.config.rootfs.diff_ids[index] ?? '';
    const total = archive.sizeOf(entry);
    const told = (current: number) => report({ kind: 'layer', diffId, current, total });
    return layers.ingest({ diffId, digest, signal: stop, report: told }, archive.part(entry));
  });
}
