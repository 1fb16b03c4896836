import type { Duplex, Writable } from 'node:stream';
import type { ContainerRoots, ContainerSnapshots, ImageUsers } from '../images/image-store.ts';
import type { ContainerCreateRequest, ContainerUpdateRequest, EndpointSettings } from '../wire/container.ts';
import { attach, checkAttach, type AttachRequest } from './attach.ts';
import type { ExitResult } from './container.ts';
import {
  initLayerDirectory,
  publish,
  type ContainersContext,
  type ContainersDeps,
  type ProcessList,
} from './context.ts';
import { createContainer, type CreateOptions } from './create.ts';
import { ExecSessions } from './exec-sessions.ts';
import { makeInitLayer } from './init-layer.ts';
import { inspectContainer } from './inspect-view.ts';
import { keepStopped } from './keep-stopped.ts';
import { endsRun, killAndWait, notRunning, sendSignal } from './kill.ts';
import {
  pauseContainer,
  restartContainer,
  startContainer,
  stopContainer,
  stopRestarting,
  unpauseContainer,
  type StopOptions,
} from './lifecycle.ts';
import type { FilterValues } from './list-filters.ts';
import { findByName, unlink } from './links.ts';
import { listContainers, type ListOptions } from './list-view.ts';
import { networkPlaceOf } from './network-place.ts';
import type { NetworkPlace } from '../networks/reach/reach.ts';
import type { LogRequest } from '../logs/logs.ts';
import { logSourceOf } from './log-source.ts';
import { moveToVolume } from './move-to-volume.ts';
import { pruneContainers } from './prune.ts';
import { isActive, type ContainerRecord } from './record.ts';
import { recover, startByPolicy } from './recovery.ts';
import { removeContainer, type RemoveOptions } from './removal.ts';
import { connectNetwork, disconnectNetwork } from './membership.ts';
import { renameContainer } from './rename.ts';
import { useRoot } from './root-access.ts';
import { SIGKILL, parseSignal } from '../lib/signals.ts';
import { useSnapshot } from './snapshot.ts';
import { ContainerStore } from './store.ts';
import { updateContainer, type UpdateOptions } from './update.ts';
import { waitFor, type WaitCondition } from './wait.ts';
import { conflict, EngineError, withPrefix } from '../lib/errors.ts';

/** The containers domain. Every operation takes an ID, a name or an unambiguous ID prefix; 404 otherwise. */
export interface Containers extends ImageUsers, ContainerRoots, ContainerSnapshots {
  /** Finds every container again. After images, volumes, networks and the runtime have started. */
  start(): Promise<void>;
  /** Starts what restart policies ask for, once everything is up. */
  startByPolicy(): void;
  /** Lets go of the shims; containers go on. */
  close(): Promise<void>;

  create(
    request: ContainerCreateRequest | undefined,
    options: CreateOptions,
  ): Promise<{ id: string; warnings: string[] }>;
  list(options: ListOptions): Promise<object[]>;
  /** Also by the name of a link, `own/alias`. */
  inspect(idOrName: string, options: { size: boolean }): Promise<object>;
  /** Removes a link, not the container behind it. 500 for the name of a container. */
  unlink(name: string): Promise<void>;
  /** `environment`: variables of this run that are written nowhere. */
  startContainer(idOrName: string, environment?: readonly string[]): Promise<void>;
  stop(idOrName: string, options: StopOptions): Promise<void>;
  restart(idOrName: string, options: StopOptions): Promise<void>;
  /** Name or number, default SIGKILL, which waits for the end. */
  kill(idOrName: string, signal: string | undefined): Promise<void>;
  pause(idOrName: string): Promise<void>;
  unpause(idOrName: string): Promise<void>;
  rename(idOrName: string, name: string): Promise<void>;
  /** Limits and restart policy; returns Docker's warnings. */
  update(idOrName: string, request: ContainerUpdateRequest, options: UpdateOptions): Promise<string[]>;
  /** Makes a volume of a directory and mounts it there. */
  moveToVolume(idOrName: string, request: { directory: string; volume: string }): Promise<void>;
  /** Keeps containers from starting while `work` runs; 409 when one of them runs. */
  keepStopped(ids: string[], work: () => Promise<void>): Promise<void>;
  connectNetwork(idOrName: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnectNetwork(idOrName: string, network: string): Promise<void>;
  remove(idOrName: string, options: RemoveOptions): Promise<void>;
  prune(filters: FilterValues): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>;
  /** Registered on return: an exit after the call is never missed. */
  /** Throws 404 at once, before a reply is begun. */
  wait(idOrName: string, condition: WaitCondition, signal: AbortSignal): Promise<ExitResult>;
  resize(idOrName: string, rows: number, columns: number): Promise<void>;
  top(idOrName: string, psArguments: string): Promise<ProcessList>;

  /** Checks before a reply is begun; says whether the output is raw (terminal) or framed. */
  prepareLogs(idOrName: string, request: Pick<LogRequest, 'stdout' | 'stderr'>): { tty: boolean };
  /** Resolves when the log, or following it, has ended. */
  logs(idOrName: string, out: Writable, request: Omit<LogRequest, 'raw'>): Promise<void>;
  prepareAttach(idOrName: string, request: AttachRequest): { tty: boolean };
  attach(idOrName: string, request: AttachRequest, client: Duplex): Promise<void>;
  readonly execs: ExecSessions;

  /** For stats: undefined while it does not run. */
  running(id: string): { pid: number; cgroupParent: string | undefined } | undefined;
  identify(idOrName: string): { id: string; name: string };
  networkPlace(idOrName: string): NetworkPlace;
  counts(): { running: number; paused: number; stopped: number };
}

export function createContainers(deps: ContainersDeps): Containers {
  const store = new ContainerStore();
  let becomeReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));
  const context: ContainersContext = { ...deps, store, ready, imageDirectories: new Set() };
  const execs = new ExecSessions(context);
  return {
    ...lifetime(context, becomeReady),
    ...operations(context),
    ...streams(context),
    ...lookups(context),
    execs,
  };
}

