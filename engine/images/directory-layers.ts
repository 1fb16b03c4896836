import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { EngineError, errnoOf, invalidArgument } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { contentError } from './content-error.ts';
import { decompress, type ByteSource } from './decompress.ts';
import type { Layer, LayerBlob, LayerRequest, LayerStore } from './layer-store.ts';
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

interface Stored {
  /**
   * Where its tar comes from: the bytes it came as (`blob`), or its own tree, which a commit made it of. `lost`: a data
   * root of version 1 did not keep it.
   */
  tar: 'blob' | 'tree' | 'lost';
  layer: Layer;
}

interface Entry extends Stored {
  references: number;
}

/** Layers as extracted directories: `<root>/<hex of the diff-id>/{diff,blob,meta.json}`. */
export class DirectoryLayers implements LayerStore {
  readonly #options: DirectoryLayersOptions;
  readonly #layers = new Map<string, Entry>();
  readonly #blobs = new Map<string, string>();
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
      const stored = await readJson<Stored>(path.join(root, name, 'meta.json')).catch(() => undefined);
      if (stored && hexOf(stored.layer.diffId) === name) this.#remember(stored);
      else logger.warn('a layer without a valid meta.json is ignored', { name });
    }
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
    return path.join(this.#place(diffId), 'diff');
  }

  acquire(diffId: string): void {
    const entry = this.#layers.get(diffId);
    if (!entry) throw new EngineError('internal', `layer ${diffId} does not exist`);
    entry.references += 1;
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

  async ingest(request: LayerRequest, content: ByteSource): Promise<Layer> {
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
    return this.ingest({ signal }, this.#treeTar(upper));
  }

  async adopt(upper: string, signal: AbortSignal): Promise<Layer> {
    return this.#inWorkDirectory(signal, async (work) => {
      await rename(upper, path.join(work, 'diff'));
      const { diffId, tarBytes } = await measure(this.#treeTar(path.join(work, 'diff')));
      const sizeBytes = tarBytes;
      return { tar: 'tree', layer: { diffId, sizeBytes, tarBytes, blobs: [] } };
    });
  }

  async addBlob(diffId: string, blob: LayerBlob): Promise<void> {
    await this.#naming.run(diffId, async () => {
      const entry = this.#layers.get(diffId);
      if (!entry || entry.layer.blobs.some(({ digest }) => digest === blob.digest)) return;
      const layer = { ...entry.layer, blobs: [...entry.layer.blobs, blob] };
      const stored: Stored = { tar: entry.tar, layer };
      await writeJsonAtomic(path.join(this.#place(diffId), 'meta.json'), stored);
      entry.layer = layer;
      this.#blobs.set(blob.digest, diffId);
    });
  }

  async *readTar(diffId: string): ByteSource {
    const entry = this.#layers.get(diffId);
    if (!entry) throw new EngineError('internal', `layer ${diffId} does not exist`);
    if (entry.tar === 'lost') {
      throw new EngineError('conflict', `the tar of layer ${diffId} was not kept by an earlier Gantry`, {
        hint: 'load or pull the image again',
      });
    }
    const source =
      entry.tar === 'tree'
        ? this.#treeTar(this.lower(diffId))
        : decompress(
            createReadStream(path.join(this.#place(diffId), 'blob'), { highWaterMark: 1024 * 1024 }),
          );
    yield* verified(source, diffId);
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
      await this.#options.trash.discard(this.#place(diffId));
    });
  }

  async #store(request: LayerRequest, content: ByteSource): Promise<Layer> {
    return this.#inWorkDirectory(request.signal, async (work) => {
      await mkdir(path.join(work, 'diff'), { mode: 0o755 });
      const { layer, blob } = await this.#unpack(work, content, request);
      if (request.digest !== undefined && request.digest !== blob.digest) {
        throw invalidArgument(`invalid layer: its bytes are ${blob.digest}, expected ${request.digest}`);
      }
      if (request.diffId !== undefined && request.diffId !== layer.diffId) {
        throw invalidArgument(
          `invalid layer: its content is ${layer.diffId}, the image says ${request.diffId}`,
        );
      }
      const blobs = blob.digest === layer.diffId ? [] : [blob];
      return { tar: 'blob', layer: { ...layer, blobs } };
    });
  }

  /** A layer is made in a directory of its own and then gets its name: a reader never sees half of one. */
  async #inWorkDirectory(signal: AbortSignal, make: (work: string) => Promise<Stored>): Promise<Layer> {
    const { temporary, trash } = this.#options;
    const work = path.join(temporary, `layer-${randomBytes(8).toString('hex')}`);
    await mkdir(work, { recursive: true, mode: 0o700 });
    try {
      const stored = await make(work);
      await writeJsonAtomic(path.join(work, 'meta.json'), stored);
      await this.#publish(work, stored);
      return stored.layer;
    } catch (error) {
      await trash.discard(work);
      const cause = contentError(error, signal);
      if (cause instanceof NativeError) throw invalidArgument(`invalid layer: ${cause.message}`, { cause });
      throw cause;
    }
  }

  /** Gives the finished directory its name and takes a reference; an import may find its content already there. */
  async #publish(work: string, stored: Stored): Promise<void> {
    const { root, trash } = this.#options;
    const { diffId, blobs } = stored.layer;
    await this.#naming.run(diffId, async () => {
      if (this.#layers.has(diffId)) {
        await trash.discard(work);
      } else {
        await rename(work, this.#place(diffId));
        this.#remember(stored);
        await syncDirectory(root);
      }
      this.acquire(diffId);
    });
    for (const blob of blobs) await this.addBlob(diffId, blob);
  }

  /** Keeps the bytes as they come and pipes the tar through sha256 into the extractor. */
  async #unpack(work: string, content: ByteSource, request: LayerRequest) {
    const { signal } = request;
    const argv = ['extract-layer', path.join(work, 'diff')];
    const { child, exited } = startNative(this.#options.binary, argv, { stdin: 'pipe', stdout: 'pipe' });
    const { stdin, stdout } = child;
    if (!stdin || !stdout) throw new Error('no pipes to the native helper');
    let summary = '';
    stdout.setEncoding('utf8').on('data', (text: string) => (summary += text));
    const kept = await open(path.join(work, 'blob'), 'wx', 0o600);
    const blob = createHash('sha256');
    const tar = createHash('sha256');
    let blobBytes = 0;
    let tarBytes = 0;
    async function* received(): ByteSource {
      for await (const chunk of content) {
        blob.update(chunk);
        blobBytes += chunk.length;
        await kept.writeFile(chunk);
        yield chunk;
        await request.report?.(blobBytes);
      }
    }
    async function* plain(): ByteSource {
      for await (const chunk of decompress(received())) {
        tar.update(chunk);
        tarBytes += chunk.length;
        yield chunk;
      }
    }
    try {
      await pipeline(Readable.from(plain(), { objectMode: false }), stdin, { signal });
      await exited;
    } catch (error) {
      // The extractor gave up on the archive: its message is the cause, EPIPE only the consequence.
      if (errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ERR_STREAM_PREMATURE_CLOSE') await exited;
      child.kill('SIGKILL');
      await exited.catch(() => undefined);
      throw error;
    } finally {
      await kept.close();
    }
    const { bytes } = JSON.parse(summary) as { bytes: number };
    return {
      blob: { digest: `sha256:${blob.digest('hex')}`, sizeBytes: blobBytes },
      layer: { diffId: `sha256:${tar.digest('hex')}`, sizeBytes: bytes, tarBytes },
    };
  }

  /** The tar of a committed directory, always the same. */
  async *#treeTar(directory: string): ByteSource {
    const argv = ['layer-tar', directory];
    const { child, exited } = startNative(this.#options.binary, argv, { stdin: 'ignore', stdout: 'pipe' });
    try {
      if (child.stdout) yield* child.stdout as AsyncIterable<Uint8Array>;
      await exited;
    } finally {
      child.kill('SIGKILL');
    }
  }
}

async function measure(source: ByteSource): Promise<{ diffId: string; tarBytes: number }> {
  const hash = createHash('sha256');
  let tarBytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    tarBytes += chunk.length;
  }
  return { diffId: `sha256:${hash.digest('hex')}`, tarBytes };
}

async function* verified(source: ByteSource, diffId: string): ByteSource {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== diffId)
    throw new EngineError('internal', `layer ${diffId} is damaged: its tar is ${actual}`);
}

function hexOf(diffId: string): string {
  if (!isSha256(diffId)) throw new Error(`not a diff-id: ${diffId}`);
  return diffId.slice('sha256:'.length);
}
