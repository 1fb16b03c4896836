import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { conflict, errnoOf, messageOf, type EngineError } from '../lib/errors.ts';
import type { Container } from './container.ts';
import { publish, saveIfPossible, type ContainersContext } from './context.ts';
import { killAndWait } from './kill.ts';
import { isActive, type ContainerRecord, type MountPoint } from './record.ts';
import { unlimitStorage } from './storage-size.ts';

export interface RemoveOptions {
  force: boolean;
  /** Anonymous volumes go too. */
  volumes: boolean;
}

/** `calledAs`: the name or ID that the client used, which is how Docker's texts call the container. */
type Removal = RemoveOptions & { calledAs: string };

const TRASH_PREFIX = 'container-';

/** Docker's `rm`: refuses what runs unless forced. The files go in the background; the name is free at once. */
export async function removeContainer(
  context: ContainersContext,
  container: Container,
  options: Removal,
): Promise<void> {
  if (container.removing) {
    throw conflict(`removal of container ${options.calledAs} is already in progress`);
  }
  if (isActive(container.record.state.status) && !options.force) throw cannotRemove(container, options);
  container.removing = true;
  try {
    // Under the mutex: a restart may have begun, and then there is something to kill.
    await container.mutex.run(async () => cancelRestart(container));
    for (let done = false; !done;) {
      await killAndWait(context, container);
      done = await container.mutex.run(() => discardStopped(context, container, options));
    }
  } catch (error) {
    container.removing = false;
    throw error;
  }
}

/** false when a start that was under way has made it run meanwhile. */
async function discardStopped(
  context: ContainersContext,
  container: Container,
  options: Removal,
): Promise<boolean> {
  // AutoRemove was faster.
  if (!context.store.has(container.record.id)) return true;
  if (!container.shim) {
    await discard(context, container, options);
    return true;
  }
  if (!options.force) throw cannotRemove(container, options);
  return false;
}

/**
 * Removes a container that does not run; the caller holds its mutex. After a crash in between the container is still
 * whole; when it is about to lose volumes it is marked on disk first, and the next start of the engine goes on.
 */
export async function discard(
  context: ContainersContext,
  container: Container,
  options: { volumes: boolean },
): Promise<void> {
  const { record } = container;
  container.removing = true;
  const { exitCode, status } = record.state;
  record.state.status = 'removing';
  const doomed = options.volumes ? record.mounts.filter(isAnonymousVolume) : [];
  // AutoRemove is itself the mark: a container that has it and has run is removed at the next start in any case.
  const isMarked = record.hostConfig.AutoRemove === true && status !== 'created';
  if (doomed.length > 0 && !isMarked) await saveIfPossible(context, container);
  await releaseHeld(context, record);
  for (const { name } of doomed) {
    await context.volumes.remove(name, { force: true }).catch((error: unknown) => {
      // Another container may have taken it over by VolumesFrom.
      context.logger.debug('anonymous volume stays', { volume: name, reason: messageOf(error) });
    });
  }
  await context.logs.settle(record.id);
  if (record.hostConfig.StorageOpt?.['size']) await unlimit(context, container);
  await moveToTrash(context, container.directory, record.id);
  context.store.remove(container);
  if (container.settling) await context.runtime.cleanUp(record.id, record.cgroupDirectories);
  for (const pending of container.pendingAttaches) pending.abandon();
  publish(context, container, 'destroy');
  container.notifyExit({ exitCode });
  container.notifyRemoved({ exitCode });
}

/** Also one taken over by VolumesFrom: whoever uses it last removes it. */
const isAnonymousVolume = ({ type, anonymous }: MountPoint): boolean => type === 'volume' && anonymous;

async function releaseHeld({ images, volumes }: ContainersContext, record: ContainerRecord): Promise<void> {
  await images.release(record.imageId, record.id);
  for (const { type, name, source } of record.mounts) {
    if (type === 'volume') await volumes.release(name, record.id);
    if (type === 'image') await images.release(source, record.id);
  }
}

async function unlimit(
  { runtime, logger }: ContainersContext,
  { record, directory }: Container,
): Promise<void> {
  await unlimitStorage(runtime, record.id, directory).catch((error: unknown) => {
    logger.warn('quota not given back', { container: record.id, error: messageOf(error) });
  });
}

/** One rename makes the container gone; deleting thousands of files needs no waiting client. */
export async function moveToTrash(context: ContainersContext, directory: string, id: string): Promise<void> {
  const trash = path.join(context.dataRoot, 'trash');
  const target = path.join(trash, `${TRASH_PREFIX}${id}-${randomBytes(4).toString('hex')}`);
  try {
    renameSync(directory, target);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await mkdir(trash, { recursive: true, mode: 0o700 });
    renameSync(directory, target);
  }
  removeInBackground(context, target);
}

/** What earlier runs of the engine did not get to delete. */
export async function sweepTrash(context: ContainersContext): Promise<void> {
  const trash = path.join(context.dataRoot, 'trash');
  await mkdir(trash, { recursive: true, mode: 0o700 });
  for (const name of await readdir(trash)) {
    if (name.startsWith(TRASH_PREFIX)) removeInBackground(context, path.join(trash, name));
  }
}

function removeInBackground({ runtime, logger }: ContainersContext, target: string): void {
  runtime.runTask(['remove-tree', target]).catch((error: unknown) => {
    logger.warn('removing files failed, they stay in the trash', { path: target, error: messageOf(error) });
  });
}

export function cancelRestart(container: Container): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = undefined;
  container.restartDelayMs = 0;
  if (container.record.state.status === 'restarting') container.record.state.status = 'exited';
}

function cannotRemove(container: Container, { calledAs }: Removal): EngineError {
  return conflict(`cannot remove container "${calledAs}": ${whyNot(container)}`);
}

function whyNot({ record }: Container): string {
  if (record.state.status === 'paused') return 'container is paused and must be unpaused first';
  const state = record.state.status === 'restarting' ? 'restarting' : 'running';
  return `container is ${state}: stop the container before removing or force remove`;
}
