import { opendir } from 'node:fs/promises';
import { EngineError, errnoOf, isDiskFull, messageOf } from '../lib/errors.ts';
import type { Volume, VolumeCreate } from '../volumes/volumes.ts';
import type { ContainersContext } from './context.ts';
import type { ContainerRecord, MountPoint } from './record.ts';

/** The volume of a mount, which the container keeps from being removed from now on. `request`: made if need be. */
export async function useVolume(
  { volumes }: ContainersContext,
  containerId: string,
  { name }: MountPoint,
  request: VolumeCreate | undefined,
): Promise<Volume> {
  if (request) return volumes.create({ ...request, user: containerId });
  await volumes.acquire(name, containerId);
  return volumes.get(name);
}

/** What the image has at the mount's place → its volume, if that is empty; whole or not at all. */
export async function fillVolume(
  context: ContainersContext,
  containerId: string,
  lower: string[],
  mount: MountPoint,
): Promise<void> {
  const { volumes, runtime } = context;
  const { name, destination } = mount;
  try {
    // Where there is nothing to copy, only the start finds out that it cannot be mounted, as in Docker.
    if (volumes.get(name).external && !(await imageHas(context, lower, destination))) return;
    const directory = await volumes.mount(name, containerId);
    if (await hasContent(directory)) return;
    await runtime.runTask(['copy-up', destination, directory, ...lower]);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw cannotFill(error);
    // A file: a volume that is asked for by name fails when it is mounted on it.
    if (mount.specification !== 'volume') return;
    const message = `cannot mount volume over existing file, file exists ${destination}`;
    throw new EngineError('internal', message, { cause: error });
  } finally {
    await volumes.unmount(name, containerId);
  }
}

/** Throws ENOTDIR where the image has no directory but something else. */
async function imageHas(
  { runtime }: ContainersContext,
  lower: string[],
  directory: string,
): Promise<boolean> {
  try {
    await runtime.runTask(['find-directory', directory, ...lower]);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The common case, told without a task. What a copy-up that was cut off has left is no content. */
async function hasContent(directory: string): Promise<boolean> {
  for await (const { name } of await opendir(directory)) return !name.startsWith('.gantry-fill');
  return false;
}

function cannotFill(cause: unknown): EngineError {
  const kind = isDiskFull(errnoOf(cause)) ? 'no-space' : 'internal';
  return new EngineError(kind, `failed to populate volume: ${messageOf(cause)}`, { cause });
}

/** The run of a container is over. */
export async function unmountVolumes(
  { volumes }: ContainersContext,
  { id, mounts }: ContainerRecord,
): Promise<void> {
  for (const { type, name } of mounts) {
    if (type === 'volume') await volumes.unmount(name, id);
  }
}

/** A container that went on without the engine uses its volumes; so does one whose volumes somebody has unmounted. */
export async function remountVolumes(
  { volumes, logger }: ContainersContext,
  { id, mounts }: ContainerRecord,
): Promise<void> {
  for (const { type, name } of mounts) {
    if (type !== 'volume') continue;
    await volumes.mount(name, id).catch((error: unknown) => {
      logger.warn('volume of a container not mounted', { container: id, error: messageOf(error) });
    });
  }
}
