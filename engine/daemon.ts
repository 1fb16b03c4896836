import path from 'node:path';
import { createServer } from './api/server.ts';
import { buildCacheUsage, buildRoutes } from './api/routes/build.ts';
import { containerStreamRoutes } from './api/routes/container-streams.ts';
import { archiveRoutes } from './api/routes/archive.ts';
import { containerRoutes } from './api/routes/containers.ts';
import { eventRoutes } from './api/routes/events.ts';
import { execRoutes } from './api/routes/exec.ts';
import { fileRoutes } from './api/routes/files.ts';
import { imageArchiveRoutes } from './api/routes/image-archives.ts';
import { imageRoutes, imageUsage, layersSizeBytes } from './api/routes/images.ts';
import { registryRoutes } from './api/routes/registries.ts';
import { networkMapRoutes } from './api/routes/network-map.ts';
import { networkRoutes } from './api/routes/networks.ts';
import { statsRoutes } from './api/routes/stats.ts';
import type { Route } from './api/route.ts';
import { negotiateVersion } from './api/versions.ts';
import { systemRoutes, type DiskUsage } from './api/routes/system.ts';
import { unsupportedRoutes } from './api/routes/unsupported.ts';
import { volumeCopyRoutes } from './api/routes/volume-copies.ts';
import { volumeRoutes, volumeUsage } from './api/routes/volumes.ts';
import { createBuilder } from './builder/builder.ts';
import type { EngineOptions } from './command-line.ts';
import { createContainers } from './containers/containers.ts';
import { openDataRoot } from './data-root.ts';
import { createEvents } from './events/event-log.ts';
import { createArchives } from './images/archives.ts';
import { createBuildImages } from './images/build-images.ts';
import { decompress } from './images/decompress.ts';
import { createFileAccess } from './images/file-access.ts';
import { createImageFiles } from './images/image-files.ts';
import type { FileRoots } from './images/image-store.ts';
import { createImages } from './images/images.ts';
import { proxiesFrom } from './images/registry/proxies.ts';
import { createRegistries } from './images/registry/registries.ts';
import { createTreeArchives } from './images/tree-archives.ts';
import { invalidArgument, messageOf } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';
import { isGroupMapped, isRootless } from './lib/user-namespace.ts';
import { createLogs } from './logs/create-logs.ts';
import { findLayerBinary, findNativeBinary } from './native-binary.ts';
import { createNetworks } from './networks/create-networks.ts';
import { createReach } from './networks/reach/reach.ts';
import { detectCgroups } from './runtime/cgroups/detect.ts';
import { releaseNamespaces } from './rootless/namespaces.ts';
import { findUplink, NO_UPLINK } from './rootless/uplink.ts';
import { validateHostConfig, validateUpdate } from './runtime/host-config-validation.ts';
import { createRuntimes } from './runtime/oci/external-runtimes.ts';
import { CDI_DIRECTORIES } from './runtime/cdi.ts';
import { readIdMaps, toHostIds, type IdMaps } from './runtime/id-maps.ts';
import { listProcesses } from './runtime/list-processes.ts';
import { createRuntime } from './runtime/shim-runtime.ts';
import { createStats } from './stats/stats-sampler.ts';
import { goArchitecture } from './system/host.ts';
import { readSystemInfo, type InfoSources } from './system/system-info.ts';
import { createVolumes, type Volumes } from './volumes/create-volumes.ts';
import { createVolumeCopies } from './volumes/volume-copies.ts';

interface Daemon {
  /** Stops answering and leaves containers running. */
  close(): Promise<void>;
}

/** What has a lifetime, in the order of starting; closed in reverse. */
interface Part {
  start?(): Promise<void>;
  close?(): Promise<void>;
}

/** The composition root: builds every domain, hands each what it needs, starts them in the order they lean on. */
export async function startDaemon(options: EngineOptions, logger: Logger): Promise<Daemon> {
  const binary = findNativeBinary();
  const root = await openDataRoot(options.dataRoot, options.runRoot);
  const domains = createDomains(options, binary, logger);
  const info = (): Promise<object> => readSystemInfo(infoSources(options, domains, root.engineId));
  const routes = createRoutes(domains, info);
  const server = createServer({ socketPath: options.socketPath, routes, logger });
  const parts = [{ close: () => root.release() }, ...startOrder(domains, options, logger), server];
  return startParts(parts, logger);
}

/** Throws invalid-argument. */
function idMapsFor(remap: string): IdMaps {
  if (isRootless()) {
    throw invalidArgument("--userns-remap: an ordinary user's engine is in a user namespace already");
  }
  return readIdMaps(remap);
}

type Domains = ReturnType<typeof createDomains>;

