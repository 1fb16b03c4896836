import type { ContainerConfig, HealthConfig } from '../wire/container.ts';

/** The part of an OCI image configuration the engine reads (application/vnd.oci.image.config.v1+json). */
export interface OciImageConfig {
  created?: string;
  author?: string;
  comment?: string;
  /** What Docker adds to images that a commit or a build made. */
  container?: string;
  container_config?: ContainerConfig;
  docker_version?: string;
  architecture: string;
  os: string;
  variant?: string;
  config?: {
    User?: string;
    ExposedPorts?: Record<string, object>;
    Env?: string[];
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    Volumes?: Record<string, object>;
    WorkingDir?: string;
    Labels?: Record<string, string>;
    StopSignal?: string;
    Healthcheck?: HealthConfig;
    Shell?: string[];
    OnBuild?: string[];
  };
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: {
    created?: string;
    created_by?: string;
    author?: string;
    comment?: string;
    empty_layer?: boolean;
  }[];
}

export interface Image {
  /** `sha256:<64 hex>` of the configuration blob. */
  id: string;
  config: OciImageConfig;
  /** The image that it was built or committed from here, else ''. */
  parent: string;
  /** `name:tag`, familiar form. */
  tags: string[];
  /** `name@sha256:…`, familiar form. */
  digests: string[];
  /** Sum of the layers' unpacked bytes. */
  sizeBytes: number;
}

/** What other domains ask of images. */
export interface ImageLookup {
  /** By reference, ID or ID prefix. Throws not-found `No such image: X`. */
  get(reference: string): Image;
  /** All images, for `ancestor` filters. */
  list(): Image[];
  /** Overlay lower directories, topmost first; the image cannot be removed without force while held. */
  hold(imageId: string, containerId: string): Promise<string[]>;
  release(imageId: string, containerId: string): Promise<void>;
  /** Same directories without taking hold: for a container known to hold it. */
  lowerDirectories(imageId: string): string[];
}

/** What images ask of containers: who uses an image (for `rmi` conflicts and the Containers count). */
export interface ImageUsers {
  usersOf(imageId: string): { id: string; name: string; running: boolean }[];
}

/** The root of a container or volume as the archive operations reach it. */
export type RootAccess =
  /** A volume. */
  | { kind: 'directory'; path: string }
  /** Running or paused: through PID 1's own mount namespace. */
  | { kind: 'process'; pid: number }
  /** Stopped: a transient overlay mount in a private mount namespace, with its volumes on top. */
  | {
      kind: 'stopped';
      lower: string[];
      upper: string;
      work: string;
      binds: { source: string; target: string; readonly: boolean }[];
    };

/** What access to files needs to know of a container or volume. */
export interface FileRoot {
  access: RootAccess;
  /** HostConfig.ReadonlyRootfs. */
  readonlyRootfs: boolean;
  /** Config.User, for `docker cp -a` into the container. */
  user: string;
}

/** What archive operations need to know of a container. */
export interface ContainerRoot extends FileRoot {
  /** Overlay directories whatever the state, topmost lower first: for changes and export. */
  layers: { lower: string[]; upper: string };
}

/** A container as `docker commit` reads it. */
export interface ContainerSnapshot {
  id: string;
  imageId: string;
  config: ContainerConfig;
  /** Overlay upper directory. */
  upper: string;
  /** `wanted`, and what it leaves open from the container's own configuration. */
  complete(wanted: ContainerConfig): ContainerConfig;
  /** Tells the container's `commit` event. */
  published(attributes: Record<string, string>): void;
}

/** What commit asks of containers. */
export interface ContainerSnapshots {
  /**
   * The writable layer does not change until `use` settles: a stopped container is kept from starting, a running one is
   * paused when `pause` says so. Throws not-found, conflict.
   */
  useSnapshot<T>(
    idOrName: string,
    pause: boolean,
    use: (snapshot: ContainerSnapshot) => Promise<T>,
  ): Promise<T>;
}

type RootEvent = 'archive-path' | 'extract-to-dir' | 'export';

/** What the archive operations ask of containers and volumes. */
export interface FileRoots<Root extends FileRoot = FileRoot> {
  /**
   * The root stays until `use` settles: a volume mounted, a stopped container kept from starting. Throws not-found.
   * `tell` publishes an event of the container.
   */
  useRoot<T>(name: string, use: (root: Root, tell: (action: RootEvent) => void) => Promise<T>): Promise<T>;
}

export type ContainerRoots = FileRoots<ContainerRoot>;
