import { eventIterator, oc, type } from '@orpc/contract';
import { z } from 'zod';
import type {
  BuildDetails,
  BuildMessage,
  BuildRequest,
  BuildSummary,
  ComposeDiagnostic,
  ComposeFile,
  ComposeProgress,
  ComposeProject,
  ConnectRequest,
  ConnectionState,
  ContainerDetails,
  ContainerSummary,
  DockerfileDescription,
  EngineEvent,
  FileEntry,
  HostInterface,
  ImageDetails,
  ImageFreshness,
  ImageLayers,
  ImageSummary,
  LogEntry,
  NetworkDetails,
  NetworkLink,
  NetworkRequest,
  NetworkSummary,
  PrunePreview,
  PruneResult,
  ReachQuestion,
  ReachReport,
  RegistryAccount,
  RunRequest,
  Settings,
  StatsPoint,
  SystemSummary,
  TerminalEvent,
  TransferStep,
  VolumeSummary,
  WrittenFiles,
} from './types.ts';

/**
 * The one typed contract of the app: renderer → MessagePort (Electron) or WebSocket (web mode) → handlers in
 * `electron/api/`. Inputs are validated here, at the trust boundary; outputs are typed only.
 */
const id = z.object({ id: z.string().min(1).max(256) });
const name = z.object({ name: z.string().min(1).max(256) });
const path = z.string().min(1).max(4096).startsWith('/');
const filePlace = z.object({ kind: z.enum(['container', 'volume']), id: id.shape.id, path });
const upload = z.object({ uploadId: z.string() });
const uploadPart = upload.extend({ chunk: z.string() });
const labels = z.record(z.string(), z.string());
const imageName = z.string().min(1).max(512);
const server = z.string().min(1).max(512);

const runRequest: z.ZodType<RunRequest> = z.object({
  image: z.string().min(1).max(1024),
  name: z.string().optional(),
  command: z.array(z.string()),
  entrypoint: z.array(z.string()).optional(),
  environment: z.array(z.string()),
  ports: z.array(
    z.object({
      hostIp: z.string().optional(),
      hostPort: z.number().int().min(0).max(65535).optional(),
      containerPort: z.number().int().min(1).max(65535),
      protocol: z.enum(['tcp', 'udp']),
    }),
  ),
  mounts: z.array(
    z.object({
      type: z.enum(['bind', 'volume', 'tmpfs']),
      source: z.string(),
      target: path,
      readonly: z.boolean(),
    }),
  ),
  network: z.string().optional(),
  workingDirectory: z.string().optional(),
  user: z.string().optional(),
  hostname: z.string().optional(),
  tty: z.boolean(),
  openStdin: z.boolean(),
  memoryBytes: z.number().int().min(0).optional(),
  nanoCpus: z.number().int().min(0).optional(),
  pidsLimit: z.number().int().optional(),
  restartPolicy: z.enum(['no', 'always', 'unless-stopped', 'on-failure']),
  restartRetries: z.number().int().min(0).optional(),
  autoRemove: z.boolean(),
  privileged: z.boolean(),
  readonlyRootfs: z.boolean(),
  labels,
});

const objectName = z.string().min(1).max(256);
const address = z.string().max(64);
const options = z.record(z.string().max(256), z.string().max(4096));
const networkRequest: z.ZodType<NetworkRequest> = z.object({
  name: z.string().min(1).max(128),
  driver: z.string().min(1).max(64),
  internal: z.boolean(),
  attachable: z.boolean(),
  ipv4: z.boolean(),
  ipv6: z.boolean(),
  pools: z
    .array(
      z.object({
        subnet: address,
        ipRange: address,
        gateway: address,
        auxiliary: z.record(z.string().max(128), address),
      }),
    )
    .max(32),
  options,
  labels: options,
});
const connectRequest: z.ZodType<ConnectRequest> = z.object({
  network: objectName,
  container: objectName,
  ipv4: address.optional(),
  ipv6: address.optional(),
  mac: address.optional(),
  aliases: z.array(z.string().min(1).max(256)).max(100),
  gatewayPriority: z
    .number()
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
  driverOptions: options,
});
const reachQuestion: z.ZodType<ReachQuestion> = z.object({
  source: objectName,
  container: objectName.optional(),
  host: z.string().min(1).max(253).optional(),
  port: z.number().int().min(1).max(65535),
  protocol: z.enum(['tcp', 'udp']),
});

