import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { EngineError, invalidArgument, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { contentError } from './content-error.ts';
import { decompressAs, peekCompression, type ByteSource, type Compression } from './decompress.ts';
import { isFilePart, readPart, type FilePart } from './file-part.ts';
import {
  faultsOf,
  IMAGE_HEAD_BYTES,
  lowerOf,
  tarOf,
  treeFacts,
  treeTar,
  type LayerForm,
} from './layer-form.ts';
import type { Layer, LayerBlob, LayerRequest, LayerStore } from './layer-store.ts';
import { LayerWorkers, type LayerFacts, type LayerLimits } from './layer-worker.ts';
import { NativeError, startNative } from './native-process.ts';
import { isSha256 } from './reference.ts';
import type { Trash } from './trash.ts';

interface StoredLayersOptions {
  /** `<data-root>/layers` */
  root: string;
  /** Work in progress, on the same file system: `<data-root>/tmp` */
  temporary: string;
  trash: Trash;
  /** The native helper. */
  binary: string;
  /** One that is faster at layers and may not start everywhere: it needs shared libraries. */
  layerBinary: string | undefined;
  /** How new layers are kept; `auto`: as images where the kernel takes them. */
  form: 'auto' | 'image' | 'directory';
  limits: LayerLimits;
  /** `Runtime.runTask` */
  runTask: (argv: string[]) => Promise<void>;
  /** Told what `lower` named when it goes: whoever has it mounted lets go. */
  forget(lower: string): void;
  logger: Logger;
}

/** `meta.json` of a layer. */
interface Stored {
  form: LayerForm;
  layer: Layer;
  /** Of an image: over what is not its tar. */
  indexDigest?: string;
}

interface Entry extends Stored {
  references: number;
}

/** What the native helper can do on this machine (layer_probe.c). */
interface Abilities {
  gzip: boolean;
  zstd: boolean;
  images: boolean;
  reason: string;
}

const NO_ABILITIES: Abilities = { gzip: false, zstd: false, images: false, reason: '' };

/** Layers under `<root>/<hex of the diff-id>/`: meta.json and what layer-form.ts says. */
export class StoredLayers implements LayerStore {
  readonly #options: StoredLayersOptions;
  #workers: LayerWorkers;
  readonly #layers = new Map<string, Entry>();
  readonly #blobs = new Map<string, string>();
  /** The same layer is unpacked once, however many loads want it. */
  readonly #creating = new KeyedMutex();
  /** A name in the layers directory is given or taken away by one at a time. */
  readonly #naming = new KeyedMutex();
  #abilities = NO_ABILITIES;
  /** Adopted layers may not be on the disk yet. */
  #unsynced = false;

  constructor(options: StoredLayersOptions) {
    this.#options = options;
    this.#workers = new LayerWorkers(options.binary);
  }

  async start(): Promise<void> {
    const { root, logger } = this.#options;
    await mkdir(root, { recursive: true, mode: 0o700 });
    this.#abilities = await this.#probe();
    for (const name of await readdir(root)) {
      const stored = await readJson<Stored>(path.join(root, name, 'meta.json')).catch(() => undefined);
      if (stored && hexOf(stored.layer.diffId) === name) this.#remember(stored);
      else logger.warn('a layer without a valid meta.json is ignored', { name });
    }
    if (this.#newForm === 'directory') await this.#extractImages();
  }

  /** Images made under another kernel, or before directories were asked for: their tar is in them. */
  async #extractImages(): Promise<void> {
    const { logger, trash, limits } = this.#options;
    const signal = new AbortController().signal;
    for (const { form, layer } of this.#layers.values()) {
      if (form !== 'image') continue;
      const { diffId, tarBytes: sizeBytes } = layer;
      logger.info('a layer image is extracted', { diffId });
      const work = await this.#makeWorkDirectory();
      try {
        const content = { file: this.lower(diffId), offset: IMAGE_HEAD_BYTES, sizeBytes };
        const job = { work, form: 'directory' as const, compression: 'none' as const, limits, signal };
        const facts = await this.#workers.run({ ...job, content, report: undefined });
        if (facts.diffId !== diffId) throw new Error(`its tar is ${facts.diffId}`);
        const stored: Stored = { form: 'blob', layer };
        const place = this.#place(diffId);
        for (const name of ['diff', 'blob']) {
          // What an attempt left that was cut off: until meta.json says so, the image is the layer.
          await trash.discard(path.join(place, name));
          await rename(path.join(work, name), path.join(place, name));
        }
        await writeJsonAtomic(path.join(place, 'meta.json'), stored);
        await trash.discard(path.join(place, 'layer.erofs'));
        this.#remember(stored);
      } catch (error) {
        logger.error('a layer image could not be extracted', { diffId, error: messageOf(error) });
      } finally {
        await trash.discard(work);
      }
    }
  }

  async #makeWorkDirectory(): Promise<string> {
    const work = path.join(this.#options.temporary, `layer-${randomBytes(8).toString('hex')}`);
    await mkdir(work, { recursive: true, mode: 0o700 });
    return work;
  }

  close(): void {
    this.#workers.close();
  }

  get(diffId: string): Layer | undefined {
    return this.#layers.get(diffId)?.layer;
  }

  findBlob(digest: string): Layer | undefined {
    return this.get(this.#blobs.get(digest) ?? '');
  }

  list(): Layer[] {
    return [...this.#layers.values()].map(({ layer }) => layer);
  }

  lower(diffId: string): string {
    return lowerOf(this.#require(diffId).form, this.#place(diffId));
  }

  acquire(diffId: string): void {
    this.#require(diffId).references += 1;
  }

  async release(diffId: string): Promise<void> {
    const entry = this.#layers.get(diffId);
    if (!entry) return;
    entry.references -= 1;
    await this.#removeUnused(diffId);
  }

  async sweep(): Promise<void> {
    for (const diffId of this.#layers.keys()) await this.#removeUnused(diffId);
  }

  async ingest(request: LayerRequest, content: ByteSource | FilePart): Promise<Layer> {
    const { diffId } = request;
    if (diffId === undefined) return this.#store(request, content);
    return this.#creating.run(diffId, async () => {
      const existing = this.get(diffId);
      if (!existing) return this.#store(request, content);
      // In the same turn as the look: nobody can remove it in between.
      this.acquire(diffId);
      return existing;
    });
  }

  commit(upper: string, signal: AbortSignal): Promise<Layer> {
    return this.ingest({ signal }, treeTar(this.#options.binary, upper));
  }

  async adopt(upper: string, signal: AbortSignal): Promise<Layer> {
    const make = async (work: string): Promise<Stored> => {
      const diff = path.join(work, 'diff');
      await rename(upper, diff);
      const facts = await treeFacts(this.#options.binary, diff);
      const { diffId, tarBytes, bytes } = facts;
      return { form: 'tree', layer: { diffId, sizeBytes: bytes, tarBytes, blobs: [] } };
    };
    // Its files were written without a sync: nothing may name it for good before `sync`.
    this.#unsynced = true;
    return this.#inWorkDirectory(signal, make, 'lazily');
  }

  async sync(): Promise<void> {
    if (!this.#unsynced) return;
    this.#unsynced = false;
    try {
      await this.#options.runTask(['sync-filesystem', this.#options.root]);
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  async addBlob(diffId: string, blob: LayerBlob): Promise<void> {
    await this.#naming.run(diffId, async () => {
      const entry = this.#layers.get(diffId);
      if (!entry || entry.layer.blobs.some(({ digest }) => digest === blob.digest)) return;
      const layer = { ...entry.layer, blobs: [...entry.layer.blobs, blob] };
      const { form, indexDigest } = entry;
      const stored: Stored = { form, layer, ...(indexDigest === undefined ? {} : { indexDigest }) };
      await writeJsonAtomic(path.join(this.#place(diffId), 'meta.json'), stored);
      entry.layer = layer;
      this.#blobs.set(blob.digest, diffId);
    });
  }

  readTar(diffId: string): ByteSource {
    const { form, layer } = this.#require(diffId);
    return tarOf(form, { binary: this.#options.binary, place: this.#place(diffId), layer });
  }

  references(diffId: string): number {
    return this.#layers.get(diffId)?.references ?? 0;
  }

  keepsTar(diffId: string): boolean {
    return this.#require(diffId).form !== 'lost';
  }

  check(diffId: string): Promise<string[]> {
    const { form, layer, indexDigest } = this.#require(diffId);
    return faultsOf(form, { place: this.#place(diffId), tarBytes: layer.tarBytes, indexDigest });
  }

  async strays(): Promise<string[]> {
    const strays: string[] = [];
    for (const name of await readdir(this.#options.root)) {
      // Not while the name is being given or taken away.
      await this.#naming.run(`sha256:${name}`, async () => {
        const exists = await lstat(path.join(this.#options.root, name)).catch(() => undefined);
        if (exists && !this.#layers.has(`sha256:${name}`)) strays.push(name);
      });
    }
    return strays;
  }

  async discardStray(name: string): Promise<void> {
    await this.#naming.run(`sha256:${name}`, async () => {
      if (!this.#layers.has(`sha256:${name}`))
        await this.#options.trash.discard(path.join(this.#options.root, name));
    });
  }

  #require(diffId: string): Entry {
    const entry = this.#layers.get(diffId);
    if (!entry) throw new EngineError('internal', `layer ${diffId} does not exist`);
    return entry;
  }

  #place(diffId: string): string {
    return path.join(this.#options.root, hexOf(diffId));
  }

  #remember(stored: Stored): void {
    const { layer } = stored;
    this.#layers.set(layer.diffId, { ...stored, references: 0 });
    for (const { digest } of layer.blobs) this.#blobs.set(digest, layer.diffId);
  }

  async #removeUnused(diffId: string): Promise<void> {
    await this.#naming.run(diffId, async () => {
      const entry = this.#layers.get(diffId);
      if (!entry || entry.references > 0) return;
      this.#layers.delete(diffId);
      for (const { digest } of entry.layer.blobs) this.#blobs.delete(digest);
      this.#options.forget(lowerOf(entry.form, this.#place(diffId)));
      await this.#options.trash.discard(this.#place(diffId));
    });
  }

  /** Asks the kernel once; without an answer layers are directories, and what is compressed is inflated here. */
  async #probe(): Promise<Abilities> {
    const { binary, layerBinary, temporary, logger } = this.#options;
    try {
      const fast =
        layerBinary === undefined ? undefined : await probe(layerBinary, temporary).catch(() => undefined);
      if (fast && layerBinary !== undefined) this.#workers = new LayerWorkers(layerBinary);
      const abilities = fast ?? (await probe(binary, temporary));
      if (!abilities.images) logger.info('layers are kept as directories', { reason: abilities.reason });
      return abilities;
    } catch (error) {
      logger.warn('the native helper says nothing of layers', { error: messageOf(error) });
      return NO_ABILITIES;
    }
  }

  get #newForm(): 'image' | 'directory' {
    const { form } = this.#options;
    if (form !== 'auto') return form;
    return this.#abilities.images ? 'image' : 'directory';
  }

  async #store(request: LayerRequest, content: ByteSource | FilePart): Promise<Layer> {
    return this.#inWorkDirectory(request.signal, async (work) => {
      const form = this.#newForm;
      const facts = await this.#unpack(work, form, request, content);
      const { diffId, digest, blobBytes, tarBytes, bytes, indexDigest } = facts;
      if (request.digest !== undefined && request.digest !== digest) {
        throw invalidArgument(`invalid layer: its bytes are ${digest}, expected ${request.digest}`);
      }
      if (request.diffId !== undefined && request.diffId !== diffId) {
        throw invalidArgument(`invalid layer: its content is ${diffId}, the image says ${request.diffId}`);
      }
      const blobs = digest === diffId ? [] : [{ digest, sizeBytes: blobBytes }];
      const layer = { diffId, sizeBytes: bytes, tarBytes, blobs };
      return form === 'image' ? { form, layer, indexDigest } : { form: 'blob', layer };
    });
  }

  /** In one pass of the native helper; compressions it does not know are undone here, in front of it. */
  async #unpack(
    work: string,
    form: 'image' | 'directory',
    { signal, report }: LayerRequest,
    content: ByteSource | FilePart,
  ): Promise<LayerFacts> {
    const { compression, source } = await peekCompression(content);
    const { limits } = this.#options;
    if (isNative(compression, this.#abilities))
      return this.#workers.run({ work, form, compression, limits, signal, report, content: source });
    const hash = createHash('sha256');
    let blobBytes = 0;
    async function* counted(bytes: ByteSource): ByteSource {
      for await (const chunk of bytes) {
        hash.update(chunk);
        blobBytes += chunk.length;
        yield chunk;
        await report?.(blobBytes);
      }
    }
    const plain = decompressAs(compression, counted(isFilePart(source) ? readPart(source) : source));
    const job = { work, form, compression: 'none' as const, limits, signal, report: undefined };
    const facts = await this.#workers.run({ ...job, content: plain });
    return { ...facts, digest: `sha256:${hash.digest('hex')}`, blobBytes };
  }

  /** A layer is made in a directory of its own and then gets its name: a reader never sees half of one. */
  async #inWorkDirectory(
    signal: AbortSignal,
    make: (work: string) => Promise<Stored>,
    durably: 'durably' | 'lazily' = 'durably',
  ): Promise<Layer> {
    const { trash } = this.#options;
    const work = await this.#makeWorkDirectory();
    try {
      const stored = await make(work);
      const meta = path.join(work, 'meta.json');
      if (durably === 'durably') await writeJsonAtomic(meta, stored);
      else writeFileSync(meta, JSON.stringify(stored), { mode: 0o600 });
      await this.#publish(work, stored, durably);
      return stored.layer;
    } catch (error) {
      await trash.discard(work);
      const cause = contentError(error, signal);
      if (cause instanceof NativeError) throw invalidArgument(`invalid layer: ${cause.message}`, { cause });
      throw cause;
    }
  }

  /** Gives the finished directory its name and takes a reference; an import may find its content already there. */
  async #publish(work: string, stored: Stored, durably: 'durably' | 'lazily'): Promise<void> {
    const { root, trash } = this.#options;
    const { diffId, blobs } = stored.layer;
    await this.#naming.run(diffId, async () => {
      if (this.#layers.has(diffId)) {
        await trash.discard(work);
      } else {
        await rename(work, this.#place(diffId));
        this.#remember(stored);
        if (durably === 'durably') await syncDirectory(root);
      }
      this.acquire(diffId);
    });
    for (const blob of blobs) await this.addBlob(diffId, blob);
  }
}

async function probe(binary: string, temporary: string): Promise<Abilities> {
  const argv = ['layer-probe', temporary];
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await exited;
  return JSON.parse(text) as Abilities;
}

function isNative(compression: Compression, can: Abilities): compression is 'none' | 'gzip' | 'zstd' {
  return (
    compression === 'none' || (compression === 'gzip' && can.gzip) || (compression === 'zstd' && can.zstd)
  );
}

function hexOf(diffId: string): string {
  if (!isSha256(diffId)) throw new Error(`not a diff-id: ${diffId}`);
  return diffId.slice('sha256:'.length);
}
