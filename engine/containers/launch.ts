import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import type {
  Attachment,
  AttachRequest,
  HostLine,
  NetworkFilesRequest,
  ResolverSettings,
} from '../networks/networks.ts';
import type { ResolvedMount } from '../runtime/plan-input.ts';
import type { Shim } from '../runtime/runtime.ts';
import { argvOf } from './config-merge.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, type ContainersContext } from './context.ts';
import { logSourceOf } from './log-source.ts';
import { resolveLinks, tellLinking, type LinkedContainers } from './links.ts';
import { networkModeOf, resolveNamespaces, type NetworkMode } from './modes.ts';
import { missingPropagation } from './mount-propagation.ts';
import type { MountPoint } from './record.ts';
import { parseTmpfsOptions } from './tmpfs-options.ts';
import { tellMounts, tellUnmounts } from './volume-events.ts';
import { unmountVolumes } from './volume-use.ts';

/** What a run holds outside of its processes; the record names it, so that it can be given back after a crash. */
export interface Held {
  attachment: Attachment | null;
  cgroupDirectories: string[];
}

/** A container whose PID 1 exists and waits to be let go. */
interface Launched extends Held {
  shim: Shim;
  /** Ends the process and gives everything back. */
  undo(): Promise<void>;
}

/**
 * Everything of a start up to, not including, exec: network, mounts, plan, shim, published ports. Leaves nothing
 * behind when it throws. `write` puts on disk that the container runs, while the shim makes it; `environment` is written
 * nowhere.
 */
export async function launch(
  context: ContainersContext,
  container: Container,
  { environment, write }: { environment: readonly string[]; write: (held: Held) => Promise<void> },
): Promise<Launched> {
  const { record } = container;
  const undoSteps: (() => Promise<void>)[] = [];
  const undo = async (): Promise<void> => {
    for (const step of undoSteps.reverse()) {
      await step().catch((error: unknown) =>
        context.logger.warn('undoing a start failed', { container: record.id, error: messageOf(error) }),
      );
    }
  };
  try {
    const namespaces = resolveNamespaces(context.store, record);
    undoSteps.push(() => unmountVolumes(context, record));
    const mounts = await Promise.all(record.mounts.map((mount) => resolveMount(context, record.id, mount)));
    const runDirectory = prepareRunDirectory(context, container);
    const linked = resolveLinks(context, record);
    const attachment = await attachNetworks(context, container, linked);
    undoSteps.push(() => (attachment ? context.networks.detach(record.id) : Promise.resolve()));
    tellMounts(context, record);
    undoSteps.push(async () => tellUnmounts(context, record));
    const logSource = logSourceOf(container);
    const plan = context.buildContainerPlan({
      id: record.id,
      runDirectory,
      // The container's own variables win over those of links.
      config: {
        ...record.config,
        Env: [...linked.environment, ...(record.config.Env ?? []), ...environment],
      },
      hostConfig: record.hostConfig,
      argv: argvOf(record.config),
      lower: context.images.lowerDirectories(record.imageId),
      initLayer: initLayerDirectory(context),
      upper: path.join(container.directory, 'upper'),
      work: path.join(container.directory, 'work'),
      mounts,
      files: networkFiles(context, container, attachment, linked.hosts),
      ...namespaces,
      interfaces: attachment?.interfaces ?? [],
      resolver: attachment ? context.networks.resolverOf(record.id) : null,
      cgroups: context.cgroups,
      log: context.logs.plan(logSource),
    });
    await context.logs.connect(logSource);
    undoSteps.push(async () => context.logs.ended(logSource));
    const held = { attachment, cgroupDirectories: plan.cgroup.directories };
    undoSteps.push(() => context.runtime.cleanUp(record.id, held.cgroupDirectories));
    const written = write(held);
    // Awaited below; a failing shim comes first.
    written.catch(() => undefined);
    const shim = await context.runtime.create(plan);
    undoSteps.push(async () => {
      await shim.killAll();
      await shim.exited;
    });
    if (attachment) await context.networks.publish(record.id);
    if (attachment) await tellLinking(context, record, attachment);
    await written;
    return { shim, ...held, undo };
  } catch (error) {
    await undo();
    throw error;
  }
}

/** The run directory, 0700, emptied of an earlier run. */
function prepareRunDirectory(context: ContainersContext, container: Container): string {
  const runDirectory = path.join(context.runRoot, 'containers', container.record.id);
  // Synchronous: the run root is a tmpfs, where a system call costs less than the thread pool.
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  // The shim removes it when it lets PID 1 go: an engine that finds it knows that nothing has run.
  writeFileSync(path.join(runDirectory, 'unstarted'), '');
  return runDirectory;
}

