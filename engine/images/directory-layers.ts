import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { EngineError, errnoOf, invalidArgument } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { contentError } from './content-error.ts';
import type { ByteSource } from './decompress.ts';
import { chainIds, type Layer, type LayerRequest, type LayerStore } from './layer-store.ts';
import { NativeError, startNative } from './native-process.ts';
import { isSha256 } from './reference.ts';
import type { Trash } from './trash.ts';

interface DirectoryLayersOptions {
  /** `<data-root>/layers` */
  root: string;
  /** Work in progress, on the same file system: `<data-root>/tmp` */
  temporary: string;
  trash: Trash;
  /** The native helper. */
  binary: string;
  logger: Logger;
}

/** Layers as extracted directories: `<root>/<hex of the chain-id>/{diff,meta.json}`. */
export class DirectoryLayers implements LayerStore {
  readonly #options: DirectoryLayersOptions;
  readonly #layers = new Map<string, { layer: Layer; references: number }>();
  /** The same layer is unpacked once, however many loads want it. */
  readonly #creating = new KeyedMutex();
  /** A name in the layers directory is given or taken away by one at a time. */
  readonly #naming = new KeyedMutex();

  constructor(options: DirectoryLayersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { root, logger } = this.#options;
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const name of await readdir(root)) {
      const layer = await readJson<Layer>(path.join(root, name, 'meta.json')).catch(() => undefined);
      if (layer && hexOf(layer.chainId) === name) this.#layers.set(layer.chainId, { layer, references: 0 });
      else logger.warn('a layer without a valid meta.json is ignored', { name });
    }
  }

  get(chainId: string): Layer | undefined {
    return this.#layers.get(chainId)?.layer;
  }

  list(): Layer[] {
    return [...this.#layers.values()].map(({ layer }) => layer);
  }

  directory(chainId: string): string {
    return path.join(this.#options.root, hexOf(chainId), 'diff');
  }

  acquire(chainId: string): void {
    const entry = this.#layers.get(chainId);
    if (!entry) throw new EngineError('internal', `layer ${chainId} does not exist`);
    entry.references += 1;
  }

  async release(chainId: string): Promise<void> {
    const entry = this.#layers.get(chainId);
    if (!entry) return;
    entry.references -= 1;
    await this.#removeUnused(chainId);
  }

  async sweep(): Promise<void> {
    for (const chainId of this.#layers.keys()) await this.#removeUnused(chainId);
  }

  async create(request: LayerRequest, content: ByteSource): Promise<Layer> {
    const { parent, diffId } = request;
    if (diffId === undefined) return this.#extract(request, content);
    const chainId = chainOf(parent, diffId);
    return this.#creating.run(chainId, async () => {
      const existing = this.get(chainId);
      if (!existing) return this.#extract(request, content);
      // In the same turn as the look: nobody can remove it in between.
      this.acquire(chainId);
      return existing;
    });
  }

  async #removeUnused(chainId: string): Promise<void> {
    await this.#naming.run(chainId, async () => {
      const entry = this.#layers.get(chainId);
      if (!entry || entry.references > 0) return;
      this.#layers.delete(chainId);
      await this.#options.trash.discard(path.join(this.#options.root, hexOf(chainId)));
    });
  }

  /** Unpacks into a directory of its own, verifies, and gives it its name: a reader never sees half a layer. */
  async #extract(request: LayerRequest, content: ByteSource): Promise<Layer> {
    const { temporary, trash } = this.#options;
    const work = path.join(temporary, `layer-${randomBytes(8).toString('hex')}`);
    await mkdir(work, { recursive: true, mode: 0o700 });
    try {
      const diff = path.join(work, 'diff');
      await mkdir(diff, { mode: 0o755 });
      const { diffId, sizeBytes } = await this.#unpack(diff, content, request.signal);
      if (request.diffId !== undefined && request.diffId !== diffId) {
        throw invalidArgument(`invalid layer: its content is ${diffId}, the image says ${request.diffId}`);
      }
      const layer: Layer = {
        chainId: chainOf(request.parent, diffId),
        diffId,
        parent: request.parent,
        sizeBytes,
      };
      await writeJsonAtomic(path.join(work, 'meta.json'), layer);
      await this.#publish(work, layer);
      return layer;
    } catch (error) {
      await trash.discard(work);
      const cause = contentError(error, request.signal);
      if (cause instanceof NativeError) throw invalidArgument(`invalid layer: ${cause.message}`, { cause });
      throw cause;
    }
  }

  /** Gives the finished directory its name and takes a reference; an import may find its content already there. */
  async #publish(work: string, layer: Layer): Promise<void> {
    const { root, trash } = this.#options;
    await this.#naming.run(layer.chainId, async () => {
      if (this.#layers.has(layer.chainId)) {
        await trash.discard(work);
      } else {
        await rename(work, path.join(root, hexOf(layer.chainId)));
        this.#layers.set(layer.chainId, { layer, references: 0 });
        await syncDirectory(root);
      }
      this.acquire(layer.chainId);
    });
  }

  /** Pipes the tar through sha256 into the extractor. */
  async #unpack(directory: string, content: ByteSource, signal: AbortSignal) {
    const argv = ['extract-layer', directory];
    const { child, exited } = startNative(this.#options.binary, argv, { stdin: 'pipe', stdout: 'pipe' });
    const { stdin, stdout } = child;
    if (!stdin || !stdout) throw new Error('no pipes to the native helper');
    let summary = '';
    stdout.setEncoding('utf8').on('data', (text: string) => (summary += text));
    const hash = createHash('sha256');
    async function* hashed(): ByteSource {
      for await (const chunk of content) {
        hash.update(chunk);
        yield chunk;
      }
    }
    try {
      await pipeline(Readable.from(hashed(), { objectMode: false }), stdin, { signal });
    } catch (error) {
      // The extractor gave up on the archive: its message is the cause, EPIPE only the consequence.
      if (errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ERR_STREAM_PREMATURE_CLOSE') await exited;
      child.kill('SIGKILL');
      await exited.catch(() => undefined);
      throw error;
    }
    await exited;
    const { bytes } = JSON.parse(summary) as { bytes: number };
    return { diffId: `sha256:${hash.digest('hex')}`, sizeBytes: bytes };
  }
}

function hexOf(chainId: string): string {
  if (!isSha256(chainId)) throw new Error(`not a chain-id: ${chainId}`);
  return chainId.slice('sha256:'.length);
}

function chainOf(parent: string | undefined, diffId: string): string {
  return parent === undefined ? diffId : (chainIds([parent, diffId])[1] ?? diffId);
}
