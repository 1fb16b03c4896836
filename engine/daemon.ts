import { createServer } from './api/server.ts';
import { eventRoutes } from './api/routes/events.ts';
import { networkRoutes } from './api/routes/networks.ts';
import { systemRoutes } from './api/routes/system.ts';
import { unsupportedRoutes } from './api/routes/unsupported.ts';
import type { EngineOptions } from './command-line.ts';
import { openDataRoot } from './data-root.ts';
import { createEvents } from './events/event-log.ts';
import type { Logger } from './lib/logger.ts';
import { createNetworks } from './networks/create-networks.ts';
import { readSystemInfo } from './system/system-info.ts';

export interface Daemon {
  /** Stops answering and leaves containers running. */
  close(): Promise<void>;
}

/** The composition root: builds every domain, hands each what it needs, starts them in the order they lean on. */
export async function startDaemon(options: EngineOptions, logger: Logger): Promise<Daemon> {
  const { dataRoot, runRoot, socketPath } = options;
  const root = await openDataRoot(dataRoot, runRoot);
  const events = createEvents({ dataRoot, logger });
  const networks = createNetworks({
    dataRoot,
    bridgeName: options.bridge,
    defaultSubnet: options.defaultSubnet,
    events,
    logger,
  });
  const info = (): Promise<object> =>
    readSystemInfo({
      engineId: root.engineId,
      dataRoot,
      shimBinary: '',
      cgroupVersion: 1,
      debug: options.logLevel === 'debug',
      insecureRegistries: options.insecureRegistries,
      registryMirrors: options.registryMirrors,
      containerCounts: () => ({ running: 0, paused: 0, stopped: 0 }),
      imageCount: () => 0,
      eventListeners: () => 0,
    });
  const server = createServer({
    socketPath,
    logger,
    routes: [
      ...systemRoutes({
        info,
        diskUsage: {
          layersSizeBytes: async () => 0,
          images: async () => [],
          containers: async () => [],
          volumes: async () => [],
        },
      }),
      ...eventRoutes({ events }),
      ...networkRoutes({ networks }),
      ...unsupportedRoutes(),
    ],
  });
  const started: { close(): Promise<void> }[] = [{ close: () => root.release() }];
  const closeStarted = async (): Promise<void> => {
    for (const part of started.reverse()) await part.close();
  };
  try {
    for (const part of [events, networks, server]) {
      if (part === server) await networks.settle();
      await part.start();
      started.push(part);
    }
  } catch (error) {
    await closeStarted();
    throw error;
  }
  return { close: closeStarted };
}
