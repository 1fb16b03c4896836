import { readdir } from 'node:fs/promises';
import { EngineError, messageOf } from '../lib/errors.ts';
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

/** What the image has at the mount's place → its volume, if that is empty; nothing when there is no directory. */
export async function fillVolume(
  context: ContainersContext,
  containerId: string,
  lower: string[],
  { name, destination }: MountPoint,
): Promise<void> {
  const directory = await context.volumes.mount(name, containerId).catch((error: unknown) => {
    throw new EngineError('internal', `failed to populate volume: ${messageOf(error)}`, { cause: error });
  });
  try {
    if ((await readdir(directory)).length > 0) return;
    await context.runtime.runTask(['copy-up', destination, directory, ...lower]);
  } finally {
    await context.volumes.unmount(name, containerId);
  }
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
