import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { EventPublisher } from '../events/events.ts';
import { conflict, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Mutex } from '../lib/mutex.ts';
import type { ArchivedImage } from './archive-manifest.ts';
import { BlobStore } from './blob-store.ts';
import type { ByteSource } from './decompress.ts';
import { ImageCatalog, type CatalogImage, type ManifestInfo } from './image-catalog.ts';
import type { ImageLookup, ImageUsers, OciImageConfig } from './image-store.ts';
import { overlayLowers, type LayerStore } from './layer-store.ts';
import type { LayerLimits } from './layer-worker.ts';
import { loadArchive, type LoadProgress, type ReplacedName } from './load-archive.ts';
import { formatFamiliar, parseReference, withDefaultTag, type Reference } from './reference.ts';
import { StoredLayers } from './stored-layers.ts';
import { Trash } from './trash.ts';

interface ImagesOptions {
  dataRoot: string;
  /** The native helper. */
  binary: string;
  /** Where there is a faster one for layers. */
  layerBinary?: string | undefined;
  events: EventPublisher;
  logger: Logger;
  /** How new layers are kept; `auto`: as images where the kernel takes them. */
  layerForm: 'auto' | 'image' | 'directory';
  layerLimits: LayerLimits;
  /** `Runtime.runTask` */
  runTask: (argv: string[]) => Promise<void>;
  /** `Runtime.forgetLayer` */
  forgetLayer: (lower: string) => void;
}

/** The parts of the domain that its operations (remove, prune, list, …) work on. */
export interface ImageParts {
  catalog: ImageCatalog;
  layers: LayerStore;
  blobs: BlobStore;
  temporary: string;
  /** Serialises changes of the catalog. */
  changes: Mutex;
  events: EventPublisher;
  users: ImageUsers;
}

export interface Images extends ImageLookup {
  start(): Promise<void>;
  /**
   * Removes what a crash left between a configuration or manifest and its image: some KiB, fetched again with the image.
   * Only before anything else happens: a pull writes its blobs first.
   */
  sweep(): Promise<void>;
  /** Waits for background removal. */
  close(): Promise<void>;
  /** Late-bound: containers are created after images. */
  setUsers(users: ImageUsers): void;
  load(
    source: ByteSource,
    signal: AbortSignal,
    report: (progress: LoadProgress) => Promise<void>,
  ): Promise<void>;
  /** Throws invalid-argument, not-found. */
  tag(image: string, repository: string, tag: string | undefined): Promise<void>;
  /**
   * Offers the bundled starter image: loaded once in the life of a data root, and only into an empty store, so a user
   * who deletes it does not get it back. A missing or damaged file is logged, no error.
   */
  ensureStarter(archiveFile: string): Promise<void>;
  readonly parts: ImageParts;
}

/** The image domain: content, layers, names. No I/O before `start`. */
export function createImages(options: ImagesOptions): Images {
  const { dataRoot, binary, layerBinary, events, logger, runTask } = options;
  const temporary = path.join(dataRoot, 'tmp', 'images');
  const trash = new Trash({ directory: path.join(dataRoot, 'trash'), runTask, logger });
  const blobs = new BlobStore(path.join(dataRoot, 'blobs'));
  const layers = new StoredLayers({
    root: path.join(dataRoot, 'layers'),
    temporary,
    trash,
    binary,
    layerBinary,
    form: options.layerForm,
    limits: options.layerLimits,
    runTask,
    forget: options.forgetLayer,
    logger,
  });
  const catalog = new ImageCatalog({ file: path.join(dataRoot, 'images.json'), blobs, layers, logger });
  const holds = new Map<string, Set<string>>();
  let containers: ImageUsers = { usersOf: () => [] };
  // A container that took hold is a user even before its record is written.
  const users: ImageUsers = {
    usersOf(id) {
      const known = containers.usersOf(id);
      const holders = [...(holds.get(id) ?? [])].filter(
        (holder) => !known.some((user) => user.id === holder),
      );
      return [...known, ...holders.map((holder) => ({ id: holder, name: '', running: false }))];
    },
  };
  const parts: ImageParts = { catalog, layers, blobs, temporary, changes: new Mutex(), events, users };

  const lowerDirectories = (imageId: string): string[] => {
    const image = catalog.byId(imageId);
    if (!image) throw notFound(`No such image: ${imageId}`);
    return overlayLowers(layers, image.layers);
  };

  const load: Images['load'] = (source, signal, report) => {
    const register = async (image: ArchivedImage): Promise<ReplacedName[]> => {
      const replaced = image.references.flatMap((reference) => {
        const id = catalog.byReference(reference)?.id;
        return id === undefined || id === image.id ? [] : [{ reference, id }];
      });
      await registerImage(parts, image);
      const actor = { id: image.id, attributes: { name: image.id } };
      events.publish({ type: 'image', action: 'load', actor });
      return replaced;
    };
    return loadArchive({ layers, temporary, register }, source, signal, report);
  };

  return {
    parts,
    async start() {
      await mkdir(temporary, { recursive: true, mode: 0o700 });
      await trash.start();
      for (const name of await readdir(temporary)) await trash.discard(path.join(temporary, name));
      await blobs.start();
      await layers.start();
      await catalog.start();
      await layers.sweep();
    },
    async sweep() {
      const needed = catalog.neededBlobs();
      for (const digest of await blobs.list()) if (!needed.has(digest)) await blobs.remove(digest);
    },
    async close() {
      layers.close();
      await trash.settled();
    },
    setUsers(value) {
      containers = value;
    },
    get: (reference) => catalog.describe(catalog.find(reference)),
    list: () => catalog.all().map((image) => catalog.describe(image)),
    lowerDirectories,
    async hold(imageId, containerId) {
      const directories = lowerDirectories(imageId);
      const holders = holds.get(imageId) ?? new Set();
      holds.set(imageId, holders.add(containerId));
      return directories;
    },
    async release(imageId, containerId) {
      const holders = holds.get(imageId);
      holders?.delete(containerId);
      if (holders?.size === 0) holds.delete(imageId);
      if (!catalog.isDetached(imageId) || holds.has(imageId)) return;
      const others = users.usersOf(imageId).filter(({ id }) => id !== containerId);
      if (others.length === 0) await parts.changes.run(() => catalog.remove(imageId, false));
    },
    load,
    tag: (image, repository, tag) => tagImage(parts, image, repository, tag),
    async ensureStarter(archiveFile) {
      if (catalog.seeded) return;
      if (catalog.all().length === 0) {
        if (!existsSync(archiveFile)) return logger.info('no starter image', { path: archiveFile });
        const archive = createReadStream(archiveFile, { highWaterMark: 1024 * 1024 });
        try {
          await load(archive, new AbortController().signal, async () => undefined);
        } catch (error) {
          return logger.warn('the starter image could not be loaded', { error: messageOf(error) });
        }
      }
      catalog.seeded = true;
      await parts.changes.run(() => catalog.save());
    },
  };
}

