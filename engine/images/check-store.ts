import { createHash } from 'node:crypto';
import { messageOf } from '../lib/errors.ts';
import type { ByteSource } from './decompress.ts';
import type { ImageParts } from './images.ts';

/** One thing that is not as it should be. */
export interface StoreProblem {
  /** What it is about: `image`, `layer`, `blob`, `reference`, `file`. */
  kind: 'image' | 'layer' | 'blob' | 'reference' | 'file';
  /** Digest, reference or file name. */
  object: string;
  message: string;
  repaired: boolean;
}

export interface StoreReport {
  whole: boolean;
  images: number;
  layers: number;
  blobs: number;
  /** Bytes that were read and hashed. */
  bytes: number;
  problems: StoreProblem[];
}

interface CheckOptions {
  repair: boolean;
  signal: AbortSignal;
}

/**
 * Proves the store whole: every blob and every layer's tar is read and hashed, every image has its configuration,
 * manifests and layers, every name an image, every layer as many references as images have it, and nothing lies about
 * that nothing refers to. With `repair` what can be made true again is: damaged images that no container uses lose their
 * names and go, as do strays; the rest is only told. Changes of the catalog wait meanwhile.
 */
export function checkStore(parts: ImageParts, options: CheckOptions): Promise<StoreReport> {
  return parts.changes.run(async () => {
    const check = new StoreCheck(parts, options);
    await check.layers();
    await check.images();
    await check.references();
    await check.strays();
    return check.report();
  });
}

class StoreCheck {
  readonly #parts: ImageParts;
  readonly #options: CheckOptions;
  readonly #problems: StoreProblem[] = [];
  readonly #damagedLayers = new Set<string>();
  readonly #counts = { images: 0, layers: 0, blobs: 0, bytes: 0 };

  constructor(parts: ImageParts, options: CheckOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  report(): StoreReport {
    return { whole: this.#problems.length === 0, ...this.#counts, problems: this.#problems };
  }

  async layers(): Promise<void> {
    const { layers } = this.#parts;
    for (const { diffId } of layers.list()) {
      this.#options.signal.throwIfAborted();
      // Held, so that a removal meanwhile does not look like damage.
      layers.acquire(diffId);
      try {
        this.#counts.layers += 1;
        for (const message of await this.#layerFaults(diffId)) {
          this.#damagedLayers.add(diffId);
          this.#tell('layer', diffId, message);
        }
      } finally {
        await layers.release(diffId);
      }
    }
  }

  async #layerFaults(diffId: string): Promise<string[]> {
    const { layers } = this.#parts;
    const faults = await layers.check(diffId);
    if (faults.length > 0 || !layers.keepsTar(diffId)) return faults;
    try {
      const { digest, bytes } = await hashOf(layers.readTar(diffId));
      this.#counts.bytes += bytes;
      return digest === diffId ? [] : [`its tar is ${digest}`];
    } catch (error) {
      return [messageOf(error)];
    }
  }

  async images(): Promise<void> {
    const { catalog, layers, blobs } = this.#parts;
    const wanted = new Map<string, number>();
    for (const image of [...catalog.all(), ...catalog.detached()]) {
      this.#counts.images += 1;
      const faults: string[] = [];
      for (const digest of [image.id, ...image.manifests.map((manifest) => manifest.digest)]) {
        const blob = await blobs.get(digest);
        if (!blob) faults.push(`blob ${digest} is missing or damaged`);
        this.#counts.blobs += 1;
        this.#counts.bytes += blob?.length ?? 0;
      }
      for (const diffId of image.layers) {
        wanted.set(diffId, (wanted.get(diffId) ?? 0) + 1);
        if (!layers.get(diffId)) faults.push(`layer ${diffId} is missing`);
        else if (this.#damagedLayers.has(diffId)) faults.push(`layer ${diffId} is damaged`);
      }
      for (const message of faults) await this.#imageFault(image.id, message);
    }
    for (const id of catalog.damaged())
      await this.#imageFault(id, 'it could not be read when the engine started');
    for (const [diffId, count] of wanted) {
      const held = layers.references(diffId);
      if (held < count) this.#tell('layer', diffId, `${held} references, ${count} images or places need it`);
    }
  }

  /** An image that is not whole is worse than none: it goes, unless containers stand on it. */
  async #imageFault(id: string, message: string): Promise<void> {
    const { catalog, users } = this.#parts;
    const using = users.usersOf(id).map((user) => user.name || user.id);
    if (!this.#options.repair) return this.#tell('image', id, message);
    if (using.length > 0)
      return this.#tell('image', id, `${message}; not repaired, containers use it: ${using.join(', ')}`);
    if (catalog.childrenOf(id).length > 0)
      return this.#tell('image', id, `${message}; not repaired, other images were made of it`);
    await catalog.remove(id, false);
    this.#tell('image', id, message, true);
  }

  /** Names that pointed at nothing when the engine started; they are not on disk again once the catalog is written. */
  async references(): Promise<void> {
    const { catalog } = this.#parts;
    const { repair } = this.#options;
    const dropped = repair ? catalog.takeDroppedReferences() : catalog.droppedReferences;
    if (repair && dropped.length > 0) await catalog.save();
    for (const { reference, id } of dropped)
      this.#tell('reference', reference, `it names image ${id}, which is not there`, repair);
  }

  /** Files that nothing refers to: a crash between two steps leaves them, no image misses them. */
  async strays(): Promise<void> {
    const { blobs, layers, catalog } = this.#parts;
    const { repair } = this.#options;
    const needed = catalog.neededBlobs();
    for (const digest of await blobs.list()) {
      if (needed.has(digest)) continue;
      if (repair) await blobs.remove(digest);
      this.#tell('blob', digest, 'no image refers to it', repair);
    }
    for (const name of await layers.strays()) {
      if (repair) await layers.discardStray(name);
      this.#tell('file', `layers/${name}`, 'it is no layer', repair);
    }
  }

  #tell(kind: StoreProblem['kind'], object: string, message: string, repaired = false): void {
    this.#problems.push({ kind, object, message, repaired });
  }
}

async function hashOf(source: ByteSource): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}
