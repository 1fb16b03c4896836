export interface Volume {
  name: string;
  driver: 'local';
  /** `<data-root>/volumes/<name>/_data`. */
  mountpoint: string;
  createdAt: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  anonymous: boolean;
}

export interface VolumeCreate {
  name?: string;
  driver?: string;
  options?: Record<string, string>;
  labels?: Record<string, string>;
  anonymous?: boolean;
}

/** What containers ask of volumes. */
export interface VolumeStore {
  /** Idempotent by name; invents a 64-hex name when none is given. */
  create(request: VolumeCreate): Promise<Volume>;
  /** Throws not-found `get X: no such volume`. */
  get(name: string): Volume;
  list(): Volume[];
  /** Marks use by a container; remove then answers 409 `volume is in use - [ids]`. */
  acquire(name: string, containerId: string): Promise<void>;
  release(name: string, containerId: string): Promise<void>;
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** True while there is nothing in it (decides about copy-up). */
  isEmpty(name: string): Promise<boolean>;
}
