import path from 'node:path';
import type { EventPublisher } from '../events/events.ts';
import type { ImageLookup } from '../images/image-store.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Logs } from '../logs/logs.ts';
import type { NetworkAttacher } from '../networks/networks.ts';
import type { CgroupDriver } from '../runtime/cgroup.ts';
import type { BuildContainerPlan, BuildExecPlan } from '../runtime/plan-input.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { VolumeStore } from '../volumes/volumes.ts';
import type { HostConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import { writeRecord } from './record.ts';
import type { ContainerStore } from './store.ts';

/** `docker top`, as it travels. */
export interface ProcessList {
  Titles: string[];
  Processes: string[][];
}

type ValidateHostConfig = (request: HostConfig) => { hostConfig: HostConfig; warnings: string[] };

/** What the composition root hands to the containers domain. */
export interface ContainersDeps {
  dataRoot: string;
  runRoot: string;
  runtime: Runtime;
  images: ImageLookup;
  volumes: VolumeStore;
  networks: NetworkAttacher;
  logs: Logs;
  cgroups: CgroupDriver;
  /** `HostConfig.Runtime`: its default, and 400 for a name that is not known. */
  runtimes: { readonly defaultName: string; check(name: string): void };
  buildContainerPlan: BuildContainerPlan;
  buildExecPlan: BuildExecPlan;
  /** 400 for what can never work; the request without what this host discards, and Docker's warnings. */
  validateHostConfig: ValidateHostConfig;
  /** The same for the limits of an update. */
  validateUpdate: ValidateHostConfig;
  /**
   * Where a path leads in a tree of layers, topmost first: each component that exists, links followed, from the root
   * down ('' is the root), and what does not exist of it.
   */
  walkFiles: (
    layers: readonly string[],
    path: string,
  ) => Promise<{ existing: { path: string; mode: number }[]; rest: string }>;
  /** What `ps` with these arguments says of host pids. */
  listProcesses: (pids: readonly number[], psArguments: string) => Promise<ProcessList>;
  events: EventPublisher;
  logger: Logger;
}

/** The deps plus what the operations share. */
export interface ContainersContext extends ContainersDeps {
  store: ContainerStore;
  /** `imageId path` of directories that images are known to have. */
  imageDirectories: Set<string>;
  /** Resolves when the engine has found everything again: no policy starts anything before. */
  ready: Promise<void>;
}

export function containersRoot(context: ContainersDeps): string {
  return path.join(context.dataRoot, 'containers');
}

export function initLayerDirectory(context: ContainersDeps): string {
  return path.join(context.dataRoot, 'init-layer');
}

/** `record`: other than the one in memory, of what is about to be. */
export async function save(container: Container, record = container.record): Promise<void> {
  await container.writes.run(() => writeRecord(container.directory, record));
}

/**
 * For what has already happened, such as an exit: a full disk must not keep it from being told, or keep the container
 * from being removed to make room.
 */
export async function saveIfPossible(context: ContainersContext, container: Container): Promise<void> {
  await save(container).catch((error: unknown) => {
    // Removed meanwhile: nothing is left to tell of.
    if (!context.store.has(container.record.id)) return;
    context.logger.error('container record not written', {
      container: container.record.id,
      error: messageOf(error),
    });
  });
}

/** An event with Docker's attributes: labels, image, name and what the action adds. */
export function publish(
  context: ContainersContext,
  container: Container,
  action: string,
  extra: Record<string, string> = {},
): void {
  const { id, name, config } = container.record;
  context.events.publish({
    type: 'container',
    action,
    actor: { id, attributes: { ...config.Labels, ...extra, image: config.Image ?? '', name } },
  });
}
