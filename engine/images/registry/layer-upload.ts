import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { compressGzip, type ByteSource } from '../decompress.ts';
import type { Layer, LayerStore } from '../layer-store.ts';
import { remoteNameOf } from './endpoint.ts';
import { mountSources, type LayerForm } from './known-forms.ts';
import { MEDIA_TYPES, type Descriptor } from './manifest.ts';
import { throttled, type LayerProgress } from './progress.ts';
import { RegistryError } from './registry-error.ts';
import { retryDelay } from './registry-session.ts';
import type { Repository, UploadLocation } from './repository.ts';

export interface LayerUpload {
  repository: Repository;
  /** Canonical name of the repository. */
  target: string;
  layer: Layer;
  forms: LayerForm[];
  layers: LayerStore;
  signal: AbortSignal;
  report: (progress: LayerProgress) => void;
}

/** A layer known in many forms and places is not looked for in all of them. */
const MAX_CHECKS = 3;
const MAX_MOUNTS = 3;
const MAX_ATTEMPTS = 5;

/** Sees to it that the repository has the layer, by the cheapest way, and says in which form. */
export async function uploadLayer(upload: LayerUpload): Promise<Descriptor> {
  const { repository, forms, report, signal } = upload;
  for (const { descriptor } of forms.slice(0, MAX_CHECKS)) {
    if (!(await repository.hasBlob(descriptor.digest, signal))) continue;
    report({ status: 'Layer already exists' });
    return descriptor;
  }
  const mounted = await mountLayer(upload);
  if (typeof mounted === 'object') return mounted;
  return sendLayer(upload, mounted);
}

/** The form that was mounted from another repository, or the upload that the registry began instead. */
async function mountLayer(upload: LayerUpload): Promise<Descriptor | UploadLocation | undefined> {
  const { repository, target, forms, signal, report } = upload;
  const candidates = forms
    .flatMap((form) => mountSources(form, target).map((source) => ({ descriptor: form.descriptor, source })))
    .slice(0, MAX_MOUNTS);
  let location: UploadLocation | undefined;
  for (const { descriptor, source } of candidates) {
    const from = remoteNameOf(source);
    try {
      const begun = await repository.startUpload({ digest: descriptor.digest, from }, signal);
      if (begun === undefined) {
        if (location !== undefined) await abandon(repository, location);
        report({ status: `Mounted from ${from}` });
        return descriptor;
      }
      if (location !== undefined) await abandon(repository, location);
      location = begun;
    } catch (error) {
      // Who may not read the other repository uploads: a mount is only a shortcut.
      if (!(error instanceof RegistryError) || signal.aborted) throw error;
    }
  }
  return location;
}

/** Best effort: registries forget such uploads by themselves, too. */
async function abandon(repository: Repository, location: UploadLocation): Promise<void> {
  await repository.cancelUpload(location, AbortSignal.timeout(5_000)).catch(() => undefined);
}

/**
 * Compresses and sends. A connection that breaks goes on where the registry has got to: compressing again makes the
 * same bytes.
 */
async function sendLayer(upload: LayerUpload, begun: UploadLocation | undefined): Promise<Descriptor> {
  const { repository, layer, layers, signal } = upload;
  const report = throttled((progress) => upload.report(progress));
  let location = begun ?? (await beginUpload(repository, signal));
  let received = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const content = compressLayer(layers, layer, (current) =>
        report({ status: 'Pushing', current, total: layer.tarBytes }),
      );
      location = await repository.sendPiece(location, content.from(received), undefined, signal);
      const descriptor = content.descriptor();
      await repository.finishUpload(location, descriptor.digest, signal);
      report({ status: 'Pushed' });
      return descriptor;
    } catch (error) {
      const waitMs = attempt === MAX_ATTEMPTS ? undefined : retryDelay(error, attempt);
      if (waitMs === undefined || signal.aborted) {
        await abandon(repository, location);
        throw error;
      }
      await delay(waitMs, undefined, { signal });
      const status = await repository.uploadStatus(location, signal);
      received = status?.received ?? 0;
      location = status?.location ?? (await beginUpload(repository, signal));
    }
  }
}

async function beginUpload(repository: Repository, signal: AbortSignal): Promise<UploadLocation> {
  const location = await repository.startUpload(undefined, signal);
  if (location === undefined) throw new RegistryError('the registry began no upload');
  return location;
}

/** A layer's gzip form; `counted` is told bytes of the tar. Once read to its end, its descriptor is known. */
function compressLayer(layers: LayerStore, layer: Layer, counted: (current: number) => void) {
  const hash = createHash('sha256');
  let size = 0;
  async function* tar(): ByteSource {
    let current = 0;
    for await (const chunk of layers.readTar(layer.diffId)) {
      yield chunk;
      current += chunk.length;
      counted(current);
    }
  }
  return {
    /** Without the first `offset` bytes, which are made all the same. */
    async *from(offset: number): ByteSource {
      for await (const chunk of compressGzip(tar(), layer.tarBytes)) {
        hash.update(chunk);
        const skipped = Math.min(chunk.length, Math.max(0, offset - size));
        size += chunk.length;
        if (skipped < chunk.length) yield chunk.subarray(skipped);
      }
    },
    descriptor: (): Descriptor => ({
      mediaType: MEDIA_TYPES.dockerLayer,
      digest: `sha256:${hash.digest('hex')}`,
      size,
      urls: [],
    }),
  };
}
