export interface Volume {
  name: string;
  driver: 'local';
  /** `<data-root>/volumes/<name>/_data`. */
  mountpoint: string;
  createdAt: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  anonymous: boolean;
  /** The files are elsewhere: what the options name is mounted at `mountpoint` while the volume is used. */
  external: boolean;
  /** Number of its project where a quota limits it. */
  quotaProject: number;
  /** The container with which an anonymous one was made; '' when nobody's. */
  madeFor: string;
}

/** `volume.json`. Records of earlier versions have neither of the last two. */
export type VolumeRecord = Omit<Volume, 'mountpoint' | 'anonymous' | 'external'>;

export interface VolumeCreate {
  name?: string;
  driver?: string;
  options?: Record<string, string>;
  labels?: Record<string, string>;
  anonymous?: boolean;
  /** ID of the container that is being made with it, and uses it from the beginning (`acquire`). */
  user?: string;
}

/** What containers ask of volumes. */
export interface VolumeStore {
  /** Idempotent by name; invents a 64-hex name when none is given. */
  create(request: VolumeCreate): Promise<Volume>;
  /** A new volume that is seen only once `fill` has put everything into its directory. 409 when the name is taken. */
  createFilled(
    request: { name: string; labels?: Record<string, string> },
    fill: (directory: string) => Promise<void>,
  ): Promise<Volume>;
  /** Throws what `createFilled` would throw for this name. */
  checkNew(name: string): void;
  /** Throws not-found `get X: no such volume`. */
  get(name: string): Volume;
  list(): Volume[];
  /** Marks use by a container; remove then answers 409 `volume is in use - [ids]`. */
  acquire(name: string, containerId: string): Promise<void>;
  release(name: string, containerId: string): Promise<void>;
  remove(name: string, options: { force: boolean }): Promise<void>;
  /**
   * The volume's files are at the returned path until the same `user` (a container's ID, or whatever else is unique)
   * calls `unmount`; once for any number of calls. What an external volume's options name is mounted for the first
   * user. Throws internal with Docker's `error while mounting volume '…': …`.
   */
  mount(name: string, user: string): Promise<string>;
  /** The last user unmounts. Nothing for one who does not use it. */
  unmount(name: string, user: string): Promise<void>;
}
