import { EngineError, notFound } from '../../lib/errors.ts';
import type { CatalogImage } from '../image-catalog.ts';
import type { OciImageConfig } from '../image-store.ts';
import { registerImage, type ImageParts } from '../images.ts';
import { familiarName, formatFamiliar, formatReference, type Reference } from '../reference.ts';
import type { Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { remoteNameOf } from './endpoint.ts';
import type { KeptLayers } from './kept-layers.ts';
import type { LayerDownload, LayerDownloads } from './layer-downloads.ts';
import { formatPlatform, rankPlatform, type Platform } from './platform.ts';
import { layerMessage, type ProgressMessage } from './progress.ts';
import { errorFromResponse, RegistryError } from './registry-error.ts';
import type { RawManifest, Repository } from './repository.ts';
import { fetchConfig, platformOfConfig, resolveImage, type ImageManifest } from './resolve-image.ts';

export interface PullContext {
  parts: ImageParts;
  connections: Connections;
  downloads: LayerDownloads;
  kept: KeptLayers;
  host: Platform;
}

export interface PullRequest {
  /** Without tag and digest: every tag of the repository. */
  reference: Reference;
  /** undefined: as this machine. */
  platform: Platform | undefined;
  credentials: Credentials;
  signal: AbortSignal;
  tell: (message: ProgressMessage) => void;
}

/**
 * `docker pull`. An image becomes visible when every blob is verified; what was whole when a pull fails is kept for a
 * while. Throws not-found, unauthorized and others in Docker's words.
 */
export async function pullImage(context: PullContext, request: PullRequest): Promise<void> {
  const { reference, credentials, signal, tell } = request;
  const { name, tag, digest } = reference;
  try {
    const changed = await context.connections.withRepository(
      { name, credentials, actions: 'pull', signal },
      async (repository) => {
        const references =
          tag === undefined && digest === undefined
            ? (await repository.tags(signal)).map((each) => ({ name, tag: each, digest }))
            : [reference];
        let any = false;
        for (const each of references) any = (await pullOne(context, request, repository, each)) || any;
        return any;
      },
    );
    const what = changed ? 'Downloaded newer image' : 'Image is up to date';
    tell({ status: `Status: ${what} for ${formatFamiliar(reference)}` });
  } catch (error) {
    throw translate(error, reference, signal);
  }
  const actor = { id: formatFamiliar(reference), attributes: { name: familiarName(name) } };
  context.parts.events.publish({ type: 'image', action: 'pull', actor });
}

/** Resolves with whether anything is new. */
async function pullOne(
  context: PullContext,
  request: PullRequest,
  repository: Repository,
  reference: Reference,
): Promise<boolean> {
  const { catalog } = context.parts;
  const { signal, tell, platform } = request;
  const id = reference.digest === undefined ? (reference.tag ?? 'latest') : formatReference(reference);
  const pulling = { status: `Pulling from ${remoteNameOf(reference.name)}`, id };
  const before = catalog.byReference(reference);
  const current = before && (await digestIfCurrent(context, request, repository, reference, before));
  if (current !== undefined) {
    tell(pulling);
    tell({ status: `Digest: ${current}` });
    return false;
  }
  const { manifest, path } = await resolveImage(repository, reference, platform ?? context.host, signal);
  tell(pulling);
  const { image, config } = await bringImage(context, request, repository, manifest);
  const digest = path[0]?.digest ?? '';
  await registerImage(context.parts, {
    ...image,
    references: namesOf(reference, digest),
    manifests: path.map(({ mediaType, bytes }: RawManifest) => ({ mediaType, blob: bytes })),
  });
  tell({ status: `Digest: ${digest}` });
  warnOfPlatform(request, reference, config);
  return before?.id !== image.id;
}

function namesOf({ name, tag, digest: asked }: Reference, digest: string): Reference[] {
  const exact = { name, tag: undefined, digest };
  return asked === undefined ? [exact, { name, tag, digest: undefined }] : [exact];
}

/** Docker Hub counts what is fetched, not what is asked: a tag that did not move costs one HEAD. */
async function digestIfCurrent(
  { parts, host }: PullContext,
  { platform, signal }: PullRequest,
  repository: Repository,
  reference: Reference,
  image: CatalogImage,
): Promise<string | undefined> {
  if (rankPlatform(platformOfConfig(image.config), platform ?? host) !== 0) return undefined;
  if (reference.digest !== undefined) return reference.digest;
  const digest = await repository.manifestDigest(reference.tag ?? 'latest', signal);
  const known = parts.catalog
    .referencesOf(image.id)
    .some((other) => other.name === reference.name && other.digest === digest && digest !== undefined);
  return known ? digest : undefined;
}

/** The image's configuration and its layers, of each of which one reference is held when it resolves. */
async function bringImage(
  context: PullContext,
  request: PullRequest,
  repository: Repository,
  manifest: ImageManifest,
): Promise<{ image: { id: string; config: OciImageConfig; configBlob: Buffer }; config: OciImageConfig }> {
  const { catalog, layers, blobs } = context.parts;
  const id = manifest.config.digest;
  const known = catalog.byId(id);
  const knownBlob = known && (await blobs.get(id));
  if (known && knownBlob && catalog.byId(id) === known) {
    for (const diffId of known.layers) layers.acquire(diffId);
    return { image: { id, config: known.config, configBlob: Buffer.from(knownBlob) }, config: known.config };
  }
  const { blob, config } = await fetchConfig(repository, manifest, request.signal);
  await bringLayers(context, request, repository, manifest, config.rootfs.diff_ids);
  return { image: { id, config, configBlob: blob }, config };
}

/** Largest first, so that the last one to end is a small one; the first failure stops the others. */
async function bringLayers(
  context: PullContext,
  request: PullRequest,
  repository: Repository,
  manifest: ImageManifest,
  diffIds: string[],
): Promise<void> {
  const { layers } = context.parts;
  const failed = new AbortController();
  const stop = AbortSignal.any([request.signal, failed.signal]);
  const held: string[] = [];
  const missing = manifest.layers.flatMap((descriptor, index) => {
    const diffId = diffIds[index] ?? '';
    const id = descriptor.digest.slice('sha256:'.length, 'sha256:'.length + 12);
    const isHere = layers.get(diffId) !== undefined;
    request.tell(layerMessage(id, { status: isHere ? 'Already exists' : 'Pulling fs layer' }));
    if (!isHere) return [{ descriptor, diffId, id }];
    layers.acquire(diffId);
    held.push(diffId);
    return [];
  });
  const bring = async ({ descriptor, diffId, id }: (typeof missing)[number]): Promise<void> => {
    const download: LayerDownload = {
      repository,
      descriptor,
      diffId,
      openUrl: (url, offset, signal) => openUrl(context.connections, url, offset, signal),
    };
    await context.downloads.fetch(download, stop, (progress) => request.tell(layerMessage(id, progress)));
    held.push(diffId);
  };
  const running = missing
    .toSorted((a, b) => b.descriptor.size - a.descriptor.size)
    .map((layer) =>
      bring(layer).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
  const ended = await Promise.allSettled(running);
  const failure = ended.find((each) => each.status === 'rejected');
  if (!failure) return;
  // The first failure is why the others were stopped.
  const reason: unknown = failed.signal.reason ?? failure.reason;
  if (reason instanceof EngineError && reason.kind === 'no-space')
    for (const diffId of held) await layers.release(diffId);
  else context.kept.keep(held);
  throw reason;
}

/**
 * A foreign layer from its own place. SECURITY: a manifest names the URL, so no credential goes there, TLS is a must
 * and what comes is only believed when its digest is right.
 */
async function openUrl(connections: Connections, text: string, offset: number, signal: AbortSignal) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw new RegistryError('refused to fetch a foreign layer without TLS');
  const headers = offset > 0 ? { Range: `bytes=${offset}-` } : {};
  const client = await connections.clientFor(url.host);
  const response = await client.request({ method: 'GET', url, headers, signal });
  if (response.statusCode === 200 || response.statusCode === 206) return response;
  throw await errorFromResponse(response);
}

function warnOfPlatform({ platform, tell }: PullRequest, reference: Reference, config: OciImageConfig): void {
  if (!platform) return;
  const actual = platformOfConfig(config);
  if (rankPlatform(actual, platform) !== undefined) return;
  const shown = formatFamiliar(reference);
  tell({
    status: `WARNING: image with reference ${shown} was found but does not match the specified platform: wanted ${formatPlatform(platform)}, actual: ${formatPlatform(actual)}`,
  });
}

/** Docker's words for what a registry says of an image that is not there. */
function translate(error: unknown, reference: Reference, signal: AbortSignal): unknown {
  if (signal.aborted)
    return new EngineError('cancelled', 'the client closed the connection', { cause: error });
  if (!(error instanceof RegistryError)) return error;
  const familiar = familiarName(reference.name);
  if (error.code === 'DENIED') {
    return notFound(
      `pull access denied for ${familiar}, repository does not exist or may require 'docker login': ${error.message}`,
    );
  }
  if (error.code === 'MANIFEST_UNKNOWN')
    return notFound(`manifest for ${formatFamiliar(reference)} not found: ${error.message}`);
  if (error.code === 'NAME_UNKNOWN') return notFound(`repository ${familiar} not found: ${error.message}`);
  return error;
}
