import path from 'node:path';
import { readJson, writeJsonAtomic } from '../lib/atomic-file.ts';
import { EngineError, conflict, messageOf, notFound } from '../lib/errors.ts';
import { isObject, isText, listOf, mapOf } from '../lib/field-types.ts';
import type { Logger } from '../lib/logger.ts';
import type { BlobStore } from './blob-store.ts';
import type { Image, OciImageConfig } from './image-store.ts';
import { parseImageConfig } from './image-config.ts';
import type { LayerStore } from './layer-store.ts';
import {
  formatFamiliar,
  formatReference,
  isSha256,
  parseReference,
  withDefaultTag,
  type Reference,
} from './reference.ts';

/** An image as the catalog knows it. */
export interface CatalogImage {
  /** Digest of the configuration blob. */
  id: string;
  config: OciImageConfig;
  /** Diff-ids, lowest first. */
  layers: string[];
  /** RFC 3339; '' when it was never tagged here. */
  lastTagTime: string;
  /** Manifests and indexes under which it came; their bytes are in the blob store. */
  manifests: ManifestInfo[];
  /** The image that a commit or a build made it of, while both are here; '' otherwise. */
  parent: string;
}

/** A kept manifest or index: what a digest reference (`name@sha256:…`) of the image names. */
export interface ManifestInfo {
  digest: string;
  mediaType: string;
  sizeBytes: number;
}

interface CatalogFile {
  version: 2;
  /** The starter image was offered once; a user who deleted it does not get it back. */
  seeded: boolean;
  images: Record<string, ImageState>;
  /** Canonical reference → image ID. */
  references: Record<string, string>;
  /** Deleted by force while containers still need their layers. */
  detached: Record<string, ImageState>;
}

interface ImageState {
  lastTagTime: string;
  /** Diff-ids, lowest first: known even when the configuration blob is damaged. */
  layers: string[];
  manifests: ManifestInfo[];
  /** '' or an image ID. */
  parent: string;
}

interface CatalogOptions {
  /** `<data-root>/images.json` */
  file: string;
  blobs: BlobStore;
  layers: LayerStore;
  logger: Logger;
}

/**
 * Which images there are and what they are called. Every change is on disk before it is answered; callers serialise
 * changes. Holds one reference on every layer of every image.
 */
export class ImageCatalog {
  readonly #options: CatalogOptions;
  readonly #images = new Map<string, CatalogImage>();
  readonly #detached = new Map<string, CatalogImage>();
  readonly #references = new Map<string, string>();
  /** Not usable now; containers may stand on their layers, so nothing of them is removed before a prune. */
  readonly #damaged = new Map<string, ImageState>();
  /** Of the changes that are written together. */
  #undos: (() => void)[] | undefined;
  seeded = false;
  /** Names of images that were not there when the engine started. */
  readonly droppedReferences: { reference: string; id: string }[] = [];

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Reads the state; images whose blob or layers are damaged or gone are reported and left out. */
  async start(): Promise<void> {
    const { file, logger } = this.#options;
    const state = await readJson(file);
    if (state === undefined) return;
    // Before anything is swept: a catalogue that says nothing would cost every layer.
    if (!isCatalogFile(state)) {
      throw new EngineError('internal', `${file} is damaged or of another build of Gantry`, {
        hint: 'restore it from a backup, or start with another data root',
      });
    }
    this.seeded = state.seeded;
    for (const [id, image] of Object.entries(state.images)) await this.#restore(id, image, this.#images);
    for (const [id, image] of Object.entries(state.detached)) await this.#restore(id, image, this.#detached);
    for (const [reference, id] of Object.entries(state.references)) {
      if (this.#images.has(id)) {
        this.#references.set(reference, id);
        continue;
      }
      this.droppedReferences.push({ reference, id });
      logger.warn('a reference to a missing image is dropped', { reference, id });
    }
  }