function lifetime(
  context: ContainersContext,
  becomeReady: () => void,
): Pick<Containers, 'start' | 'startByPolicy' | 'close'> {
  return {
    async start() {
      await makeInitLayer(initLayerDirectory(context));
      await recover(context);
    },
    startByPolicy() {
      becomeReady();
      startByPolicy(context);
    },
    async close() {
      for (const container of context.store.list()) {
        clearTimeout(container.restartTimer);
        container.health?.leave();
        container.shim?.disconnect();
      }
      await Promise.all(
        context.store.list().map((container) => container.mutex.run(async () => container.settling)),
      );
    },
  };
}

type Operations =
  | 'create'
  | 'list'
  | 'inspect'
  | 'unlink'
  | 'startContainer'
  | 'stop'
  | 'restart'
  | 'kill'
  | 'pause'
  | 'unpause'
  | 'rename'
  | 'update'
  | 'moveToVolume'
  | 'keepStopped'
  | 'connectNetwork'
  | 'disconnectNetwork'
  | 'remove'
  | 'prune';

function operations(context: ContainersContext): Pick<Containers, Operations> {
  const { store } = context;
  return {
    create: (request, options) => createContainer(context, request, options),
    list: (options) => listContainers(context, options),
    inspect: async (idOrName, options) => inspectContainer(context, findByName(context, idOrName), options),
    unlink: (name) => unlink(context, name),
    startContainer: async (idOrName, environment) =>
      startContainer(context, store.get(idOrName), environment),
    stop: async (idOrName, options) => stopContainer(context, store.get(idOrName), options),
    async restart(idOrName, options) {
      const container = store.get(idOrName);
      try {
        await restartContainer(context, container, options);
      } catch (error) {
        // 500 whatever the reason, as in Docker.
        if (!(error instanceof EngineError) || error.kind === 'no-space') throw error;
        const message = `Cannot restart container ${idOrName}: ${error.message}`;
        throw new EngineError('internal', message, { cause: error });
      }
    },
    async kill(idOrName, signal) {
      try {
        await kill(context, idOrName, signal);
      } catch (error) {
        throw withPrefix(`cannot kill container: ${idOrName}: `, error);
      }
    },
    pause: async (idOrName) => pauseContainer(context, store.get(idOrName)),
    unpause: async (idOrName) => unpauseContainer(context, store.get(idOrName)),
    rename: async (idOrName, name) => renameContainer(context, store.get(idOrName), name),
    update: async (idOrName, request, options) =>
      updateContainer(context, store.get(idOrName), request, options),
    moveToVolume: async (idOrName, request) => moveToVolume(context, store.get(idOrName), request),
    keepStopped: (ids, work) => keepStopped(context, ids, work),
    connectNetwork: async (idOrName, network, settings) =>
      connectNetwork(context, store.get(idOrName), network, settings),
    disconnectNetwork: async (idOrName, network) => disconnectNetwork(context, store.get(idOrName), network),
    remove: async (idOrName, options) =>
      removeContainer(context, findByName(context, idOrName), { ...options, calledAs: idOrName }),
    prune: (filters) => pruneContainers(context, filters),
  };
}

