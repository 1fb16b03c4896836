import type { ByteSource } from './decompress.ts';
import { digestOf } from './blob-store.ts';

/** One unpacked layer on top of its parents. */
export interface Layer {
  /** `sha256:…` over the diff-ids below and its own (OCI image-spec, "layer chain ID"). */
  chainId: string;
  /** `sha256:…` of the uncompressed layer tar. */
  diffId: string;
  /** undefined: the lowest layer. */
  parent: string | undefined;
  /** Content of its regular files. */
  sizeBytes: number;
}

export interface LayerRequest {
  /** Chain-id of the layer below. */
  parent: string | undefined;
  /** What the content must hash to; undefined: whatever it is (import). */
  diffId: string | undefined;
  signal: AbortSignal;
}

/**
 * Where unpacked layers live. A layer is visible only when whole and verified. Layers are counted: `create` and
 * `acquire` take a reference, the last `release` removes the layer (its parents are released by their own holders).
 */
export interface LayerStore {
  /** Finds what is there and removes what a crash left half-made. */
  start(): Promise<void>;
  /**
   * Unpacks an uncompressed tar. An existing layer is not unpacked again and `content` is not read. Throws
   * invalid-argument for damaged content, no-space on a full disk; nothing is left then.
   */
  create(request: LayerRequest, content: ByteSource): Promise<Layer>;
  get(chainId: string): Layer | undefined;
  acquire(chainId: string): void;
  release(chainId: string): Promise<void>;
  /** Overlay lower directory. */
  directory(chainId: string): string;
  /** Removes layers that nobody acquired since start: called once after the images are known. */
  sweep(): Promise<void>;
  list(): Layer[];
}

/** Chain-ids of an image's layers, lowest first. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
