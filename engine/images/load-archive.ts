import { invalidArgument } from '../lib/errors.ts';
import { archiveEntries, type ArchiveEntry } from './archive-entries.ts';
import { ArchiveIntake } from './archive-intake.ts';
import { readArchiveManifest, type ArchivedImage } from './archive-manifest.ts';
import { contentError } from './content-error.ts';
import { decompress, type ByteSource } from './decompress.ts';
import type { LayerStore } from './layer-store.ts';
import type { Reference } from './reference.ts';

/** Told while an archive is loaded. */
export type LoadProgress =
  /** Bytes of one layer's archive entry taken so far; `name` is what the archive calls it. */
  | { kind: 'layer'; name: string; current: number; total: number }
  | { kind: 'loaded'; image: ArchivedImage; replaced: ReplacedName[] };

/** A name that another image had until now. */
export interface ReplacedName {
  reference: Reference;
  /** The other image. */
  id: string;
}

interface LoadDependencies {
  layers: LayerStore;
  /** `<data-root>/tmp` */
  temporary: string;
  /** Makes an unpacked image known; takes over one reference on each of its layers. */
  register: (image: ArchivedImage) => Promise<ReplacedName[]>;
}

/**
 * Loads every image of a `docker save` archive or OCI layout tar, compressed or not, in one pass: layers are stored as
 * they arrive, which images they are of is known at the end. Throws invalid-argument for damaged archives, no-space,
 * cancelled; nothing is left of an image that is not whole.
 */
export async function loadArchive(
  { layers, temporary, register }: LoadDependencies,
  source: ByteSource,
  signal: AbortSignal,
  report: (progress: LoadProgress) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const intake = new ArchiveIntake({
    layers,
    temporary,
    signal: AbortSignal.any([signal, failed.signal]),
    watch: ({ name, sizeBytes }: ArchiveEntry, current) =>
      report({ kind: 'layer', name, current, total: sizeBytes }),
  });
  try {
    for await (const entry of archiveEntries(decompress(source))) await intake.take(entry);
    for (const image of readArchiveManifest(intake)) {
      await holdLayers(layers, intake, image);
      const replaced = await register(image);
      await report({ kind: 'loaded', image, replaced });
    }
  } catch (error) {
    failed.abort();
    throw contentError(signal.aborted ? signal.reason : error, signal);
  } finally {
    await intake.close();
  }
}

/** Holds one reference on each layer of the image when it returns, none when it throws. */
async function holdLayers(layers: LayerStore, intake: ArchiveIntake, image: ArchivedImage): Promise<void> {
  const found: string[] = [];
  for (const [index, { entry, digest }] of image.layers.entries()) {
    const wanted = image.config.rootfs.diff_ids[index];
    const { diffId, blobs } = await intake.layer(entry);
    if (diffId !== wanted)
      throw invalidArgument(`invalid layer: its content is ${diffId}, the image says ${wanted}`);
    if (digest !== undefined && digest !== diffId && !blobs.some((blob) => blob.digest === digest))
      throw invalidArgument(`invalid archive: ${entry} is damaged, its digest is not ${digest}`);
    found.push(diffId);
  }
  for (const diffId of found) layers.acquire(diffId);
}
