import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { ShimStageError, type Shim } from '../runtime/runtime.ts';
import { Container } from './container.ts';
import { containersRoot, saveIfPossible, type ContainersContext } from './context.ts';
import { startHealthMonitor } from './health.ts';
import { recordExit, startContainer, watchExit } from './lifecycle.ts';
import { logSourceOf } from './log-source.ts';
import { isActive, readRecord, type ContainerRecord } from './record.ts';
import { discard, moveToTrash, sweepTrash } from './removal.ts';
import { shouldRestart } from './restart-policy.ts';
import { ZERO_TIME } from './timestamps.ts';
import { remountVolumes } from './volume-use.ts';

/** What is there of a container's last run. */
type Found = Awaited<ReturnType<ContainersContext['runtime']['reconnect']>>;

/** As of a start that failed for a reason of the runtime's. */
const CUT_OFF_EXIT_CODE = 128;

/**
 * Finds every container again: what lives goes on, what ended while nobody looked gets its true exit code, what was
 * half-made or half-removed goes. One damaged record never keeps the others from coming back.
 */
export async function recover(context: ContainersContext): Promise<void> {
  await mkdir(containersRoot(context), { recursive: true, mode: 0o710 });
  await sweepTrash(context);
  const { containers, unfinished } = await loadAll(context);
  const searches = containers.map((container) => lookFor(context, container));
  for (const [index, container] of containers.entries()) {
    try {
      const found = await searches[index];
      await container.mutex.run(() => recoverOne(context, container, found));
    } catch (error) {
      context.logger.error('recovering a container failed', {
        container: container.record.id,
        error: messageOf(error),
      });
    }
  }
  for (const id of unfinished) await removeUnfinished(context, id);
  await sweepRuns(context);
}

/** What is left of a run whose container was removed before its exit was on disk. */
async function sweepRuns(context: ContainersContext): Promise<void> {
  const runs = path.join(context.runRoot, 'containers');
  if (!existsSync(runs)) return;
  for (const id of await readdir(runs)) {
    const isRemoved = !existsSync(path.join(containersRoot(context), id));
    if (isRemoved && existsSync(path.join(runs, id, 'exit.json'))) await context.runtime.cleanUp(id, []);
  }
}

/** Of a container that was never whole; when the users of all volumes are known. The mark goes last. */
async function removeUnfinished(context: ContainersContext, id: string): Promise<void> {
  const { volumes, logger } = context;
  try {
    for (const { name } of volumes.list().filter(({ madeFor }) => madeFor === id)) {
      await volumes.remove(name, { force: true });
    }
    await moveToTrash(context, path.join(containersRoot(context), id), id);
  } catch (error) {
    logger.error('an unfinished container is not wholly removed', { container: id, error: messageOf(error) });
  }
}

/** All at once: what takes time is the shims' answers. */
function lookFor({ runtime }: ContainersContext, { record }: Container): Promise<Found> {
  const found =
    record.state.status === 'removing' ? Promise.resolve(undefined) : runtime.reconnect(record.id);
  // Awaited when it is this container's turn.
  found.catch(() => undefined);
  return found;
}

/** Starts what the restart policies ask for; after every container is known. */
export function startByPolicy(context: ContainersContext): void {
  for (const container of context.store.list()) {
    const { state, hostConfig, manuallyStopped, restartCount } = container.record;
    if (isActive(state.status) || container.removing || state.startedAt === ZERO_TIME) continue;
    const ended = { exitCode: state.exitCode, manuallyStopped, restartCount };
    if (!shouldRestart(hostConfig.RestartPolicy, ended)) continue;
    startContainer(context, container).catch((error: unknown) => {
      context.logger.warn('start by restart policy failed', {
        container: container.record.id,
        error: messageOf(error),
      });
    });
  }
}

/** `unfinished`: IDs of those whose creation was cut off, or that an AutoRemove has lost; their files go. */
async function loadAll(
  context: ContainersContext,
): Promise<{ containers: Container[]; unfinished: string[] }> {
  const containers: Container[] = [];
  const unfinished: string[] = [];
  for (const name of await readdir(containersRoot(context))) {
    const directory = path.join(containersRoot(context), name);
    try {
      const record = readRecord(directory);
      if (record) containers.push(addToStore(context, record, directory));
      else unfinished.push(name);
    } catch (error) {
      context.logger.error('a container record is damaged, the container is left alone', {
        directory,
        error: messageOf(error),
      });
    }
  }
  return { containers, unfinished };
}