const dockerfileText = z.string().max(1 << 20);
const dockerfilePlace = z.object({ folder: path, dockerfile: z.string().max(4096) });
const buildRequest: z.ZodType<BuildRequest> = z.object({
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('folder'), folder: path }),
    z.object({ kind: z.literal('text'), text: dockerfileText }),
  ]),
  dockerfile: z.string().max(4096),
  tags: z.array(imageName).max(100),
  target: z.string().max(256),
  buildArgs: z.record(z.string(), z.string()),
  noCache: z.boolean(),
  pull: z.boolean(),
  secrets: z
    .array(
      z.object({
        id: z.string().regex(/^[\w.-]{1,128}$/),
        kind: z.enum(['file', 'environment', 'text']),
        value: z.string().max(1 << 16),
      }),
    )
    .max(100),
  sshAgent: z.boolean(),
});

export const contract = {
  connection: { watch: oc.output(eventIterator(type<ConnectionState>())) },
  events: { watch: oc.output(eventIterator(type<EngineEvent>())) },
  system: { summary: oc.output(type<SystemSummary>()) },
  containers: {
    list: oc.output(type<ContainerSummary[]>()),
    inspect: oc.input(id).output(type<ContainerDetails>()),
    /** Creates and starts; resolves with the id. */
    run: oc.input(runRequest).output(type<{ id: string; warnings: string[] }>()),
    start: oc.input(id).output(type<void>()),
    stop: oc.input(id).output(type<void>()),
    restart: oc.input(id).output(type<void>()),
    pause: oc.input(id).output(type<void>()),
    unpause: oc.input(id).output(type<void>()),
    kill: oc.input(id.extend({ signal: z.string().max(32).optional() })).output(type<void>()),
    remove: oc.input(id.extend({ force: z.boolean(), volumes: z.boolean() })).output(type<void>()),
    rename: oc.input(id.extend({ name: z.string().min(1).max(128) })).output(type<void>()),
    prune: oc.output(type<PruneResult>()),
    /** What it wrote outside of volumes. NOT_AVAILABLE on engines other than ours. */
    written: oc.input(id).output(type<WrittenFiles>()),
    /** A directory becomes a volume that is mounted there; what runs is stopped for it and started again. */
    moveToVolume: oc.input(id.extend({ path, volume: name.shape.name })).output(type<void>()),
    top: oc.input(id).output(type<{ titles: string[]; processes: string[][] }>()),
    stats: oc.input(id).output(eventIterator(type<StatsPoint>())),
    /** Batches of lines; ends when the container stops unless nothing is followed. */
    logs: oc
      .input(
        id.extend({
          follow: z.boolean(),
          tail: z.number().int().min(0).optional(),
          /** Seconds since the epoch, fractions allowed. */
          since: z.number().optional(),
        }),
      )
      .output(eventIterator(type<LogEntry[]>())),
  },
  terminal: {
    /** Shells found in the container, best first; empty: none (the UI says so). */
    shells: oc.input(id).output(type<string[]>()),
    /** Opens an exec with a TTY; cancelling the stream ends the session. */
    open: oc
      .input(
        id.extend({
          command: z.array(z.string()).min(1),
          user: z.string().max(256).optional(),
          workingDirectory: z.string().max(4096).optional(),
          rows: z.number().int().min(1).max(1000),
          columns: z.number().int().min(1).max(1000),
        }),
      )
      .output(eventIterator(type<TerminalEvent>())),
    write: oc.input(z.object({ sessionId: z.string(), data: z.string().max(1 << 20) })).output(type<void>()),
    resize: oc
      .input(
        z.object({
          sessionId: z.string(),
          rows: z.number().int().min(1).max(1000),
          columns: z.number().int().min(1).max(1000),
        }),
      )
      .output(type<void>()),
  },
  /** Of containers, running or not, and of volumes. NOT_AVAILABLE on engines other than ours, but for a container's. */
  files: {
    list: oc.input(filePlace).output(type<FileEntry[]>()),
    /** Text of a file up to 1 MiB; base64 when it is binary. */
    read: oc
      .input(filePlace)
      .output(type<{ encoding: 'utf8' | 'base64'; content: string; truncated: boolean }>()),
    /** The text of a file in one step, its owner and mode kept. */
    write: oc.input(filePlace.extend({ text: z.string().max(1 << 20) })).output(type<void>()),
    makeDirectory: oc.input(filePlace).output(type<void>()),
    remove: oc.input(filePlace).output(type<void>()),
    /** Replaces nothing. */
    rename: oc.input(filePlace.extend({ to: path })).output(type<void>()),
    /** A whole file in parts: begin → chunk… → finish. */
    uploadBegin: oc
      .input(filePlace.extend({ sizeBytes: z.number().int().min(0) }))
      .output(type<{ uploadId: string }>()),
    uploadChunk: oc.input(uploadPart).output(type<void>()),
    uploadFinish: oc.input(upload).output(type<void>()),
    /** A tar (directories) or the file itself, in base64 chunks. */
    download: oc.input(filePlace).output(eventIterator(type<{ fileName?: string; chunk: string }>())),
  },
  images: {
    list: oc.output(type<ImageSummary[]>()),
    inspect: oc.input(id).output(type<ImageDetails>()),
    remove: oc.input(id.extend({ force: z.boolean() })).output(type<void>()),
    tag: oc.input(id.extend({ tag: z.string().min(1).max(512) })).output(type<void>()),
    /** Cancelling the stream ends the pull. */
    pull: oc
      .input(z.object({ name: imageName, platform: z.string().max(64).optional() }))
      .output(eventIterator(type<TransferStep>())),
    push: oc.input(z.object({ name: imageName })).output(eventIterator(type<TransferStep>())),
    /** Asks the registry whether the tag points at another image by now. */
    freshness: oc.input(z.object({ name: imageName })).output(type<ImageFreshness>()),
    layers: oc.input(id).output(type<ImageLayers>()),
    /** A `docker save` archive, in base64 chunks. */
    save: oc
      .input(z.object({ names: z.array(imageName).min(1).max(100) }))
      .output(eventIterator(type<{ chunk: string }>())),
    /**
     * Load of a `docker save` archive, or import of a root file system as `importAs`, in parts: begin → chunk… →
     * finish.
     */
    loadBegin: oc.input(z.object({ importAs: imageName }).optional()).output(type<{ uploadId: string }>()),
    loadChunk: oc.input(z.object({ uploadId: z.string(), chunk: z.string() })).output(type<void>()),
    loadFinish: oc.input(z.object({ uploadId: z.string() })).output(type<{ messages: string[] }>()),
    /** `all`: also images that have names. */
    prunePreview: oc.input(z.object({ all: z.boolean() })).output(type<PrunePreview>()),
    prune: oc.input(z.object({ all: z.boolean() })).output(type<PruneResult>()),
  },
  registries: {
    accounts: oc.output(type<RegistryAccount[]>()),
    /** Tries the password at the registry and keeps it, or the token that the registry gives for it. */
    login: oc
      .input(
        z.object({ server, username: z.string().min(1).max(256), password: z.string().min(1).max(8192) }),
      )
      .output(type<void>()),
    logout: oc.input(z.object({ server })).output(type<void>()),
    repositories: oc.input(z.object({ server })).output(type<string[]>()),
    tags: oc.input(z.object({ repository: imageName })).output(type<string[]>()),
  },
  volumes: {
    list: oc.output(type<VolumeSummary[]>()),
    /** `options` of the local driver; the name may be empty. */
    create: oc
      .input(z.object({ name: z.string().max(256), options: labels, labels }))
      .output(type<{ name: string }>()),
    remove: oc.input(name.extend({ force: z.boolean() })).output(type<void>()),
    inspect: oc.input(name).output(type<unknown>()),
    /** `all`: also volumes that have names. */
    prune: oc.input(z.object({ all: z.boolean() })).output(type<PruneResult>()),
    /** A tar.zst of everything in it, in base64 chunks. NOT_AVAILABLE on engines other than ours, as are the next. */
    backup: oc.input(name).output(eventIterator(type<{ chunk: string }>())),
    /** An archive in parts; what was in the volume is kept in the one that finish tells. */
    restoreBegin: oc.input(name).output(type<{ uploadId: string }>()),
    restoreChunk: oc.input(uploadPart).output(type<void>()),
    restoreFinish: oc.input(upload).output(type<{ safetyCopy: string }>()),
    clone: oc.input(name.extend({ to: name.shape.name })).output(type<{ name: string }>()),
  },
  networks: {
    list: oc.output(type<NetworkSummary[]>()),
    create: oc.input(networkRequest).output(type<{ id: string }>()),
    remove: oc.input(id).output(type<void>()),
    inspect: oc.input(id).output(type<NetworkDetails>()),
    prune: oc.output(type<PruneResult>()),
    connect: oc.input(connectRequest).output(type<void>()),
    disconnect: oc
      .input(z.object({ network: objectName, container: objectName, force: z.boolean() }))
      .output(type<void>()),
    /** Of running containers. Empty on engines other than ours. */
    links: oc.output(type<NetworkLink[]>()),
    /** To stack a network on. Empty on engines other than ours. */
    hostInterfaces: oc.output(type<HostInterface[]>()),
    /** Tried from the network of `source`. NOT_AVAILABLE on engines other than ours. */
    reach: oc.input(reachQuestion).output(type<ReachReport>()),
  },
  compose: {
    projects: oc.output(type<ComposeProject[]>()),
    read: oc.input(z.object({ project: z.string() })).output(type<ComposeFile>()),
    save: oc
      .input(z.object({ project: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/), text: z.string().max(1 << 20) }))
      .output(type<ComposeFile>()),
    validate: oc
      .input(z.object({ project: z.string(), text: z.string().max(1 << 20) }))
      .output(type<ComposeDiagnostic[]>()),
    /** The JSON schema of the supported subset, for completion and hover in the editor. */
    schema: oc.output(type<unknown>()),
    up: oc.input(z.object({ project: z.string() })).output(eventIterator(type<ComposeProgress>())),
    down: oc
      .input(z.object({ project: z.string(), volumes: z.boolean() }))
      .output(eventIterator(type<ComposeProgress>())),
  },
  builds: {
    /** Newest first. NOT_AVAILABLE on engines other than ours, as are `get` and `describe`. */
    list: oc.output(type<BuildSummary[]>()),
    get: oc.input(id).output(type<BuildDetails>()),
    describe: oc.input(z.object({ text: dockerfileText })).output(type<DockerfileDescription>()),
    /** The Dockerfile of a folder on this machine. */
    read: oc.input(dockerfilePlace).output(type<{ text: string }>()),
    save: oc.input(dockerfilePlace.extend({ text: dockerfileText })).output(type<void>()),
    /** A failed build ends with a message of it, not with a failure. Cancelling the stream ends the build. */
    run: oc.input(buildRequest).output(eventIterator(type<BuildMessage[]>())),
  },
  settings: {
    get: oc.output(type<Settings>()),
    set: oc
      .input(
        z
          .object({ theme: z.enum(['light', 'dark', 'system']), language: z.enum(['en', 'ko', 'system']) })
          .partial(),
      )
      .output(type<Settings>()),
  },
  windows: {
    /**
     * Opens the log window of a container. Electron opens a BrowserWindow and answers `opened`; web mode answers
     * the route for the renderer to open in a tab.
     */
    openLogs: oc.input(id).output(type<{ opened: boolean; route: string }>()),
    /** Asks for a folder of this machine by the system's dialog; '' when it is cancelled. NOT_AVAILABLE in web mode. */
    chooseFolder: oc.output(type<{ folder: string }>()),
  },
};
