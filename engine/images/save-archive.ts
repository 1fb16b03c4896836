import { paddingOf } from '../tar/tar-entry.ts';
import { TAR_END, rootTarHeader } from '../tar/tar-header.ts';
import { EngineError, notFound } from '../lib/errors.ts';
import { digestOf } from './blob-store.ts';
import type { ByteSource } from './decompress.ts';
import { createdSeconds } from './describe-image.ts';
import type { CatalogImage, ImageCatalog } from './image-catalog.ts';
import type { ImageParts } from './images.ts';
import { chainIds } from './layer-store.ts';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
} from './reference.ts';

/** One image to save and the names it is saved under. */
interface SavedImage {
  image: CatalogImage;
  tags: Reference[];
}

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

const blobName = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

/**
 * `docker save`: an archive that is Docker's (manifest.json, repositories) and an OCI layout at once, with every layer
 * and configuration once. A repository without tag stands for all its tags. Throws not-found before the first byte is
 * made; nothing of the images is removed until the archive is written.
 */
export async function saveImages(parts: ImageParts, names: readonly string[]): Promise<ByteSource> {
  const chosen = chooseImages(parts.catalog, names);
  const held = chosen.flatMap(({ image }) => image.layers);
  for (const diffId of held) parts.layers.acquire(diffId);
  const release = async (): Promise<void> => {
    for (const diffId of held) await parts.layers.release(diffId);
  };
  try {
    // After the head is sent nothing could be said any more.
    for (const diffId of held) if (!parts.layers.keepsTar(diffId)) parts.layers.readTar(diffId);
    const configs = new Map<string, Uint8Array>();
    for (const { image } of chosen) configs.set(image.id, await readConfig(parts, image));
    for (const { image } of chosen)
      parts.events.publish({
        type: 'image',
        action: 'save',
        actor: { id: image.id, attributes: { name: image.id } },
      });
    return writeArchive(parts, chosen, configs, release);
  } catch (error) {
    await release();
    throw error;
  }
}

function chooseImages(catalog: ImageCatalog, names: readonly string[]): SavedImage[] {
  const chosen = new Map<string, SavedImage>();
  const add = (image: CatalogImage, tags: Reference[]): void => {
    const saved = chosen.get(image.id) ?? { image, tags: [] };
    const known = new Set(saved.tags.map(formatReference));
    saved.tags.push(...tags.filter((tag) => !known.has(formatReference(tag))));
    chosen.set(image.id, saved);
  };
  for (const name of names) {
    const reference = parseName(name);
    const tagged = reference && reference.tag === undefined && reference.digest === undefined;
    const all = tagged ? catalog.taggedAs(reference.name) : [];
    for (const { image, reference: tag } of all) add(image, [tag]);
    if (all.length > 0) continue;
    const named = reference && !tagged ? catalog.byReference(reference) : undefined;
    if (reference && !tagged && !named) throw notFound('reference does not exist');
    const tags = named && reference?.digest === undefined && reference ? [reference] : [];
    add(named ?? catalog.find(name), tags);
  }
  return [...chosen.values()];
}

/** undefined: it can only be an ID. */
function parseName(name: string): Reference | undefined {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(name) || name.startsWith('sha256:')) return undefined;
  return parseReference(name);
}

async function readConfig({ blobs }: ImageParts, { id }: CatalogImage): Promise<Uint8Array> {
  const config = await blobs.get(id);
  if (!config) throw new EngineError('internal', `the configuration of image ${id} is missing or damaged`);
  return config;
}

async function* writeArchive(
  parts: ImageParts,
  chosen: readonly SavedImage[],
  configs: ReadonlyMap<string, Uint8Array>,
  release: () => Promise<void>,
): ByteSource {
  try {
    const manifests = chosen.map(({ image }) =>
      ociManifest(parts, image, configs.get(image.id)?.length ?? 0),
    );
    yield directory('blobs/');
    yield directory('blobs/sha256/');
    const written = new Set<string>();
    for (const [index, { image }] of chosen.entries()) {
      const modifiedAt = createdSeconds(image);
      for (const diffId of image.layers) {
        if (written.has(diffId)) continue;
        written.add(diffId);
        yield* layerFile(parts, diffId, modifiedAt);
      }
      yield* file(blobName(image.id), configs.get(image.id) ?? Buffer.alloc(0), modifiedAt);
      const manifest = manifests[index] ?? Buffer.alloc(0);
      yield* file(blobName(digestOf(manifest)), manifest);
    }
    yield* file('index.json', jsonBytes(ociIndex(chosen, manifests)));
    yield* file('manifest.json', jsonBytes(dockerManifest(chosen)));
    yield* file('oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' }));
    const repositories = legacyRepositories(chosen);
    if (Object.keys(repositories).length > 0) yield* file('repositories', jsonBytes(repositories));
    yield TAR_END;
  } finally {
    await release();
  }
}

const jsonBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function directory(name: string): Buffer {
  return rootTarHeader({ name, type: 'directory', size: 0, modifiedAt: 0 });
}

function* file(name: string, content: Uint8Array, modifiedAt = 0): Generator<Uint8Array> {
  yield rootTarHeader({ name, type: 'file', size: content.length, modifiedAt });
  yield content;
  yield Buffer.alloc(paddingOf(content.length));
}

async function* layerFile({ layers }: ImageParts, diffId: string, modifiedAt: number): ByteSource {
  const sizeBytes = layers.get(diffId)?.tarBytes ?? 0;
  yield rootTarHeader({ name: blobName(diffId), type: 'file', size: sizeBytes, modifiedAt });
  yield* layers.readTar(diffId);
  yield Buffer.alloc(paddingOf(sizeBytes));
}

function ociManifest({ layers }: ImageParts, image: CatalogImage, configBytes: number): Buffer {
  return jsonBytes({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: image.id, size: configBytes },
    layers: image.layers.map((diffId) => ({
      mediaType: LAYER_TYPE,
      digest: diffId,
      size: layers.get(diffId)?.tarBytes ?? 0,
    })),
  });
}

/** One descriptor for each name; an image without a name has one, too. */
function ociIndex(chosen: readonly SavedImage[], manifests: readonly Buffer[]): object {
  return {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: chosen.flatMap(({ tags }, index) => {
      const blob = manifests[index] ?? Buffer.alloc(0);
      const descriptor = { mediaType: MANIFEST_TYPE, digest: digestOf(blob), size: blob.length };
      if (tags.length === 0) return [descriptor];
      return tags.map((tag) => ({
        ...descriptor,
        annotations: {
          'io.containerd.image.name': formatReference(tag),
          'org.opencontainers.image.ref.name': tag.tag,
        },
      }));
    }),
  };
}

function dockerManifest(chosen: readonly SavedImage[]): object[] {
  return chosen.map(({ image, tags }) => ({
    Config: blobName(image.id),
    RepoTags: tags.length > 0 ? tags.map(formatFamiliar) : null,
    Layers: image.layers.map(blobName),
  }));
}

/** What engines before manifest.json read: repository → tag → an ID of the topmost layer. */
function legacyRepositories(chosen: readonly SavedImage[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, tags } of chosen) {
    const top = chainIds(image.layers).at(-1) ?? image.id;
    for (const { name, tag } of tags) {
      (repositories[familiarName(name)] ??= {})[tag ?? 'latest'] = top.slice('sha256:'.length);
    }
  }
  return repositories;
}