  async #restore(id: string, state: ImageState, into: Map<string, CatalogImage>): Promise<void> {
    const { blobs, layers, logger } = this.#options;
    const present = state.layers.filter((diffId) => layers.get(diffId) !== undefined);
    for (const diffId of present) layers.acquire(diffId);
    try {
      const blob = await blobs.get(id);
      if (!blob) throw new Error('its configuration is missing or damaged');
      if (present.length < state.layers.length) throw new Error('a layer is missing');
      into.set(id, { id, config: parseImageConfig(blob), ...state });
    } catch (error) {
      logger.error('image not usable', { id, error: messageOf(error) });
      this.#damaged.set(id, { ...state, layers: present });
    }
  }

  all(): CatalogImage[] {
    return [...this.#images.values()];
  }

  /** Also one that was deleted by force but still carries containers. */
  byId(id: string): CatalogImage | undefined {
    return this.#images.get(id) ?? this.#detached.get(id);
  }

  takeDroppedReferences(): { reference: string; id: string }[] {
    return this.droppedReferences.splice(0);
  }

  /** Configurations, manifests and indexes of all images, also of those that cannot be used. */
  neededBlobs(): Set<string> {
    const states = [...this.#images.values(), ...this.#detached.values(), ...this.#damaged.values()];
    const manifests = states.flatMap((state) => state.manifests.map(({ digest }) => digest));
    return new Set([...this.#images.keys(), ...this.#detached.keys(), ...this.#damaged.keys(), ...manifests]);
  }

  damaged(): string[] {
    return [...this.#damaged.keys()];
  }

  isDetached(id: string): boolean {
    return this.#detached.has(id);
  }

  detached(): CatalogImage[] {
    return [...this.#detached.values()];
  }

  referencesOf(id: string): Reference[] {
    const found: Reference[] = [];
    for (const [key, value] of this.#references) if (value === id) found.push(parseReference(key));
    return found;
  }

  /** The image a canonical reference names; a missing tag means latest. */
  byReference(reference: Reference): CatalogImage | undefined {
    const id = this.#references.get(keyOf(reference));
    return id === undefined ? undefined : this.#images.get(id);
  }

  /** By reference, full ID or unique ID prefix. Throws invalid-argument or not-found as Docker. */
  find(text: string): CatalogImage {
    const id = /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text;
    if (isSha256(id)) {
      const image = this.#images.get(id);
      if (!image) throw notFound(`No such image: ${id}`);
      return image;
    }
    const prefix = /^(?:sha256:)?([0-9a-f]{1,63})$/.exec(text)?.[1];
    const reference = text.startsWith('sha256:') ? undefined : parseReference(text);
    const named = reference && this.byReference(reference);
    if (named) return named;
    const matches =
      prefix === undefined ? [] : this.all().filter((image) => image.id.startsWith(`sha256:${prefix}`));
    if (matches.length > 1) throw notFound(`No such image: ${text}: the ID prefix is ambiguous`);
    const [image] = matches;
    if (!image) {
      throw notFound(`No such image: ${reference ? formatFamiliar(withDefaultTag(reference)) : text}`);
    }
    return image;
  }

  /** Images that were made of this one. */
  childrenOf(id: string): CatalogImage[] {
    return this.all().filter((image) => image.parent === id);
  }

  /** Every tag of a repository (canonical name) and its image. */
  taggedAs(name: string): { reference: Reference; image: CatalogImage }[] {
    return [...this.#references].flatMap(([key, id]) => {
      const reference = parseReference(key);
      const image = this.#images.get(id);
      return image && reference.name === name && reference.tag !== undefined ? [{ reference, image }] : [];
    });
  }

  /**
   * A step of a build: known at once, on disk with the next change. A crash before takes it back, and its layers with
   * it. Takes over one layer reference per layer when it returns true; false: already known.
   */
  addStep(id: string, config: OciImageConfig, parent: string): boolean {
    if (this.byId(id) || this.#damaged.has(id)) return false;
    this.#images.set(id, {
      id,
      config,
      layers: config.rootfs.diff_ids,
      lastTagTime: '',
      manifests: [],
      parent,
    });
    return true;
  }

  /** Takes over one layer reference per layer from the caller when it returns true; false: already known. */
  async add(id: string, config: OciImageConfig, parent = ''): Promise<boolean> {
    if (this.#images.has(id)) return false;
    const image = { id, config, layers: config.rootfs.diff_ids, lastTagTime: '', manifests: [], parent };
    const detached = this.#detached.get(id);
    const damaged = this.#damaged.get(id);
    this.#detached.delete(id);
    this.#damaged.delete(id);
    this.#images.set(id, image);
    await this.#saveOr(() => {
      this.#images.delete(id);
      if (detached) this.#detached.set(id, detached);
      if (damaged) this.#damaged.set(id, damaged);
    });
    for (const diffId of damaged?.layers ?? []) await this.#options.layers.release(diffId);
    return detached === undefined;
  }

  /** Names an image by a manifest's digest (`name@sha256:…`); the manifests' bytes are in the blob store already. */
  async addDigest(reference: Reference, id: string, manifests: readonly ManifestInfo[]): Promise<void> {
    const image = this.#images.get(id);
    if (!image) throw notFound(`No such image: ${id}`);
    const key = keyOf(reference);
    const previous = this.#references.get(key);
    const known = image.manifests;
    const fresh = manifests.filter(({ digest }) => !known.some((manifest) => manifest.digest === digest));
    if (previous === id && fresh.length === 0) return;
    this.#references.set(key, id);
    image.manifests = [...known, ...fresh];
    await this.#saveOr(() => {
      if (previous === undefined) this.#references.delete(key);
      else this.#references.set(key, previous);
      image.manifests = known;
    });
  }

  /** Points a reference at an image; returns the ID it pointed at before, if another. */
  async tag(reference: Reference, id: string): Promise<string | undefined> {
    const image = this.#images.get(id);
    if (!image) throw notFound(`No such image: ${id}`);
    if (reference.digest !== undefined) throw conflict('refusing to create a tag with a digest reference');
    const key = keyOf(reference);
    const previous = this.#references.get(key);
    const { lastTagTime } = image;
    this.#references.set(key, id);
    image.lastTagTime = new Date().toISOString();
    await this.#saveOr(() => {
      if (previous === undefined) this.#references.delete(key);
      else this.#references.set(key, previous);
      image.lastTagTime = lastTagTime;
    });
    return previous === id ? undefined : previous;
  }

  async untag(reference: Reference): Promise<void> {
    const key = keyOf(reference);
    const previous = this.#references.get(key);
    if (previous === undefined) return;
    this.#references.delete(key);
    await this.#saveOr(() => this.#references.set(key, previous));
  }

  /** Forgets the image and its references. `keepLayers`: containers still stand on it. */
  async remove(id: string, keepLayers: boolean): Promise<void> {
    const image = this.byId(id);
    const { layers, manifests } = image ?? this.#damaged.get(id) ?? { layers: [], manifests: [] };
    for (const [key, value] of this.#references) if (value === id) this.#references.delete(key);
    this.#images.delete(id);
    this.#detached.delete(id);
    this.#damaged.delete(id);
    if (keepLayers && image) this.#detached.set(id, image);
    await this.save();
    if (keepLayers) return;
    await this.#options.blobs.remove(id);
    // An index may have brought images of several platforms.
    const others = [...this.#images.values(), ...this.#detached.values()];
    for (const { digest } of manifests) {
      const kept = others.some((other) => other.manifests.some((manifest) => manifest.digest === digest));
      if (!kept) await this.#options.blobs.remove(digest);
    }
    for (const diffId of layers.toReversed()) await this.#options.layers.release(diffId);
  }

  /** The shape other domains see. */
  describe(image: CatalogImage): Image {
    const references = this.referencesOf(image.id);
    return {
      id: image.id,
      config: image.config,
      parent: image.parent,
      tags: references.filter((reference) => reference.tag !== undefined).map(formatFamiliar),
      digests: references.filter((reference) => reference.digest !== undefined).map(formatFamiliar),
      sizeBytes: image.layers.reduce((sum, id) => sum + (this.#options.layers.get(id)?.sizeBytes ?? 0), 0),
    };
  }

  async save(): Promise<void> {
    // Before anything names them.
    await this.#options.layers.sync();
    await this.#options.blobs.sync();
    const state: CatalogFile = {
      version: 2,
      seeded: this.seeded,
      images: Object.fromEntries([...this.#images, ...this.#damaged].map(toState)),
      references: Object.fromEntries(this.#references),
      detached: Object.fromEntries([...this.#detached].map(toState)),
    };
    try {
      await writeJsonAtomic(this.#options.file, state);
    } catch (error) {
      throw new EngineError(
        'internal',
        `cannot write ${path.basename(this.#options.file)}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  /**
   * Several changes by one write of the file: all are on disk when it resolves, and none counts when it throws. Callers
   * serialise it as any other change.
   */
  async together(work: () => Promise<void>): Promise<void> {
    const undos: (() => void)[] = [];
    const undoAll = (): void => {
      for (const undo of undos.toReversed()) undo();
    };
    this.#undos = undos;
    try {
      await work();
    } catch (error) {
      undoAll();
      throw error;
    } finally {
      this.#undos = undefined;
    }
    await this.#saveOr(undoAll);
  }

  async #saveOr(undo: () => void): Promise<void> {
    if (this.#undos) {
      this.#undos.push(undo);
      return;
    }
    try {
      await this.save();
    } catch (error) {
      undo();
      throw error;
    }
  }
}

function isCatalogFile(value: unknown): value is CatalogFile {
  return (
    isObject(value) &&
    value['version'] === 2 &&
    typeof value['seeded'] === 'boolean' &&
    mapOf(value['images'], isImageState) &&
    mapOf(value['detached'], isImageState) &&
    mapOf(value['references'], isText)
  );
}

function isImageState(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value['lastTagTime']) &&
    listOf(value['layers'], isText) &&
    isText(value['parent']) &&
    listOf(value['manifests'], (item) => isObject(item) && isText(item['digest']))
  );
}

function toState([id, { lastTagTime, layers, manifests, parent }]: [string, ImageState]): [
  string,
  ImageState,
] {
  return [id, { lastTagTime, layers, manifests, parent }];
}

/** A digest names an image more exactly than the tag beside it. */
function keyOf(reference: Reference): string {
  return formatReference(
    reference.digest === undefined ? withDefaultTag(reference) : { ...reference, tag: undefined },
  );
}
