import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import { isTarHeader, type ArchiveEntry } from './archive-entries.ts';
import { contentError } from './content-error.ts';
import { peekHead, type ByteSource } from './decompress.ts';
import type { FilePart } from './file-part.ts';
import { MAX_CONFIG_BYTES } from './image-config.ts';
import type { Layer, LayerStore } from './layer-store.ts';
import { BLOCK_BYTES } from '../tar/tar-entry.ts';
import { cleanName } from './clean-name.ts';
import { Slots } from './registry/slots.ts';

/** Told the bytes of a layer's entry that were taken so far. */
export type LayerWatcher = (entry: ArchiveEntry, current: number) => Promise<void>;

interface IntakeOptions {
  layers: LayerStore;
  /** For compressed layers on their way, which are inflated while the archive goes on. */
  temporary: string;
  signal: AbortSignal;
  watch: LayerWatcher;
}

/** All manifests and configurations of an archive together: they are kept in memory. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
const MAX_LINKS = 8;
const HEX_NAME = /^blobs\/sha256\/([0-9a-f]{64})$/;
/** Layers that are inflated at once. */
const PARALLEL_LAYERS = Math.max(2, os.availableParallelism());

/**
 * Takes an image archive in while it arrives, before anything is known of its images: what looks like a layer goes into
 * the layer store, small files are kept for the manifest, the rest is passed over. A layer that no image turns out to
 * need is given up by `close`, and its faults are nobody's.
 */
export class ArchiveIntake {
  readonly #options: IntakeOptions;
  readonly #files = new Map<string, Buffer>();
  readonly #links = new Map<string, string>();
  readonly #layers = new Map<string, Promise<Layer>>();
  readonly #slots = new Slots(PARALLEL_LAYERS);
  #keptBytes = 0;
  /** A full disk concerns the whole archive. */
  #full: EngineError | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Resolves when the entry's bytes are taken; a layer may still be on its way into the store. */
  async take(entry: ArchiveEntry): Promise<void> {
    if (this.#full) throw this.#full;
    if (entry.link !== undefined) this.#links.set(entry.name, entry.link);
    if (entry.sizeBytes === 0) return;
    const { head, rest } = await peekHead(entry.content, BLOCK_BYTES);
    if (head.compression !== 'none') await this.#takeCompressed(entry, rest);
    else if (isTarHeader(head.bytes) || head.bytes.every((byte) => byte === 0))
      await this.#takeTar(entry, rest);
    else if (entry.sizeBytes <= MAX_CONFIG_BYTES) await this.#keep(entry, rest);
  }

  has(name: string): boolean {
    return this.#files.has(this.#resolve(name));
  }

  /** A whole small file. Throws invalid-argument where there is none. */
  read(name: string): Buffer {
    const data = this.#files.get(this.#resolve(name));
    if (!data) throw invalidArgument(`invalid archive: ${name} is missing`);
    return data;
  }

  /** The layer of an entry, which the intake holds a reference on until `close`. Throws what storing it threw. */
  async layer(name: string): Promise<Layer> {
    const layer = this.#layers.get(this.#resolve(name));
    if (!layer) throw invalidArgument(`invalid archive: ${name} is missing`);
    return layer;
  }

  /** Gives up all layers; after a failure first waits for those on their way. */
  async close(): Promise<void> {
    for (const result of await Promise.allSettled(this.#layers.values()))
      if (result.status === 'fulfilled') await this.#options.layers.release(result.value.diffId);
  }

  /** `docker save` of older engines links equal layers to each other. */
  #resolve(name: string): string {
    let resolved = cleanName(name);
    for (let links = 0; links < MAX_LINKS; links++) {
      const link = this.#links.get(resolved);
      if (link === undefined) return resolved;
      resolved = link;
    }
    return '';
  }

  async #keep({ name, sizeBytes }: ArchiveEntry, content: ByteSource): Promise<void> {
    this.#keptBytes += sizeBytes;
    if (this.#keptBytes > MAX_KEPT_BYTES)
      throw invalidArgument('invalid archive: its manifests and configurations are too large');
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    this.#files.set(name, Buffer.concat(chunks));
  }

  /** Stored as it arrives; the next entry need not wait until it is on disk. */
  async #takeTar(entry: ArchiveEntry, content: ByteSource): Promise<void> {
    if (this.#takeKnown(entry)) return;
    let taken = (): void => undefined;
    const wholly = new Promise<void>((resolve) => (taken = resolve));
    async function* told(): ByteSource {
      try {
        yield* content;
      } finally {
        taken();
      }
    }
    const report = (current: number): Promise<void> => this.#options.watch(entry, current);
    const stored = this.#ingest(entry, told(), report);
    this.#remember(entry.name, stored);
    await Promise.race([wholly, stored.catch(() => undefined)]);
  }

  /** Kept aside, so that several are inflated while the archive goes on. */
  async #takeCompressed(entry: ArchiveEntry, content: ByteSource): Promise<void> {
    if (this.#takeKnown(entry)) return;
    const { temporary, signal, watch } = this.#options;
    const file = path.join(temporary, `load-${randomBytes(8).toString('hex')}`);
    async function* told(): ByteSource {
      let current = 0;
      for await (const chunk of content) {
        current += chunk.length;
        yield chunk;
        await watch(entry, current);
      }
    }
    const remove = (): Promise<void> => unlink(file).catch(() => undefined);
    try {
      await pipeline(
        Readable.from(told(), { objectMode: false }),
        createWriteStream(file, { flags: 'wx', mode: 0o600 }),
        { signal },
      );
    } catch (error) {
      await remove();
      throw contentError(error, signal);
    }
    const part = { file, offset: 0, sizeBytes: entry.sizeBytes };
    const store = async (): Promise<Layer> => {
      try {
        return await this.#slots.run(signal, () => this.#ingest(entry, part));
      } finally {
        await remove();
      }
    };
    this.#remember(entry.name, store());
  }

  /** A blob whose name says that it is here already. */
  #takeKnown({ name }: ArchiveEntry): boolean {
    const { layers } = this.#options;
    const hex = HEX_NAME.exec(name)?.[1];
    const known = hex && (layers.get(`sha256:${hex}`) ?? layers.findBlob(`sha256:${hex}`));
    if (!known) return false;
    layers.acquire(known.diffId);
    this.#remember(name, Promise.resolve(known));
    return true;
  }

  #ingest(
    { name }: ArchiveEntry,
    content: ByteSource | FilePart,
    report?: (current: number) => Promise<void>,
  ): Promise<Layer> {
    const { layers, signal } = this.#options;
    const hex = HEX_NAME.exec(name)?.[1];
    const digest = hex === undefined ? undefined : `sha256:${hex}`;
    return layers.ingest({ digest, signal, report }, content);
  }

  #remember(name: string, layer: Promise<Layer>): void {
    layer.catch((error: unknown) => {
      // Of anything else only who needs the layer is told.
      if (error instanceof EngineError && error.kind === 'no-space') this.#full ??= error;
    });
    const previous = this.#layers.get(name);
    this.#layers.set(name, layer);
    void previous?.then(({ diffId }) => this.#options.layers.release(diffId)).catch(() => undefined);
  }
}