async function kill(context: ContainersContext, idOrName: string, text: string | undefined): Promise<void> {
  const signal = text ? parseSignal(text) : SIGKILL;
  const container = context.store.get(idOrName);
  if (!isActive(container.record.state.status)) throw notRunning(container);
  if (endsRun(container, signal) && (await stopRestarting(container))) return;
  if (signal !== SIGKILL) return sendSignal(context, container, signal);
  await killAndWait(context, container);
  // It ended by itself just before, and its policy has planned the next run.
  await stopRestarting(container);
}

type Streams = 'wait' | 'resize' | 'top' | 'prepareLogs' | 'logs' | 'prepareAttach' | 'attach';

function streams(context: ContainersContext): Pick<Containers, Streams> {
  const { store } = context;
  return {
    wait: (idOrName, condition, signal) => {
      const ended = store.justRemoved(idOrName);
      return ended ? Promise.resolve(ended) : waitFor(store.get(idOrName), condition, signal);
    },
    async resize(idOrName, rows, columns) {
      const container = store.get(idOrName);
      if (!container.shim) throw notRunning(container);
      await container.shim.resize(rows, columns);
      publish(context, container, 'resize', { height: String(rows), width: String(columns) });
    },
    async top(idOrName, psArguments) {
      const container = store.get(idOrName);
      if (!container.shim) throw notRunning(container);
      const { id, hostConfig } = container.record;
      const { pid } = container.shim;
      const pids = await context.cgroups.processes(id, hostConfig.CgroupParent, pid);
      const processes = await context.listProcesses(pids, psArguments);
      publish(context, container, 'top');
      return processes;
    },
    prepareLogs(idOrName, request) {
      const container = store.get(idOrName);
      context.logs.checkRequest(logSourceOf(container), request);
      if (container.removing)
        throw conflict('can not get logs from container which is dead or marked for removal');
      return { tty: container.record.config.Tty ?? false };
    },
    async logs(idOrName, out, request) {
      const container = store.get(idOrName);
      const raw = container.record.config.Tty ?? false;
      const ended = container.shim && ((gone: AbortSignal) => container.nextExit(gone));
      await context.logs.read(logSourceOf(container), out, { ...request, raw }, ended);
    },
    prepareAttach(idOrName, request) {
      const container = store.get(idOrName);
      checkAttach(container, request);
      return { tty: container.record.config.Tty ?? false };
    },
    attach: async (idOrName, request, client) => attach(context, store.get(idOrName), request, client),
  };
}

const usesImage = ({ imageId, mounts }: ContainerRecord, id: string): boolean =>
  imageId === id || mounts.some(({ type, source }) => type === 'image' && source === id);

type Lookups = 'useRoot' | 'useSnapshot' | 'running' | 'identify' | 'networkPlace' | 'counts' | 'usersOf';

function lookups(context: ContainersContext): Pick<Containers, Lookups> {
  const { store } = context;
  return {
    async useRoot(idOrName, use) {
      const container = store.get(idOrName);
      return useRoot(context, container, (root) =>
        use(root, (action) => publish(context, container, action)),
      );
    },
    useSnapshot: async (idOrName, pause, use) => useSnapshot(context, store.get(idOrName), pause, use),
    running(id) {
      if (!store.has(id)) return undefined;
      const { shim, record } = store.get(id);
      return shim && { pid: shim.pid, cgroupParent: record.hostConfig.CgroupParent };
    },
    identify(idOrName) {
      const { id, name } = store.get(idOrName).record;
      return { id, name };
    },
    networkPlace: (idOrName) => networkPlaceOf(store, store.get(idOrName)),
    counts() {
      const counts = { running: 0, paused: 0, stopped: 0 };
      for (const { record } of store.list()) {
        if (record.state.status === 'paused') counts.paused += 1;
        else if (isActive(record.state.status)) counts.running += 1;
        else counts.stopped += 1;
      }
      return counts;
    },
    usersOf: (imageId) =>
      store
        .list()
        .filter(({ record }) => usesImage(record, imageId))
        .map(({ record }) => ({ id: record.id, name: record.name, running: isActive(record.state.status) })),
  };
}