function createDomains(options: EngineOptions, binary: string, logger: Logger) {
  const { dataRoot, runRoot } = options;
  const runtime = createRuntime({ binary, runRoot, logger });
  const runTask = (argv: string[]): Promise<void> => runtime.runTask(argv);
  const runtimes = createRuntimes({
    binary,
    added: options.runtimes,
    defaultName: options.defaultRuntime,
    searchPath: process.env['PATH'] ?? '',
  });
  if (options.overlay && isRootless()) {
    throw invalidArgument("--overlay-address: an ordinary user's engine has no address that others reach");
  }
  const idMaps = options.usernsRemap === undefined ? undefined : idMapsFor(options.usernsRemap);
  const events = createEvents({ dataRoot, logger });
  const cgroups = detectCgroups({ parent: options.cgroupParent });
  const images = createImages({
    dataRoot,
    binary,
    layerBinary: findLayerBinary(binary),
    layerForm: options.layerForm,
    layerLimits: options.layerLimits,
    events,
    logger,
    runTask,
    forgetLayer: (lower) => runtime.forgetLayer(lower),
  });
  const proxies = proxiesFrom(process.env);
  const registries = createRegistries({
    parts: images.parts,
    insecureRegistries: options.insecureRegistries,
    registryMirrors: options.registryMirrors,
    certificateDirectories: certificateDirectories(options),
    proxies,
    architecture: goArchitecture(),
  });
  const volumes = createVolumes({ dataRoot, events, logger, runTask, rootless: isRootless() });
  const uplink = isRootless() ? findUplink(runRoot) : undefined;
  const networks = createNetworks({
    dataRoot,
    runRoot,
    uplink: isRootless() ? (uplink ?? NO_UPLINK) : undefined,
    bridgeName: options.bridge,
    defaultSubnet: options.defaultSubnet,
    icc: options.icc,
    defaultPools: options.defaultAddressPools,
    opensForwarding: options.opensForwarding,
    overlay: options.overlay,
    events,
    logger,
    runTask,
  });
  const imageFiles = createImageFiles(binary);
  const logs = createLogs({ binary, logger, defaults: options.log });
  const containers = createContainers({
    dataRoot,
    runRoot,
    runtime,
    images,
    volumes,
    networks,
    logs,
    cgroups,
    runtimes,
    buildContainerPlan: (input) => runtimes.buildContainerPlan({ ...input, idMaps }),
    buildExecPlan: (container, request) => runtimes.buildExecPlan(container, request),
    validateHostConfig: (request) =>
      validateHostConfig(request, cgroups.features(), { remapped: idMaps !== undefined }),
    validateUpdate: (request) => validateUpdate(request, cgroups.features()),
    listProcesses,
    walkFiles: (layers, place) => imageFiles.walk(layers, place),
    events,
    logger,
  });
  images.setUsers(containers);
  const { apiVersion } = negotiateVersion('/');
  const builder = createBuilder({
    dataRoot,
    runRoot,
    images: createBuildImages(images, registries),
    files: imageFiles,
    containers: {
      ...containers,
      create: (request) =>
        containers.create(request, {
          name: undefined,
          platform: undefined,
          apiVersion,
          shortLived: true,
        }),
    },
    events,
    logger,
    decompress,
    runTask,
    toHostIds: ({ uid, gid }) => (idMaps ? toHostIds(uid, gid, idMaps) : { uid, gid }),
    platform: `linux/${goArchitecture()}`,
  });
  const archives = createArchives({ binary, roots: containers });
  const volumeFiles = createFileAccess({ binary, roots: volumeRoots(volumes), holderKind: 'volume' });
  const volumeCopies = createVolumeCopies({
    volumes,
    trees: createTreeArchives({ binary, limits: options.layerLimits }),
    keepStopped: (ids, work) => containers.keepStopped(ids, work),
    runTask,
  });
  const stats = createStats({ cgroups, lookup: (id) => containers.running(id) });
  const reach = createReach({ binary, networks, placeOf: (idOrName) => containers.networkPlace(idOrName) });
  return {
    uplink,
    runtime,
    runtimes,
    events,
    cgroups,
    images,
    registries,
    proxies,
    volumes,
    networks,
    logs,
    containers,
    builder,
    archives,
    volumeFiles,
    volumeCopies,
    stats,
    reach,
  };
}

/** Volumes as access to files sees them. */
function volumeRoots(volumes: Volumes): FileRoots {
  return {
    useRoot: (name, use) =>
      volumes.withRoot(name, (directory) => {
        const access = { kind: 'directory' as const, path: directory };
        return use({ access, readonlyRootfs: false, user: '' }, () => undefined);
      }),
  };
}

/** Docker's own directory is the user's in an ordinary user's engine. */
function certificateDirectories({ certificateDirectory }: EngineOptions): string[] {
  const { XDG_CONFIG_HOME, HOME = '/' } = process.env;
  const docker = isRootless()
    ? path.join(XDG_CONFIG_HOME || path.join(HOME, '.config'), 'docker')
    : '/etc/docker';
  return [...(certificateDirectory ? [certificateDirectory] : []), path.join(docker, 'certs.d')];
}