/** NetworkDisabled leaves a container alone with its loopback, whatever networks it is in. */
function modeOf({ record: { config, hostConfig } }: Pick<Container, 'record'>): NetworkMode {
  const mode = networkModeOf(hostConfig);
  return config.NetworkDisabled && mode.kind === 'network' ? { kind: 'none' } : mode;
}

async function attachNetworks(
  context: ContainersContext,
  container: Container,
  { targets }: LinkedContainers,
): Promise<Attachment | null> {
  if (modeOf(container).kind !== 'network') return null;
  return context.networks.attach({ ...attachRequestOf(container), linkedTo: targets });
}

/** What the container asks of its networks. */
export function attachRequestOf({ record, directory }: Container): AttachRequest {
  const { config, hostConfig } = record;
  return {
    containerId: record.id,
    containerName: record.name,
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    endpoints: record.endpoints,
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    portBindings: hostConfig.PortBindings ?? {},
    publishAllPorts: hostConfig.PublishAllPorts ?? false,
    resolver: resolverSettings({ record }),
    hostsFile: path.join(directory, 'hosts'),
  };
}

function resolverSettings({ record: { hostConfig } }: Pick<Container, 'record'>): ResolverSettings {
  return {
    dns: hostConfig.Dns ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
  };
}

/** /etc files: the container's own, or those of the container whose network it shares. */
function networkFiles(
  context: ContainersContext,
  { record, directory }: Container,
  attachment: Attachment | null,
  links: HostLine[],
): { hosts: string; hostname: string; resolvConf: string } {
  const mode = modeOf({ record });
  if (mode.kind === 'container') {
    const owner = context.store.get(mode.target).directory;
    return {
      hosts: path.join(owner, 'hosts'),
      hostname: path.join(owner, 'hostname'),
      resolvConf: path.join(owner, 'resolv.conf'),
    };
  }
  const { hostConfig, config } = record;
  const request: NetworkFilesRequest = {
    directory,
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    mode: mode.kind === 'network' ? 'bridge' : mode.kind,
    links,
    extraHosts: hostConfig.ExtraHosts ?? [],
    ...resolverSettings({ record }),
  };
  if (attachment) request.attachment = attachment;
  return context.networks.writeFiles(request);
}

async function resolveMount(
  context: ContainersContext,
  containerId: string,
  mount: MountPoint,
): Promise<ResolvedMount> {
  const common = {
    name: mount.name,
    target: mount.destination,
    readonly: mount.readonly,
    recursive: mount.recursive,
    readonlyRecursive: mount.recursive && mount.readonlyRecursion !== 'no',
    subpath: mount.subpath ?? '',
    layers: [],
    propagation: (mount.propagation || 'rprivate') as ResolvedMount['propagation'],
  };
  if (mount.type === 'tmpfs') {
    return { ...common, type: 'tmpfs', source: '', directory: true, ...parseTmpfsOptions(mount.options) };
  }
  if (mount.type === 'image') {
    const layers = context.images.lowerDirectories(mount.source);
    return { ...common, type: 'image', source: '', layers, directory: true, data: '', flags: [] };
  }
  if (mount.type === 'volume') {
    const source = await context.volumes.mount(mount.name, containerId);
    // Files from elsewhere keep their owners in a user namespace, as those of a bind.
    const type = context.volumes.get(mount.name).external ? 'bind' : 'volume';
    return { ...common, type, source, directory: true, data: '', flags: [] };
  }
  const unshared = await missingPropagation(mount);
  if (unshared) context.logger.warn('mounts are not propagated', { reason: unshared });
  const directory = await isDirectory(mount.source, mount.createSource);
  return { ...common, type: 'bind', source: mount.source, directory, data: '', flags: [] };
}

/** `create`: makes a missing source directory, as `-v` does. */
async function isDirectory(source: string, create: boolean): Promise<boolean> {
  try {
    return (await stat(source)).isDirectory();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    if (!create) {
      throw new EngineError(
        'invalid-argument',
        `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      );
    }
  }
  try {
    await mkdir(source, { recursive: true });
    await chmod(source, 0o755);
    return true;
  } catch (cause) {
    const message = `error while creating mount source path '${source}': ${messageOf(cause)}`;
    throw new EngineError('internal', message, { cause });
  }
}
