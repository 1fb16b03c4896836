import { EngineError, notFound } from '../../lib/errors.ts';
import { digestOf } from '../blob-store.ts';
import type { CatalogImage } from '../image-catalog.ts';
import type { ImageParts } from '../images.ts';
import { familiarName, formatFamiliar, type Reference } from '../reference.ts';
import type { Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { knownForms } from './known-forms.ts';
import { uploadLayer } from './layer-upload.ts';
import { isForeign, MEDIA_TYPES, parseManifest, type Descriptor } from './manifest.ts';
import { layerMessage, type ProgressMessage } from './progress.ts';
import { RegistryError } from './registry-error.ts';
import type { RawManifest, Repository } from './repository.ts';
import type { Slots } from './slots.ts';

export interface PushContext {
  parts: ImageParts;
  connections: Connections;
  /** Layers sent at once by all pushes together. */
  slots: Slots;
}

export interface PushRequest {
  /** Without a tag: every tag of the repository. */
  reference: Reference;
  credentials: Credentials;
  signal: AbortSignal;
  tell: (message: ProgressMessage) => void;
}

/** `docker push`. Throws in Docker's words, after a first message: clients look for failures in the stream. */
export async function pushImage(context: PushContext, request: PushRequest): Promise<void> {
  const { reference, credentials, signal, tell } = request;
  const { name } = reference;
  tell({ status: `The push refers to repository [${name}]` });
  const tagged = imagesToPush(context.parts, reference);
  try {
    await context.connections.withRepository(
      { name, credentials, actions: 'push,pull', signal },
      async (repository) => {
        for (const { tag, image } of tagged) await pushTag(context, request, repository, tag, image);
      },
    );
  } catch (error) {
    throw shown(error, signal);
  }
  const actor = { id: formatFamiliar(reference), attributes: { name: familiarName(name) } };
  context.parts.events.publish({ type: 'image', action: 'push', actor });
}

function imagesToPush({ catalog }: ImageParts, reference: Reference): { tag: string; image: CatalogImage }[] {
  const { name, tag: wanted, digest } = reference;
  if (digest !== undefined) throw notFound('cannot push a digest reference');
  const named = catalog
    .all()
    .flatMap((image) => catalog.referencesOf(image.id).map((each) => ({ ...each, image })))
    .filter((each) => each.name === name);
  if (named.length === 0)
    throw notFound(`An image does not exist locally with the tag: ${familiarName(name)}`);
  const tagged = named.flatMap(({ tag, image }) => (tag === undefined ? [] : [{ tag, image }]));
  if (wanted === undefined) {
    if (tagged.length === 0) throw notFound(`no tags to push for ${familiarName(name)}`);
    return tagged.toSorted((a, b) => a.tag.localeCompare(b.tag));
  }
  const found = tagged.filter(({ tag }) => tag === wanted);
  if (found.length === 0) throw notFound(`tag does not exist: ${formatFamiliar(reference)}`);
  return found;
}

async function pushTag(
  context: PushContext,
  request: PushRequest,
  repository: Repository,
  tag: string,
  image: CatalogImage,
): Promise<void> {
  const { catalog, layers, blobs, changes } = context.parts;
  const { reference, signal, tell } = request;
  if (catalog.byId(image.id) !== image) throw notFound(`No such image: ${image.id}`);
  const held = image.layers;
  for (const diffId of held) layers.acquire(diffId);
  try {
    const descriptors = await pushLayers(context, request, repository, image);
    const config = await blobs.get(image.id);
    if (!config) throw new EngineError('internal', `the configuration of ${image.id} is missing or damaged`);
    await repository.putBlob(Buffer.from(config), signal);
    const manifest = await manifestOf(context.parts, image, Buffer.from(config), descriptors);
    await repository.putManifest(tag, manifest, signal);
    const { digest, mediaType, bytes } = manifest;
    await changes.run(async () => {
      await blobs.put(bytes);
      const exact = { name: reference.name, tag: undefined, digest };
      await catalog.addDigest(exact, image.id, [{ digest, mediaType, sizeBytes: bytes.length }]);
    });
    tell({ status: `${tag}: digest: ${digest} size: ${bytes.length}` });
    tell({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: bytes.length } });
  } finally {
    for (const diffId of held) await layers.release(diffId);
  }
}

