import { createServer } from './api/server.ts';
import { eventRoutes } from './api/routes/events.ts';
import { imageRoutes, imageUsage, layersSizeBytes } from './api/routes/images.ts';
import { networkRoutes } from './api/routes/networks.ts';
import { systemRoutes } from './api/routes/system.ts';
import { unsupportedRoutes } from './api/routes/unsupported.ts';
import { volumeRoutes, volumeUsage } from './api/routes/volumes.ts';
import type { EngineOptions } from './command-line.ts';
import { openDataRoot } from './data-root.ts';
import { createEvents } from './events/event-log.ts';
import { createImages } from './images/images.ts';
import { startNative } from './images/native-process.ts';
import type { Logger } from './lib/logger.ts';
import { findNativeBinary } from './native-binary.ts';
import { createNetworks } from './networks/create-networks.ts';
import { detectCgroups } from './runtime/cgroups/detect.ts';
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
  return startParts([{ close: () => root.release() }, ...buildParts(options, root.engineId, binary, logger)]);
}

function buildParts(options: EngineOptions, engineId: string, binary: string, logger: Logger): Part[] {
  const { dataRoot, starterImage } = options;
  const runTask = (argv: string[]): Promise<void> =>
    startNative(binary, argv, { stdin: 'ignore', stdout: 'ignore' }).exited;
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
  const info = (): Promise<object> =>
    readSystemInfo({
      engineId,
      dataRoot,
      shimBinary: binary,
      cgroups,
      debug: options.logLevel === 'debug',
      insecureRegistries: options.insecureRegistries,
      registryMirrors: options.registryMirrors,
      containerCounts: () => ({ running: 0, paused: 0, stopped: 0 }),
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
          containers: async () => [],
          volumes: () => volumeUsage(volumes),
        },
      }),
      ...eventRoutes({ events }),
      ...imageRoutes({ images }),
      ...networkRoutes({ networks }),
      ...volumeRoutes({ volumes }),
      ...unsupportedRoutes(),
    ],
  });
  return [
    events,
    { close: async () => cgroups.release() },
    images,
    { start: async () => (starterImage === undefined ? undefined : images.ensureStarter(starterImage)) },
    volumes,
    networks,
    { start: () => networks.settle() },
    server,
  ];
}

/** All or nothing: when one part cannot start, those before it are closed again. */
async function startParts(parts: Part[]): Promise<Daemon> {
  const started: Part[] = [];
  const close = async (): Promise<void> => {
    for (const part of started.reverse()) await part.close?.();
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
