import type { Duplex } from 'node:stream';
import type { EventPublisher } from '../events/events.ts';
import type { OciImageConfig } from '../images/image-store.ts';
import type { LayerStore } from '../images/layer-store.ts';
import type { Logger } from '../lib/logger.ts';
import type { ContainerCreateRequest } from '../wire/container.ts';
import type { Destination, Owner } from './copy-layer.ts';

/** An image as the builder needs it. */
export interface BaseImage {
  id: string;
  config: OciImageConfig;
}

/** What the builder asks of images. */
export interface BuildImages {
  /** By reference, ID or ID prefix; undefined when it is not here or, with a platform, of another one. */
  find(reference: string, platform: string): BaseImage | undefined;
  /** Fetches from its registry; `tell` gets Docker's progress lines. Throws Docker's texts. */
  pull(request: {
    reference: string;
    platform: string;
    /** AuthConfig by registry, as X-Registry-Config has them. SECURITY: never logged. */
    credentials: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
    tell: (line: object) => void;
  }): Promise<BaseImage>;
  /**
   * Registers the image that a step made on top of `parent`, without a name; takes over one reference on `layer`
   * whatever happens. Durable after `flush`: a crash before takes steps back, never half of one.
   */
  addStep(config: OciImageConfig, parent: string | undefined, layer: string | undefined): Promise<string>;
  flush(): Promise<void>;
  /** Makes an overlay upper directory a layer, with one reference held; undefined when nothing is in it. */
  adopt(upper: string, signal: AbortSignal): Promise<string | undefined>;
  /** Removes step images that nothing but the cache needs; answers the bytes of layers that are gone. */
  removeSteps(ids: readonly string[]): Promise<number>;
  /** Answers the name as Docker prints it. */
  tag(id: string, reference: string): Promise<string>;
  /** Something with a name, a container or a later image needs it. */
  isNeeded(id: string): boolean;
  /** Overlay lower directories, topmost first. */
  lowerDirectories(id: string): string[];
  readonly layers: Pick<LayerStore, 'ingest' | 'get' | 'acquire'>;
}

/** Files of images, read through the native helper. */
export interface ImageFiles {
  /** Throws invalid-argument for a link to nowhere on the way. */
  walk(lowers: readonly string[], path: string): Promise<Destination>;
  /** A tar of `path`, whose members are named after `name`; throws not-found. */
  tar(lowers: readonly string[], path: string, name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What the builder asks of containers. */
export interface BuildContainers {
  create(request: ContainerCreateRequest): Promise<{ id: string }>;
  attach(
    id: string,
    request: {
      stdin: boolean;
      stdout: boolean;
      stderr: boolean;
      stream: boolean;
      logs: boolean;
      detachKeys: undefined;
      raw: boolean;
    },
    client: Duplex,
  ): Promise<void>;
  /** `environment`: variables of this run that no record has. */
  startContainer(id: string, environment: readonly string[]): Promise<void>;
  wait(id: string, condition: 'not-running', signal: AbortSignal): Promise<{ exitCode: number }>;
  remove(id: string, options: { force: boolean; volumes: boolean }): Promise<void>;
  list(options: {
    all: boolean;
    limit: undefined;
    size: boolean;
    filters: { has(name: string): boolean; values(name: string): string[] };
  }): Promise<object[]>;
  /** A stopped container is kept from starting until `use` settles. */
  useRoot<T>(id: string, use: (root: { layers: { upper: string } }) => Promise<T>): Promise<T>;
}

/** What the composition root hands to the build domain. */
export interface BuildDeps {
  dataRoot: string;
  /** A tmpfs as a rule. */
  runRoot: string;
  images: BuildImages;
  files: ImageFiles;
  containers: BuildContainers;
  events: EventPublisher;
  logger: Logger;
  /** The plain bytes of what may be compressed (gzip, bzip2, xz, zstd). */
  decompress: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
  /** Has the native helper do something. */
  runTask: (argv: string[]) => Promise<void>;
  /** Who an id of a container is on this machine. */
  toHostIds: (ids: Owner) => Owner;
  /** `os/arch` of this machine, Go's names. */
  platform: string;
}
