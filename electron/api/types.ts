/**
 * View-neutral shapes of the one typed API between the renderer and the main process (or web-mode server).
 * Times are ms since the epoch, sizes bytes, unless a name says otherwise.
 */
import type { MissReason } from '../../engine/builder/explain-miss.ts';
import type { ReachHop, ReachVerdict } from '../../engine/wire/reach.ts';
export type { Diagnostic as ComposeDiagnostic } from '../../engine/compose/diagnostics.ts';
export type { FileEntry, WrittenDirectory, WrittenFiles } from '../../engine/wire/files.ts';

export type ConnectionState =
  | {
      state: 'connected';
      engine: { name: string; version: string; apiVersion: string; gantry: boolean };
      socket: string;
    }
  | { state: 'connecting'; socket: string }
  | { state: 'disconnected'; socket: string; message: string };

export interface Port {
  hostIp: string;
  hostPort: number | undefined;
  containerPort: number;
  protocol: string;
}

export interface ContainerSummary {
  id: string;
  name: string;
  image: string;
  imageId: string;
  command: string;
  createdAt: number;
  state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** Docker's words: `Up 3 minutes`, `Exited (0) 2 hours ago`. */
  status: string;
  health: 'healthy' | 'unhealthy' | 'starting' | undefined;
  ports: Port[];
  labels: Record<string, string>;
  networks: string[];
  /** From the labels docker compose writes. */
  compose: { project: string; service: string } | undefined;
}

export interface ContainerDetails extends ContainerSummary {
  startedAt: number | undefined;
  finishedAt: number | undefined;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  pid: number;
  restartPolicy: string;
  tty: boolean;
  environment: string[];
  entrypoint: string[];
  arguments: string[];
  workingDirectory: string;
  user: string;
  hostname: string;
  mounts: { type: string; name: string; source: string; destination: string; readonly: boolean }[];
  endpoints: { network: string; ip: string; gateway: string; mac: string; aliases: string[] }[];
  limits: { memoryBytes: number; nanoCpus: number; pids: number };
  /** The engine's own answer, for the Inspect tab. */
  raw: unknown;
}

export interface RunRequest {
  image: string;
  name?: string;
  /** Split by the renderer's form; empty: the image's own. */
  command: string[];
  entrypoint?: string[];
  environment: string[];
  ports: { hostIp?: string; hostPort?: number; containerPort: number; protocol: 'tcp' | 'udp' }[];
  mounts: { type: 'bind' | 'volume' | 'tmpfs'; source: string; target: string; readonly: boolean }[];
  network?: string;
  workingDirectory?: string;
  user?: string;
  hostname?: string;
  tty: boolean;
  openStdin: boolean;
  memoryBytes?: number;
  nanoCpus?: number;
  pidsLimit?: number;
  restartPolicy: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  restartRetries?: number;
  autoRemove: boolean;
  privileged: boolean;
  readonlyRootfs: boolean;
  labels: Record<string, string>;
}

/** One second of one container, ready to draw. */
export interface StatsPoint {
  time: number;
  /** Percent of one core (docker stats): 200 = two cores busy. */
  cpuPercent: number;
  cpuUserPercent: number;
  cpuSystemPercent: number;
  onlineCpus: number;
  throttledPercent: number;
  /** Without inactive file cache, as docker stats shows it. */
  memoryBytes: number;
  memoryCacheBytes: number;
  memoryLimitBytes: number;
  networkRxBytesPerSecond: number;
  networkTxBytesPerSecond: number;
  /** Each interface of the container apart. */
  interfaces: { name: string; rxBytesPerSecond: number; txBytesPerSecond: number }[];
  blockReadBytesPerSecond: number;
  blockWriteBytesPerSecond: number;
  pids: number;
}

export interface LogEntry {
  stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  timestamp: string;
  /** Without the line's end; ANSI sequences kept. */
  text: string;
}

export type TerminalEvent =
  | { type: 'ready'; sessionId: string }
  | { type: 'data'; data: string }
  | { type: 'exit'; code: number | undefined };

/** Whose files. */
export interface FilePlace {
  kind: 'container' | 'volume';
  /** ID of the container, name of the volume. */
  id: string;
  path: string;
}

export interface ImageSummary {
  id: string;
  tags: string[];
  createdAt: number;
  sizeBytes: number;
  /** Containers using it, -1 unknown. */
  containers: number;
  labels: Record<string, string>;
}