/** An image whose layers are in the store. */
export interface ImageRegistration {
  /** Digest of `configBlob`. */
  id: string;
  config: OciImageConfig;
  configBlob: Uint8Array;
  /** The image it was made of (commit, build). */
  parent?: string;
  /** Names by tag, and `name@sha256:…` of one of the manifests. */
  references: readonly Reference[];
  /** Manifests and indexes to keep, exactly as they came. */
  manifests?: readonly { mediaType: string; blob: Uint8Array }[];
}

/**
 * Makes an image known under its names. The caller holds one reference on each of its layers (one for each place of a
 * layer that comes twice); they pass to the catalog, or are given up when this throws.
 */
export async function registerImage(parts: ImageParts, image: ImageRegistration): Promise<void> {
  const { catalog, blobs, layers, changes } = parts;
  await changes.run(async () => {
    let taken = false;
    try {
      const manifests = await putManifests(blobs, image);
      let added = false;
      await catalog.together(async () => {
        added = await catalog.add(image.id, image.config, image.parent);
        for (const reference of image.references) {
          if (reference.digest === undefined) await catalog.tag(reference, image.id);
          else await catalog.addDigest(reference, image.id, manifests);
        }
      });
      taken = added;
    } finally {
      if (!taken)
        for (const diffId of image.config.rootfs.diff_ids.toReversed()) await layers.release(diffId);
    }
  });
}

/** Keeps the configuration and the manifests, waiting once for the disk. */
async function putManifests(
  blobs: BlobStore,
  { configBlob, manifests = [] }: ImageRegistration,
): Promise<ManifestInfo[]> {
  const [, ...digests] = await Promise.all([
    blobs.put(configBlob),
    ...manifests.map(({ blob }) => blobs.put(blob)),
  ]);
  return manifests.map(({ mediaType, blob }, index) => ({
    digest: digests[index] ?? '',
    mediaType,
    sizeBytes: blob.length,
  }));
}

async function tagImage(parts: ImageParts, source: string, repository: string, tag: string | undefined) {
  const image = parts.catalog.find(source);
  const reference = parseReference(tag === undefined || tag === '' ? repository : `${repository}:${tag}`);
  if (repository === '') throw invalidArgument('invalid reference format');
  if (reference.digest !== undefined) throw conflict('refusing to create a tag with a digest reference');
  await parts.changes.run(() => parts.catalog.tag(withDefaultTag(reference), image.id));
  publishImage(parts, image, 'tag', formatFamiliar(withDefaultTag(reference)));
}

/** An event with Docker's attributes: labels, and the name or ID that the action was about. */
export function publishImage(
  { events }: Pick<ImageParts, 'events'>,
  { id, config }: Pick<CatalogImage, 'id' | 'config'>,
  action: string,
  name: string,
): void {
  events.publish({ type: 'image', action, actor: { id, attributes: { ...config.config?.Labels, name } } });
}
