/** A compose file after loading: short forms expanded, defaults in place, references checked. */
export interface ComposeModel {
  project: string;
  services: Map<string, ServiceModel>;
  /** By the file's keys; `default` is there when a service uses it. */
  networks: Map<string, NetworkModel>;
  volumes: Map<string, VolumeModel>;
}

export interface PortModel {
  hostIp: string;
  /** One port or a range `8000-8010`; empty: any free port. */
  published: string;
  target: number;
  protocol: 'tcp' | 'udp';
}

export interface MountModel {
  type: 'bind' | 'volume' | 'tmpfs';
  /** Absolute path (bind), the file's volume key (volume) or empty (anonymous volume, tmpfs). */
  source: string;
  target: string;
  readonly: boolean;
  /** bind: make a missing source directory, as compose does by default. */
  createSource: boolean;
  /** volume: do not fill a new volume with the image's files. */
  noCopy: boolean;
  /** tmpfs: 0 is unlimited. */
  sizeBytes: number;
}

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface ServiceModel {
  image: string;
  command: string[] | undefined;
  entrypoint: string[] | undefined;
  environment: string[];
  ports: PortModel[];
  expose: string[];
  mounts: MountModel[];
  /** In place of `networks`. */
  networkMode: 'host' | 'none' | 'bridge' | undefined;
  networks: Map<string, { aliases: string[]; ipv4Address: string | undefined }>;
  dependsOn: Map<string, DependencyCondition>;
  restart: { name: string; retries: number };
  labels: Record<string, string>;
  containerName: string | undefined;
  workingDirectory: string | undefined;
  user: string | undefined;
  hostname: string | undefined;
  tty: boolean;
  stdinOpen: boolean;
  privileged: boolean;
  readOnly: boolean;
  /** Path → mount options. */
  tmpfs: Record<string, string>;
  capAdd: string[];
  capDrop: string[];
  extraHosts: string[];
  dns: string[];
  memoryBytes: number | undefined;
  nanoCpus: number | undefined;
  pidsLimit: number | undefined;
}

export interface NetworkModel {
  /** The name on the engine. */
  name: string;
  external: boolean;
  driver: string;
  driverOptions: Record<string, string>;
  internal: boolean;
  labels: Record<string, string>;
  ipam: { subnet?: string; gateway?: string; ipRange?: string }[];
}

export interface VolumeModel {
  name: string;
  external: boolean;
  driver: string;
  driverOptions: Record<string, string>;
  labels: Record<string, string>;
}