/** In the image's order; topmost first on the screen, as Docker shows them. */
async function pushLayers(
  context: PushContext,
  request: PushRequest,
  repository: Repository,
  image: CatalogImage,
): Promise<Descriptor[]> {
  const { parts, slots } = context;
  const { tell, reference } = request;
  const forms = await knownForms(parts, image.id);
  const failed = new AbortController();
  const signal = AbortSignal.any([request.signal, failed.signal]);
  const unique = [...new Set(image.layers)].toReversed();
  const idOf = (diffId: string): string => diffId.slice('sha256:'.length, 'sha256:'.length + 12);
  for (const diffId of unique) tell(layerMessage(idOf(diffId), { status: 'Preparing' }));
  const found = new Map<string, Descriptor>();
  const push = async (diffId: string): Promise<void> => {
    const report = (progress: Parameters<typeof layerMessage>[1]): void =>
      tell(layerMessage(idOf(diffId), progress));
    const layer = parts.layers.get(diffId);
    if (!layer) throw new EngineError('internal', `layer ${diffId} does not exist`);
    if (slots.full) report({ status: 'Waiting' });
    const known = forms.get(diffId) ?? [];
    const foreign = known.find(({ descriptor }) => isForeign(descriptor));
    if (foreign) {
      // Its licence keeps it out of registries: the manifest says where it is.
      report({ status: 'Skipped foreign layer' });
      found.set(diffId, foreign.descriptor);
      return;
    }
    const upload = { repository, target: reference.name, layer, forms: known, layers: parts.layers, signal };
    const descriptor = await slots.run(signal, () => uploadLayer({ ...upload, report }));
    found.set(diffId, descriptor);
    // Not in the slot: the next layer need not wait for the disk.
    const { digest, size: sizeBytes } = descriptor;
    if (!known.some((form) => form.descriptor.digest === digest))
      await parts.layers.addBlob(diffId, { digest, sizeBytes });
  };
  const running = unique.map((diffId) =>
    push(diffId).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(running);
  if (failed.signal.aborted) throw failed.signal.reason;
  return image.layers.flatMap((diffId) => found.get(diffId) ?? []);
}

/** One that the image came with when it still fits, so that its digest stays; else Docker's schema 2, or OCI's. */
async function manifestOf(
  { blobs }: ImageParts,
  image: CatalogImage,
  config: Buffer,
  layers: Descriptor[],
): Promise<RawManifest> {
  for (const { digest, mediaType } of image.manifests.toReversed()) {
    const bytes = await blobs.get(digest);
    const manifest = bytes && parseManifest(bytes, mediaType, image.id);
    if (manifest?.kind !== 'image') continue;
    const fits = manifest.layers.every((layer, index) => layer.digest === layers[index]?.digest);
    if (fits && manifest.config.digest === image.id)
      return { mediaType: manifest.mediaType, digest, bytes: Buffer.from(bytes ?? []) };
  }
  const isOci = layers.some(({ mediaType }) => mediaType.endsWith('zstd'));
  const mediaType = isOci ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.dockerManifest;
  const value = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: isOci ? 'application/vnd.oci.image.config.v1+json' : MEDIA_TYPES.dockerConfig,
      size: config.length,
      digest: image.id,
    },
    layers: layers.map((layer) => ({
      mediaType: layerType(layer.mediaType, isOci),
      size: layer.size,
      digest: layer.digest,
      ...(layer.urls.length > 0 ? { urls: layer.urls } : {}),
    })),
  };
  // Docker's very bytes, so that the same image gets the same digest from either.
  const bytes = Buffer.from(JSON.stringify(value, undefined, 3));
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** A layer's media type in the family of the manifest that lists it. */
function layerType(mediaType: string, isOci: boolean): string {
  const compression = /(gzip|zstd)$/.exec(mediaType)?.[1];
  const foreign = mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.');
  if (isOci) {
    const base = `application/vnd.oci.image.layer.${foreign ? 'nondistributable.' : ''}v1.tar`;
    return compression === undefined ? base : `${base}+${compression}`;
  }
  const base = `application/vnd.docker.image.rootfs.${foreign ? 'foreign.' : ''}diff.tar`;
  return compression === undefined ? base : `${base}.${compression}`;
}

function shown(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted)
    return new EngineError('cancelled', 'the client closed the connection', { cause: error });
  return error instanceof RegistryError && error.bare !== error.message
    ? new EngineError(error.kind, error.bare, { cause: error })
    : error;
}