export interface ImageDetails extends ImageSummary {
  architecture: string;
  os: string;
  command: string[];
  entrypoint: string[];
  environment: string[];
  exposedPorts: string[];
  volumes: string[];
  workingDirectory: string;
  user: string;
  history: { createdAt: number; createdBy: string; sizeBytes: number; comment: string }[];
  raw: unknown;
}

/** One step of a pull or push. */
export interface TransferStep {
  /** Short digest of the layer; undefined: of the whole. */
  layer: string | undefined;
  /** Docker's words: `Downloading`, `Pull complete`, `Status: …`. */
  status: string;
  /** Bytes, while they are counted. */
  current: number | undefined;
  total: number | undefined;
}

export interface LayerChange {
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hard-link' | 'other';
  change: 'added' | 'changed' | 'deleted';
  sizeBytes: number;
}

export interface LayerChanges {
  diffId: string;
  createdBy: string;
  sizeBytes: number;
  added: number;
  changed: number;
  deleted: number;
  /** Of the layers below, what this one replaces or hides. */
  wastedBytes: number;
  /** Largest first. */
  entries: LayerChange[];
  /** Entries that are only counted. */
  unlisted: number;
}

/** What an image's layers do to the files, lowest first. */
export interface ImageLayers {
  layers: LayerChanges[];
  wastedBytes: number;
}

export interface PrunePreview {
  images: { id: string; names: string[]; sizeBytes: number }[];
  /** Of layers that no other image has. */
  reclaimedBytes: number;
}

/** `local`: nothing is known of a registry. */
export type ImageFreshness = { state: 'current' | 'newer' | 'local'; digest: string | undefined };

export interface RegistryAccount {
  /** `docker.io` or `host[:port]` */
  server: string;
  username: string;
  keptBy: 'keychain' | 'secret-service' | 'file';
}

export interface VolumeSummary {
  name: string;
  driver: string;
  mountpoint: string;
  createdAt: number | undefined;
  labels: Record<string, string>;
  /** Of the driver: `type`, `device`, `o`, … */
  options: Record<string, string>;
  sizeBytes: number | undefined;
  /** The containers that use it, running or not. */
  usedBy: { id: string; name: string; running: boolean; destination: string }[];
}

export interface NetworkSummary {
  id: string;
  name: string;
  driver: string;
  scope: string;
  internal: boolean;
  subnets: { subnet: string; gateway: string }[];
  containers: { id: string; name: string; ip: string }[];
  labels: Record<string, string>;
  createdAt: number;
  /** bridge, host and none cannot be removed. */
  predefined: boolean;
}

export interface NetworkPool {
  subnet: string;
  /** '' for what the engine chooses. */
  ipRange: string;
  gateway: string;
  /** Name → address that the engine hands out to nobody. */
  auxiliary: Record<string, string>;
}

export interface NetworkRequest {
  name: string;
  driver: string;
  internal: boolean;
  attachable: boolean;
  ipv4: boolean;
  ipv6: boolean;
  pools: NetworkPool[];
  options: Record<string, string>;
  labels: Record<string, string>;
}

export interface NetworkDetails extends Omit<NetworkSummary, 'subnets' | 'containers'> {
  attachable: boolean;
  ipv4: boolean;
  ipv6: boolean;
  pools: NetworkPool[];
  options: Record<string, string>;
  endpoints: NetworkEndpoint[];
  /** The engine's own answer. */
  raw: unknown;
}

/** A container on a network; a stopped one has no addresses but those that it asked for. */
export interface NetworkEndpoint {
  containerId: string;
  name: string;
  state: ContainerSummary['state'];
  ipv4: string;
  ipv6: string;
  mac: string;
  aliases: string[];
  gatewayPriority: number;
}

export interface ConnectRequest {
  network: string;
  container: string;
  ipv4?: string;
  ipv6?: string;
  mac?: string;
  aliases: string[];
  gatewayPriority: number;
  driverOptions: Record<string, string>;
}

/** By which interface a container is on a network. */
export interface NetworkLink {
  networkId: string;
  containerId: string;
  interfaceName: string;
}

/** A link of the engine's host. */
export interface HostInterface {
  name: string;
  up: boolean;
}

export interface ReachQuestion {
  source: string;
  /** The container to reach, where it is one. */
  container?: string;
  /** A name or an address; with a container: instead of its name. */
  host?: string;
  port: number;
  protocol: 'tcp' | 'udp';
}

export type { ReachHop, ReachVerdict } from '../../engine/wire/reach.ts';

