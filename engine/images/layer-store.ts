import { digestOf } from './blob-store.ts';
import type { ByteSource } from './decompress.ts';
import type { FilePart } from './file-part.ts';

/** A compressed (or plain) form in which a layer travelled; `digest` is over exactly these bytes. */
export interface LayerBlob {
  digest: string;
  sizeBytes: number;
}

/** One layer: a tar of changes. It does not depend on what it is laid over, and is known by its diff-id alone. */
export interface Layer {
  /** `sha256:…` of the uncompressed layer tar (OCI image-spec, "layer diff ID"). */
  diffId: string;
  /** Content of its regular files. */
  sizeBytes: number;
  /** Length of the uncompressed tar. */
  tarBytes: number;
  /** The forms it is known to have in registries and archives; newest last. */
  blobs: LayerBlob[];
}

export interface LayerRequest {
  /** What the uncompressed tar must hash to; undefined: whatever it is (import). */
  diffId?: string | undefined;
  /** What the bytes as they come must hash to; undefined: nobody said. */
  digest?: string | undefined;
  signal: AbortSignal;
  /** Told the bytes consumed so far, as they come; its promise holds the transfer back. */
  report?: ((receivedBytes: number) => Promise<void> | void) | undefined;
}

/**
 * Where layers live. A layer is visible only when whole and verified. Layers are counted: `ingest`, `adopt` and
 * `acquire` take a reference, the last `release` removes the layer.
 */
export interface LayerStore {
  /** Finds what is there and removes what a crash left half-made. */
  start(): Promise<void>;
  /**
   * Stores a layer from its tar, plain or compressed (gzip, zstd, xz, bzip2: detected). Any number at once and in any
   * order. When `diffId` is given and known already, `content` is not read. Throws invalid-argument for damaged
   * content or a digest that does not match, no-space on a full disk, cancelled; nothing is left then.
   */
  ingest(request: LayerRequest, content: ByteSource | FilePart): Promise<Layer>;
  /** Stores what is in an overlay upper directory, which stays as it is; nobody may write to it meanwhile. */
  commit(upper: string, signal: AbortSignal): Promise<Layer>;
  /**
   * Makes an overlay upper directory a layer: it is renamed, not copied, and must not be written any more. Its tar is
   * what `commit` of the same directory makes. `upper` is on the data root's file system and gone afterwards.
   */
  adopt(upper: string, signal: AbortSignal): Promise<Layer>;
  /** What was adopted survives a crash of the machine from now on; before, whoever names it has to call this. */
  sync(): Promise<void>;
  get(diffId: string): Layer | undefined;
  /** The layer that travelled as this blob. */
  findBlob(digest: string): Layer | undefined;
  /** Remembers a form of a layer: a push made it. */
  addBlob(diffId: string, blob: LayerBlob): Promise<void>;
  acquire(diffId: string): void;
  release(diffId: string): Promise<void>;
  /** What the runtime lays into an overlay. */
  lower(diffId: string): string;
  /** The exact tar: its bytes hash to the diff-id, or reading throws. */
  readTar(diffId: string): ByteSource;
  /** How many hold it. */
  references(diffId: string): number;
  /** false: a data root of version 1 did not keep the tar. */
  keepsTar(diffId: string): boolean;
  /** What is wrong with a stored layer apart from its tar; empty: nothing. */
  check(diffId: string): Promise<string[]>;
  /** Names in the layers directory that are no layers. */
  strays(): Promise<string[]>;
  discardStray(name: string): Promise<void>;
  /** Removes layers that nobody acquired since start: called once after the images are known. */
  sweep(): Promise<void>;
  list(): Layer[];
}

/** Diff-id of a tar of nothing: a commit or a RUN without changes adds no layer. */
export const EMPTY_DIFF_ID = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Overlay lower directories of layers given lowest first; answers topmost first. */
export function overlayLowers(layers: LayerStore, diffIds: readonly string[]): string[] {
  // A layer that comes twice (RUN true, RUN true) says everything at its highest place; overlay refuses it twice.
  return [...new Set(diffIds.toReversed())].map((diffId) => layers.lower(diffId));
}

/** Chain-ids of an image's layers, lowest first (OCI image-spec, "layer chain ID"): how clients see stacks. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
