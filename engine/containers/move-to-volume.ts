import path from 'node:path';
import { conflict, EngineError, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { MountRequest } from '../wire/container.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, publish, save, type ContainersContext } from './context.ts';
import { startContainer, stopForRestart } from './lifecycle.ts';
import { planMountRequest } from './mount-request.ts';
import { isActive, type ContainerRecord, type MountPoint } from './record.ts';

interface MoveRequest {
  /** Absolute path of a directory in the container. */
  directory: string;
  /** Name of the volume to make. */
  volume: string;
}

/** Where a mount would hide what the engine or the kernel puts there. */
const RESERVED = ['/dev', '/proc', '/sys'];

/**
 * A directory in which the container wrote becomes a volume that is mounted there; a running container is stopped
 * for it and started again. It stays the same container: nothing else that it wrote is lost, and its record is
 * replaced in one step, after the volume is whole, so that a crash leaves either the old or the new.
 */
export async function moveToVolume(
  context: ContainersContext,
  container: Container,
  request: MoveRequest,
): Promise<void> {
  // Everything that can be judged is, before anything is stopped.
  const { status } = container.record.state;
  if (status === 'paused') throw conflict(`container ${container.record.id} is paused, unpause it first`);
  context.volumes.checkNew(request.volume);
  await checkDirectory(context, container, request.directory);
  const runs = isActive(status);
  if (runs) await stopForRestart(context, container, { signal: undefined, timeoutSeconds: undefined });
  try {
    await container.mutex.run(() => move(context, container, request));
  } finally {
    // As it was before, also when the move failed.
    if (runs) await startAgain(context, container);
  }
}

async function startAgain(context: ContainersContext, container: Container): Promise<void> {
  try {
    await startContainer(context, container);
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof EngineError) || error.kind !== 'not-modified') throw error;
  }
}

/** The place behind links. */
async function checkDirectory(
  context: ContainersContext,
  container: Container,
  asked: string,
): Promise<string> {
  if (!asked.startsWith('/')) throw invalidArgument(`invalid path: '${asked}' must be absolute`);
  const { existing, rest } = await context.walkFiles(layersOf(context, container), path.posix.resolve(asked));
  const place = existing.at(-1);
  if (rest !== '' || !place)
    throw notFound(`Could not find the file ${asked} in container ${container.record.id}`);
  if ((place.mode & S_IFMT) !== S_IFDIR) throw invalidArgument(`${asked} is not a directory`);
  const directory = place.path || '/';
  if (directory === '/' || RESERVED.some((reserved) => isInside(directory, reserved)))
    throw invalidArgument(`${directory} cannot be a volume`);
  const mount = container.record.mounts.find(({ destination }) => isInside(directory, destination));
  if (mount) throw conflict(`${directory} is in the ${mount.type} at ${mount.destination} already`);
  return directory;
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

const isInside = (directory: string, of: string): boolean =>
  directory === of || directory.startsWith(`${of}/`);

/** The caller holds the container's mutex. */
async function move(
  context: ContainersContext,
  container: Container,
  { directory: asked, volume: name }: MoveRequest,
): Promise<void> {
  const { record } = container;
  if (container.removing) throw conflict(`container ${record.id} is marked for removal`);
  if (container.shim) throw conflict(`container ${record.id} has been started meanwhile`);
  const { runtime, volumes } = context;
  // Once more: it may have changed until it was stopped.
  const directory = await checkDirectory(context, container, asked);
  const volume = await volumes.createFilled({ name }, (target) =>
    runtime.runTask(['copy-up', directory, target, ...layersOf(context, container)]),
  );
  const mount: MountRequest = { Type: 'volume', Source: name, Target: directory };
  const { volume: _, ...planned } = planMountRequest(mount);
  await volumes.acquire(name, record.id);
  try {
    const after = withMount(record, mount, { ...planned, name, source: volume.mountpoint });
    await save(container, { ...record, ...after });
    Object.assign(record, after);
  } catch (error) {
    await volumes.release(name, record.id);
    await volumes.remove(name, { force: true });
    throw error;
  }
  publish(context, container, 'update');
  await removeOriginal(context, container, directory);
}

function withMount(
  { hostConfig, mounts }: ContainerRecord,
  mount: MountRequest,
  point: MountPoint,
): Pick<ContainerRecord, 'hostConfig' | 'mounts'> {
  const depth = ({ destination }: MountPoint): number => destination.split('/').length;
  return {
    hostConfig: { ...hostConfig, Mounts: [...(hostConfig.Mounts ?? []), mount] },
    // Parents before what is mounted inside them.
    mounts: [...mounts, point].sort((one, other) => depth(one) - depth(other)),
  };
}

/** What the volume has now, and the mount hides. Where it cannot go, it only takes room. */
async function removeOriginal(
  { runtime, logger }: ContainersContext,
  container: Container,
  directory: string,
): Promise<void> {
  const upper = path.join(container.directory, 'upper');
  await runtime.runTask(['archive-remove', '--directory', upper, directory]).catch((error: unknown) => {
    logger.debug('moved files stay in the layer', {
      container: container.record.id,
      error: messageOf(error),
    });
  });
}

/** The container's files as the layers show them, topmost first, without what is mounted. */
function layersOf(context: ContainersContext, { record, directory }: Container): string[] {
  return [
    path.join(directory, 'upper'),
    initLayerDirectory(context),
    ...context.images.lowerDirectories(record.imageId),
  ];
}