/** What has a lifetime, each after what it leans on; networks settle once containers have claimed their own. */
function startOrder(domains: Domains, { starterImage, runRoot }: EngineOptions, logger: Logger): Part[] {
  const {
    runtime,
    events,
    cgroups,
    images,
    registries,
    volumes,
    networks,
    logs,
    containers,
    builder,
    stats,
  } = domains;
  const offerStarter = async (): Promise<void> => {
    if (starterImage === undefined) return;
    await images.ensureStarter(starterImage).catch((error: unknown) => {
      logger.warn('starter image not loaded', { path: starterImage, error: messageOf(error) });
    });
  };
  const leaveNamespaces = (): void => {
    const { running, paused } = containers.counts();
    if (isRootless() && running + paused === 0) releaseNamespaces(runRoot);
  };
  return [
    events,
    { close: async () => cgroups.release() },
    runtime,
    images,
    { start: () => images.sweep() },
    { close: () => registries.close() },
    { start: offerStarter },
    volumes,
    networks,
    { close: () => logs.close() },
    containers,
    { close: async () => leaveNamespaces() },
    { close: async () => stats.close() },
    { start: () => builder.start() },
    { start: () => networks.settle() },
    { start: () => volumes.settle() },
    { start: async () => containers.startByPolicy() },
  ];
}

function createRoutes(domains: Domains, info: () => Promise<object>): Route[] {
  const { events, images, registries, volumes, networks, containers, builder, archives, stats, reach } =
    domains;
  const { volumeFiles, volumeCopies } = domains;
  const noFilters = { has: () => false, values: () => [] };
  const diskUsage: DiskUsage = {
    layersSizeBytes: async () => layersSizeBytes(images),
    images: async () => imageUsage(images),
    containers: () => containers.list({ all: true, limit: undefined, size: true, filters: noFilters }),
    volumes: () => volumeUsage(volumes),
    buildCache: async () => buildCacheUsage(builder),
  };
  return [
    ...systemRoutes({ info, diskUsage }),
    ...eventRoutes({ events }),
    ...containerRoutes({ containers, parsePlatform: (text) => registries.parsePlatform(text) }),
    ...archiveRoutes({ archives }),
    ...fileRoutes({ archives, containers, volumeFiles }),
    ...volumeCopyRoutes({ copies: volumeCopies }),
    ...containerStreamRoutes({ containers }),
    ...statsRoutes({ stats, containers }),
    ...execRoutes({ containers }),
    ...imageArchiveRoutes({ images, snapshots: containers }),
    ...imageRoutes({ images, registries }),
    ...registryRoutes({ registries }),
    ...buildRoutes({ builder }),
    ...networkRoutes({ networks, containers }),
    ...networkMapRoutes({ networks, reach }),
    ...volumeRoutes({ volumes }),
    ...unsupportedRoutes(),
  ];
}

function infoSources(options: EngineOptions, domains: Domains, engineId: string): InfoSources {
  const { events, cgroups, images, logs, containers, runtimes } = domains;
  return {
    engineId,
    rootlessWarnings: isRootless() ? rootlessWarnings(domains.uplink !== undefined) : [],
    dataRoot: options.dataRoot,
    runtimes: runtimes.view(),
    defaultRuntime: runtimes.defaultName,
    cgroups,
    debug: options.logLevel === 'debug',
    deviceDirectories: CDI_DIRECTORIES,
    remapped: options.usernsRemap !== undefined,
    insecureRegistries: options.insecureRegistries,
    registryMirrors: options.registryMirrors,
    proxies: domains.proxies.shown,
    containerCounts: () => containers.counts(),
    imageCount: () => images.list().length,
    logDrivers: logs.drivers,
    defaultLogDriver: logs.defaultDriver,
    eventListeners: () => events.subscriberCount(),
  };
}

function rootlessWarnings(hasUplink: boolean): string[] {
  return [
    ...(hasUplink ? [] : ['WARNING: No network outside of this engine: slirp4netns is not installed']),
    ...(isGroupMapped(1) ? [] : ['WARNING: No user and group ids but one: see subuid(5) and newuidmap(1)']),
  ];
}

/** All or nothing: when one part cannot start, those before it are closed again. */
async function startParts(parts: Part[], logger: Logger): Promise<Daemon> {
  const started: Part[] = [];
  const close = async (): Promise<void> => {
    for (const part of started.reverse()) {
      try {
        await part.close?.();
      } catch (error) {
        // The others still have to let go, the lock on the data root above all.
        logger.error('closing failed', { error: messageOf(error) });
      }
    }
  };
  try {
    for (const part of parts) {
      await part.start?.();
      started.push(part);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
