import { createServer } from './api/server.ts';
import { containerStreamRoutes } from './api/routes/container-streams.ts';
import { archiveRoutes } from './api/routes/archive.ts';
import { containerRoutes } from './api/routes/containers.ts';
import { eventRoutes } from './api/routes/events.ts';
import { execRoutes } from './api/routes/exec.ts';
import { fileRoutes } from './api/routes/files.ts';
import { imageRoutes, imageUsage, layersSizeBytes } from './api/routes/images.ts';
import { networkRoutes } from './api/routes/networks.ts';
import { statsRoutes } from './api/routes/stats.ts';
import { systemRoutes } from './api/routes/system.ts';
import { unsupportedRoutes } from './api/routes/unsupported.ts';
import { volumeRoutes, volumeUsage } from './api/routes/volumes.ts';
import type { EngineOptions } from './command-line.ts';
import { createContainers } from './containers/containers.ts';
import { openDataRoot } from './data-root.ts';
import { createEvents } from './events/event-log.ts';
import { createArchives } from './images/archives.ts';
import { createImages } from './images/images.ts';
import { messageOf } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';
import { findNativeBinary } from './native-binary.ts';
import { createNetworks } from './networks/create-networks.ts';
import { detectCgroups } from './runtime/cgroups/detect.ts';
import { buildContainerPlan } from './runtime/container-plan.ts';
import { buildExecPlan } from './runtime/exec-plan.ts';
import { validateHostConfig } from './runtime/host-config-validation.ts';
import { listProcesses } from './runtime/list-processes.ts';
import { createRuntime } from './runtime/shim-runtime.ts';
import { createStats } from './stats/stats-sampler.ts';
import { readSystemInfo } from './system/system-info.ts';
import { createVolumes } from './volumes/create-volumes.ts';

export interface Daemon {
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
  const { dataRoot, runRoot } = options;
  const binary = findNativeBinary();
  const root = await openDataRoot(dataRoot, runRoot);
  const parts = buildParts(options, root.engineId, binary, logger);
  return startParts([{ close: () => root.release() }, ...parts], logger);
}

function buildParts(options: EngineOptions, engineId: string, binary: string, logger: Logger): Part[] {
  const { dataRoot, runRoot, starterImage } = options;
  const runtime = createRuntime({ binary, runRoot, logger });
  const runTask = (argv: string[]): Promise<void> => runtime.runTask(argv);
  const events = createEvents({ dataRoot, logger });
  const cgroups = detectCgroups({ parent: options.cgroupParent });
  const images = createImages({ dataRoot, binary, events, logger, runTask });
  const volumes = createVolumes({ dataRoot, events, logger, runTask });
  const networks = createNetworks({
    dataRoot,
    bridgeName: options.bridge,
    defaultSubnet: options.defaultSubnet,
    events,
    logger,
  });
  const containers = createContainers({
    dataRoot,
    runRoot,
    runtime,
    images,
    volumes,
    networks,
    cgroups,
    buildContainerPlan,
    buildExecPlan,
    validateHostConfig: (hostConfig) => validateHostConfig(hostConfig, cgroups.features()),
    listProcesses,
    events,
    logger,
  });
  images.setUsers(containers);
  const archives = createArchives({ binary, roots: containers });
  const stats = createStats({ cgroups, lookup: (id) => containers.running(id) });
  const info = (): Promise<object> =>
    readSystemInfo({
      engineId,
      dataRoot,
      shimBinary: binary,
      cgroups,
      debug: options.logLevel === 'debug',
      insecureRegistries: options.insecureRegistries,
      registryMirrors: options.registryMirrors,
      containerCounts: () => containers.counts(),
      imageCount: () => images.list().length,
      eventListeners: () => events.subscriberCount(),
    });
  const server = createServer({
    socketPath: options.socketPath,
    logger,
    routes: [
      ...systemRoutes({
        info,
        diskUsage: {
          layersSizeBytes: async () => layersSizeBytes(images),
          images: async () => imageUsage(images),
          containers: () => containers.list({ all: true, limit: undefined, size: true, filters: NO_FILTERS }),
          volumes: () => volumeUsage(volumes),
        },
      }),
      ...eventRoutes({ events }),
      ...containerRoutes({ containers }),
      ...archiveRoutes({ archives }),
      ...fileRoutes({ archives }),
      ...containerStreamRoutes({ containers }),
      ...statsRoutes({ stats, containers }),
      ...execRoutes({ containers }),
      ...imageRoutes({ images }),
      ...networkRoutes({ networks }),
      ...volumeRoutes({ volumes }),
      ...unsupportedRoutes(),
    ],
  });
  return [
    events,
    { close: async () => cgroups.release() },
    runtime,
    images,
    { start: async () => (starterImage === undefined ? undefined : images.ensureStarter(starterImage)) },
    volumes,
    networks,
    containers,
    { close: async () => stats.close() },
    { start: () => networks.settle() },
    { start: async () => containers.startByPolicy() },
    server,
  ];
}

const NO_FILTERS = { has: () => false, values: () => [] };

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