/** What became of it, hop by hop. Failures are names of errno, '' for none. */
export interface ReachReport {
  verdict: ReachVerdict;
  /** '' when it is reachable. */
  failingHop: ReachHop | '';
  source: { name: string; networks: string[] };
  /** undefined: no container of this engine. */
  target: { name: string; networks: string[] } | undefined;
  shared: string[];
  name: {
    asked: string;
    through: 'address' | 'hosts' | 'dns';
    servers: string[];
    addresses: string[];
    failure: '' | 'unknown' | 'silent' | 'failed';
  };
  attempts: {
    address: string;
    interfaceName: string;
    gateway: string;
    routeFailure: string;
    connectionFailure: string;
  }[];
  /** Addresses on which the target listens at the port; undefined: not known. */
  listening: string[] | undefined;
  port: number;
  protocol: 'tcp' | 'udp';
}

export interface EngineEvent {
  type: string;
  action: string;
  id: string;
  attributes: Record<string, string>;
  time: number;
}

export interface SystemSummary {
  name: string;
  version: string;
  apiVersion: string;
  kernel: string;
  operatingSystem: string;
  architecture: string;
  cpus: number;
  memoryBytes: number;
  cgroupVersion: string;
  cgroupDriver: string;
  storageDriver: string;
  rootDirectory: string;
  containersRunning: number;
  containersPaused: number;
  containersStopped: number;
  images: number;
  warnings: string[];
  diskUsage: {
    kind: 'images' | 'containers' | 'volumes';
    count: number;
    active: number;
    sizeBytes: number;
    reclaimableBytes: number;
  }[];
}

export interface PruneResult {
  removed: string[];
  reclaimedBytes: number;
}

/** A compose file the app keeps on disk: the file is the truth. */
export interface ComposeFile {
  project: string;
  path: string;
  text: string;
}

export interface ComposeProject {
  project: string;
  /** undefined: started elsewhere, known by its labels only. */
  path: string | undefined;
  services: { service: string; containers: number; running: number }[];
}

export interface ComposeProgress {
  kind: 'network' | 'volume' | 'container' | 'image' | 'project';
  name: string;
  /** `Creating`, `Created`, `Starting`, `Started`, `Recreate`, `Running`, `Removing`, `Removed`, `Error`, … */
  status: string;
  message?: string;
}

/** What to build. `text`: a Dockerfile without a context. */
export interface BuildRequest {
  source: { kind: 'folder'; folder: string } | { kind: 'text'; text: string };
  /** Relative to the folder. */
  dockerfile: string;
  tags: string[];
  /** '': the last stage. */
  target: string;
  buildArgs: Record<string, string>;
  noCache: boolean;
  pull: boolean;
  /** For `RUN --mount=type=secret`. */
  secrets: BuildSecret[];
  /** Lets `RUN --mount=type=ssh` reach the ssh agent of the app's user. */
  sshAgent: boolean;
}

export interface BuildSecret {
  id: string;
  kind: 'file' | 'environment' | 'text';
  /** Path of the file, name of the variable (of the app's machine both), or the secret itself. */
  value: string;
}

export type { MissReason };

/** One message of a build as the engine sends it. */
export interface BuildMessage {
  /** When it came, ms since the epoch; an engine that keeps no times gives none with old builds. */
  time?: number;
  stream?: string;
  /** Of a pull. */
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  aux?: { ID?: string };
  error?: string;
  errorDetail?: { message?: string };
  /** Gantry's own: the build's id in the history, its stages in the order of their steps, why a step is not cached. */
  gantry?: { build?: string; stages?: DockerfileStage[]; notCached?: MissReason };
}

export interface BuildSummary {
  id: string;
  /** `interrupted`: the engine ended meanwhile. */
  status: 'running' | 'done' | 'failed' | 'interrupted';
  startedAt: number;
  finishedAt: number | undefined;
  tags: string[];
  imageId: string;
  error: string;
}

export interface BuildDetails extends BuildSummary {
  log: BuildMessage[];
}

/** What an editor shows of a Dockerfile. */
export interface DockerfileDescription {
  diagnostics: { severity: 'error' | 'warning'; line: number; message: string }[];
  stages: DockerfileStage[];
}

export interface DockerfileStage {
  index: number;
  /** '' where it has none. */
  name: string;
  base: string;
  line: number;
  instructions: number;
  /** Indices of the stages it takes from. */
  needs: number[];
}

export interface Settings {
  theme: 'light' | 'dark' | 'system';
  language: 'en' | 'ko' | 'system';
}

/** What an IPC error carries; the UI branches on `code`. */
export interface ApiFailure {
  code: string;
  message: string;
  hint?: string;
}
