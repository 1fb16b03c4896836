import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../lib/errors.ts';
import type { Layer, LayerStore } from '../layer-store.ts';
import { isForeign, type Descriptor } from './manifest.ts';
import { throttled, type LayerProgress } from './progress.ts';
import { RegistryError } from './registry-error.ts';
import type { Repository } from './repository.ts';
import { readResumableBlob } from './resumable-blob.ts';
import { SharedTransfers } from './shared-transfers.ts';
import { Slots } from './slots.ts';

export interface LayerDownload {
  repository: Repository;
  descriptor: Descriptor;
  diffId: string;
  /** A foreign layer's content from one of its own URLs. */
  openUrl: (url: string, offset: number, signal: AbortSignal) => Promise<IncomingMessage>;
}

/** Layers fetched at once by all pulls together, as dockerd's --max-concurrent-downloads. */
const PARALLEL_DOWNLOADS = 3;

/** Brings layers from registries into the store; a layer that several pulls want is fetched once. */
export class LayerDownloads {
  readonly #layers: LayerStore;
  readonly #transfers: SharedTransfers<Layer>;
  readonly #slots = new Slots(PARALLEL_DOWNLOADS);

  constructor(layers: LayerStore) {
    this.#layers = layers;
    this.#transfers = new SharedTransfers({
      take: ({ diffId }) => layers.acquire(diffId),
      release: ({ diffId }) => layers.release(diffId),
    });
  }

  /** Resolves with one reference taken on the layer. */
  fetch(
    download: LayerDownload,
    signal: AbortSignal,
    watch: (progress: LayerProgress) => void,
  ): Promise<Layer> {
    return this.#transfers.run(download.diffId, signal, watch, (report, stop) => {
      if (this.#slots.full) report({ status: 'Waiting' });
      return this.#slots.run(stop, () => this.#ingest(download, throttled(report), stop));
    });
  }

  async #ingest(
    download: LayerDownload,
    report: (progress: LayerProgress) => void,
    signal: AbortSignal,
  ): Promise<Layer> {
    const { descriptor, diffId } = download;
    const { digest, size: total } = descriptor;
    const progress = { interrupted: false };
    const attempt = (): Promise<Layer> => {
      const source = readResumableBlob({
        descriptor,
        signal,
        open: (offset, stop) => {
          progress.interrupted ||= offset > 0;
          return openLayer(download, offset, stop);
        },
        retrying: (seconds) => report({ status: `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}` }),
      });
      const counted = (current: number): void => {
        report({ status: 'Downloading', current, total });
        if (current !== total) return;
        for (const status of ['Verifying Checksum', 'Download complete']) report({ status });
        report({ status: 'Extracting', current, total });
      };
      return this.#layers.ingest({ diffId, digest, signal, report: counted }, source);
    };
    try {
      const layer = await attempt().catch((error: unknown) => {
        // Pieces of two answers may not belong together: once more, from the start.
        const isDamaged = error instanceof EngineError && error.kind === 'invalid-argument';
        if (!isDamaged || !progress.interrupted || signal.aborted) throw error;
        return attempt();
      });
      report({ status: 'Pull complete' });
      return layer;
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'BLOB_UNKNOWN')
        throw new RegistryError('unknown blob', { code: 'BLOB_UNKNOWN', cause: error });
      throw error;
    }
  }
}

/** A foreign layer is looked for in the registry first: many keep it all the same. */
async function openLayer(
  { repository, descriptor, openUrl }: LayerDownload,
  offset: number,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  try {
    return await repository.openBlob(descriptor.digest, offset, signal);
  } catch (error) {
    const isMissing = error instanceof RegistryError && error.status === 404;
    if (!isMissing || !isForeign(descriptor) || descriptor.urls.length === 0) throw error;
    let failure: unknown = error;
    for (const url of descriptor.urls) {
      try {
        return await openUrl(url, offset, signal);
      } catch (reason) {
        if (signal.aborted) throw reason;
        failure = reason;
      }
    }
    throw failure;
  }
}