function addToStore(context: ContainersContext, record: ContainerRecord, directory: string): Container {
  const container = new Container(record, directory);
  try {
    context.store.add(container);
  } catch {
    // A rename that was cut off can leave two records with one name.
    record.name = `${record.name}_${randomUUID().slice(0, 8)}`;
    context.store.add(container);
  }
  return container;
}

async function recoverOne(context: ContainersContext, container: Container, found: Found): Promise<void> {
  const { record } = container;
  const { status } = record.state;
  await acquireVolumes(context, record);
  // Marked because it was about to lose its anonymous volumes.
  if (status === 'removing') return discard(context, container, { volumes: true });
  if (status === 'running' || status === 'paused') return reconnect(context, container, found);
  // The engine ended in the middle of a back-off.
  if (status === 'restarting') record.state.status = 'exited';
  // A start that was cut off before the record said `running`: undone.
  if (typeof found === 'object' && 'shim' in found) {
    await found.shim.killAll();
    await found.shim.exited;
  }
  await context.runtime.cleanUp(record.id, record.cgroupDirectories);
  context.logs.ended(logSourceOf(container));
  if (record.hostConfig.AutoRemove && status === 'exited')
    await discard(context, container, { volumes: true });
}

/** A volume whose container exists stays in use, whoever removed its directory meanwhile. */
async function acquireVolumes(
  { volumes, logger }: ContainersContext,
  record: ContainerRecord,
): Promise<void> {
  for (const { type, name } of record.mounts) {
    if (type !== 'volume') continue;
    await volumes.acquire(name, record.id).catch((error: unknown) => {
      logger.warn('volume of a container is missing', { container: record.id, error: messageOf(error) });
    });
  }
}

/** The record says `running` a moment before PID 1 is let go: an engine that was killed in between left it waiting. */
async function finishStart({ logger }: ContainersContext, shim: Shim): Promise<void> {
  if (shim.wasRunning) return;
  try {
    await shim.start();
    logger.info('finished a start that had been cut off', { container: shim.id });
  } catch (error) {
    if (error instanceof ShimStageError && error.failure.errno === 'EALREADY') return;
    // The shim ends with a failed start, and the exit handler does the rest.
    logger.warn('finishing a start failed', { container: shim.id, error: messageOf(error) });
  }
}

/** Nothing has run, whatever the record says, and no client was told so: as if the start had not been. */
async function undoStart(context: ContainersContext, container: Container): Promise<void> {
  const { record } = container;
  const everRan = record.state.finishedAt !== ZERO_TIME;
  await context.runtime.cleanUp(record.id, record.cgroupDirectories);
  record.attachment = null;
  record.cgroupDirectories = [];
  record.state = {
    ...record.state,
    status: everRan ? 'exited' : 'created',
    exitCode: everRan ? CUT_OFF_EXIT_CODE : 0,
    error: everRan ? 'the engine ended while it was starting the container' : '',
    startedAt: everRan ? record.state.startedAt : ZERO_TIME,
  };
  await saveIfPossible(context, container);
  if (everRan && record.hostConfig.AutoRemove) await discard(context, container, { volumes: true });
}

async function reconnect(context: ContainersContext, container: Container, found: Found): Promise<void> {
  const { record } = container;
  if (found === 'unstarted') return undoStart(context, container);
  if (found && 'shim' in found) {
    container.shim = found.shim;
    context.logs.started(logSourceOf(container), found.shim);
    record.state.pid = found.shim.pid;
    await remountVolumes(context, record);
    watchExit(context, container);
    await finishStart(context, found.shim);
    if (record.attachment) {
      await context.networks.restore(record.id, record.attachment, (_, change) =>
        found.shim.changeNetwork(change),
      );
    }
    if (record.state.status === 'running') container.health = startHealthMonitor(context, container);
    return;
  }
  context.logger.info('container ended while the engine was away', {
    container: record.id,
    exitCode: found?.exit.exitCode,
  });
  await recordExit(context, container, found?.exit, { restarts: false });
}
