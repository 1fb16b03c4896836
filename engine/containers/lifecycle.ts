import { EngineError, conflict, messageOf } from '../lib/errors.ts';
import { startTimeOf } from '../lib/process-start-time.ts';
import type { ExitRecord, Shim } from '../runtime/runtime.ts';
import { argvOf } from './config-merge.ts';
import type { Container, PendingAttach } from './container.ts';
import { publish, save, saveIfPossible, type ContainersContext } from './context.ts';
import { newHealth, startHealthMonitor } from './health.ts';
import { killAndWait, notRunning, sendSignal, stopSignalOf } from './kill.ts';
import { launch, type Held } from './launch.ts';
import { logSourceOf } from './log-source.ts';
import type { ContainerRecord } from './record.ts';
import { cancelRestart, discard } from './removal.ts';
import { nextDelayMs, shouldRestart } from './restart-policy.ts';
import { toStartFailure } from './start-failure.ts';
import { ZERO_TIME, nowRfc3339, toEpochMs } from './timestamps.ts';
import { tellUnmounts } from './volume-events.ts';
import { unmountVolumes } from './volume-use.ts';

const LOST_SHIM_EXIT_CODE = 137;
const DEFAULT_STOP_TIMEOUT_SECONDS = 10;

const notModified = (): EngineError => new EngineError('not-modified', '');

/**
 * 304 when it runs already. On failure State.Error and ExitCode say why, and nothing half-made is left.
 * `environment`: variables of this run alone, which are written nowhere.
 */
export async function startContainer(
  context: ContainersContext,
  container: Container,
  environment: readonly string[] = [],
): Promise<void> {
  await container.mutex.run(async () => {
    const { status } = container.record.state;
    if (container.removing) throw conflict('container is marked for removal and cannot be started');
    if (status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
    // Between two runs counts as running, as everywhere in Docker.
    if (status === 'running' || status === 'restarting') throw notModified();
    container.restartDelayMs = 0;
    container.restartCancelled = false;
    container.record.restartCount = 0;
    await run(context, container, environment);
  });
}

/** created/exited → running; the caller holds the mutex. */
async function run(
  context: ContainersContext,
  container: Container,
  environment: readonly string[] = [],
): Promise<void> {
  const { record } = container;
  await container.settling;
  try {
    const startedAt = nowRfc3339();
    // On disk before exec: whatever runs after a crash of the engine is believed running by the next one.
    const launched = await launch(context, container, {
      environment,
      write: (held) => save(container, toRunning(record, held, { startedAt, pid: 0 })),
    });
    try {
      container.shim = launched.shim;
      context.logs.started(logSourceOf(container), launched.shim);
      Object.assign(record, toRunning(record, launched, { startedAt, pid: launched.shim.pid }));
      for (const pending of container.pendingAttaches) await connectPending(context, pending, launched.shim);
      await launched.shim.start();
    } catch (error) {
      container.shim = undefined;
      await launched.undo();
      throw error;
    }
  } catch (error) {
    await failStart(context, container, error);
  }
  container.pendingAttaches.clear();
  watchExit(context, container);
  publish(context, container, 'start');
  container.health = startHealthMonitor(context, container);
}

function toRunning(
  record: ContainerRecord,
  { attachment, cgroupDirectories }: Held,
  { startedAt, pid }: { startedAt: string; pid: number },
): ContainerRecord {
  const { finishedAt } = record.state;
  const health = newHealth(record);
  return {
    ...record,
    attachment,
    cgroupDirectories,
    manuallyStopped: false,
    state: {
      status: 'running',
      pid,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt,
      finishedAt,
      ...(health ? { health } : {}),
    },
  };
}

/** A client that cannot be connected is let go; the container starts all the same. */
async function connectPending(context: ContainersContext, pending: PendingAttach, shim: Shim): Promise<void> {
  try {
    await pending.connect(shim);
  } catch (error) {
    context.logger.warn('attaching failed', { container: shim.id, error: messageOf(error) });
    pending.abandon();
  }
}

async function failStart(context: ContainersContext, container: Container, cause: unknown): Promise<never> {
  const { record } = container;
  const { error, exitCode } = toStartFailure(cause, argvOf(record.config));
  const everRan = record.state.finishedAt !== ZERO_TIME;
  record.attachment = null;
  record.cgroupDirectories = [];
  record.state = {
    ...record.state,
    status: everRan ? 'exited' : 'created',
    pid: 0,
    exitCode,
    error: error.message,
    startedAt: everRan ? record.state.startedAt : ZERO_TIME,
  };
  for (const pending of container.pendingAttaches) pending.abandon();
  container.pendingAttaches.clear();
  await saveIfPossible(context, container);
  container.notifyExit({ exitCode });
  if (record.hostConfig.AutoRemove) await discard(context, container, { volumes: true });
  throw error;
}

/** Called once per run, also after a reconnect: what happens when PID 1 ends. */
export function watchExit(context: ContainersContext, container: Container): void {
  const { shim } = container;
  if (!shim) return;
  shim.onOom(() => void noteOom(context, container, shim));
  shim.exited
    .then((exit) => container.mutex.run(() => handleExit(context, container, shim, exit)))
    .catch((error: unknown) => {
      context.logger.error('handling an exit failed', {
        container: container.record.id,
        error: messageOf(error),
      });
    });
}

/** A process of a container that lives on was killed for want of memory. */
async function noteOom(context: ContainersContext, container: Container, shim: Shim): Promise<void> {
  if (container.shim !== shim) return;
  container.record.state.oomKilled = true;
  publish(context, container, 'oom');
  await saveIfPossible(context, container);
}

async function handleExit(
  context: ContainersContext,
  container: Container,
  shim: Shim,
  exit: ExitRecord | undefined,
): Promise<void> {
  if (container.shim !== shim) return;
  container.shim = undefined;
  shim.disconnect();
  container.health?.stop();
  await recordExit(context, container, exit);
}

/**
 * running → exited, restarting or removed; the caller holds the mutex. `exit` undefined: the shim was lost. `restarts`
 * false: whoever calls starts by policy himself.
 */
export async function recordExit(
  context: ContainersContext,
  container: Container,
  exit: ExitRecord | undefined,
  { restarts } = { restarts: true },
): Promise<void> {
  const { record } = container;
  container.execIds.clear();
  context.logs.ended(logSourceOf(container));
  await detachNetworks(context, container);
  await unmountVolumes(context, record);
  tellUnmounts(context, record);
  const exitCode = exit?.exitCode ?? LOST_SHIM_EXIT_CODE;
  const finishedAt = exit?.finishedAt ?? nowRfc3339();
  const durationMs = toEpochMs(finishedAt) - toEpochMs(record.state.startedAt);
  const newlyOutOfMemory = exit?.oomKilled === true && !record.state.oomKilled;
  record.attachment = null;
  record.state = {
    ...record.state,
    status: 'exited',
    pid: 0,
    exitCode,
    error: exit ? '' : 'the process that watched the container was lost',
    oomKilled: record.state.oomKilled || newlyOutOfMemory,
    finishedAt,
  };
  const mayFollow = !container.restartRequested && !container.removing;
  const { manuallyStopped, restartCount, hostConfig } = record;
  const ended = { exitCode, manuallyStopped, restartCount };
  const restart =
    restarts && mayFollow && !container.restartCancelled && shouldRestart(hostConfig.RestartPolicy, ended);
  const autoRemove = mayFollow && hostConfig.AutoRemove === true;
  if (restart) scheduleRestart(context, container, durationMs);
  container.settling = settle(context, container, { isKept: !autoRemove });
  if (newlyOutOfMemory) publish(context, container, 'oom');
  const execDuration = String(Math.max(0, Math.floor(durationMs / 1000)));
  publish(context, container, 'die', { exitCode: String(exitCode), execDuration });
  // Also between two runs: a client that waits is told of every exit, as in Docker.
  container.notifyExit({ exitCode });
  if (!autoRemove) return;
  await container.settling;
  await discard(context, container, { volumes: true });
}

/** In this order: until the record has the exit, the shim's own exit record is the only place on disk that tells of it. */
async function settle(
  context: ContainersContext,
  container: Container,
  { isKept }: { isKept: boolean },
): Promise<void> {
  const { id, cgroupDirectories } = container.record;
  try {
    if (isKept) await saveIfPossible(context, container);
    await context.runtime.cleanUp(id, cgroupDirectories);
  } catch (error) {
    context.logger.error('cleaning up after a run failed', { container: id, error: messageOf(error) });
  } finally {
    container.settling = undefined;
  }
}

/** A network that cannot be left must not keep the container from having ended. */
async function detachNetworks({ networks, logger }: ContainersContext, { record }: Container): Promise<void> {
  if (!record.attachment) return;
  await networks.detach(record.id).catch((error: unknown) => {
    logger.error('leaving networks failed', { container: record.id, error: messageOf(error) });
  });
}

/** exited → restarting; the next run begins after the back-off. */
function scheduleRestart(context: ContainersContext, container: Container, lastRunMs: number): void {
  container.record.state.status = 'restarting';
  container.record.restartCount += 1;
  container.restartDelayMs = nextDelayMs(container.restartDelayMs, lastRunMs);
  container.restartTimer = setTimeout(() => {
    context.ready
      .then(() => container.mutex.run(() => restartByPolicy(context, container)))
      .catch((error: unknown) => {
        context.logger.warn('restart by policy failed', {
          container: container.record.id,
          error: messageOf(error),
        });
      });
  }, container.restartDelayMs);
}

async function restartByPolicy(context: ContainersContext, container: Container): Promise<void> {
  if (container.record.state.status !== 'restarting' || container.removing) return;
  container.restartTimer = undefined;
  await run(context, container);
}

export interface StopOptions {
  /** Number; absent: the container's StopSignal. */
  signal: number | undefined;
  /** Negative: no limit; absent: the container's StopTimeout, else ten. */
  timeoutSeconds: number | undefined;
}

/** 304 when it does not run. Resolves when PID 1 has ended and the record says so. */
export async function stopContainer(
  context: ContainersContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  if (!(await stopRestarting(container))) {
    if (!container.shim) throw notModified();
    await stopRunning(context, container, options);
  }
  publish(context, container, 'stop');
}

/** true when the container was between two runs and stays stopped now. */
export async function stopRestarting(container: Container): Promise<boolean> {
  if (container.record.state.status !== 'restarting') return false;
  return container.mutex.run(async () => {
    // The next run may have begun while this waited for its turn.
    if (container.record.state.status !== 'restarting') return false;
    cancelRestart(container);
    container.record.manuallyStopped = true;
    await save(container);
    container.notifyExit({ exitCode: container.record.state.exitCode });
    return true;
  });
}

async function stopRunning(
  context: ContainersContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  const seconds =
    options.timeoutSeconds ?? container.record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS;
  const exited = container.nextExit();
  await sendSignal(context, container, options.signal ?? stopSignalOf(container)).catch((error: unknown) => {
    // It ended by itself in this very moment; then its exit comes anyway.
    context.logger.debug('stop signal failed', { container: container.record.id, error: messageOf(error) });
  });
  if (seconds < 0) {
    await exited;
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<'expired'>((resolve) => {
    timer = setTimeout(() => resolve('expired'), seconds * 1000);
  });
  const outcome = await Promise.race([exited, expired]);
  clearTimeout(timer);
  if (outcome === 'expired' && container.shim) await killAndWait(context, container);
  // It ended by itself before the signal, and its policy has planned the next run.
  await stopRestarting(container);
}

/** As the first half of a restart: neither AutoRemove nor a restart policy follows. */
export async function stopForRestart(
  context: ContainersContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  if (container.shim) {
    container.restartRequested = true;
    try {
      await stopRunning(context, container, options);
    } finally {
      container.restartRequested = false;
    }
    publish(context, container, 'stop');
  } else {
    await stopRestarting(container);
  }
}

export async function restartContainer(
  context: ContainersContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  await stopForRestart(context, container, options);
  await startContainer(context, container);
  publish(context, container, 'restart');
}

export async function pauseContainer(context: ContainersContext, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    const { record, shim } = container;
    if (record.state.status === 'paused') throw conflict(`container ${record.id} is already paused`);
    if (record.state.status === 'restarting') throw restarting(container);
    if (!shim) throw notRunning(container);
    await context.cgroups.freeze(record.id, record.hostConfig.CgroupParent);
    // Frozen it cannot end any more, but it may have ended a moment before: its exit is on the way.
    if (startTimeOf(shim.pid) === undefined) {
      await context.cgroups.thaw(record.id, record.hostConfig.CgroupParent);
      throw notRunning(container);
    }
    record.state.status = 'paused';
    container.health?.stop();
    await saveIfPossible(context, container);
    publish(context, container, 'pause');
  });
}

export async function unpauseContainer(context: ContainersContext, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    const { record } = container;
    // 500, as in Docker.
    if (record.state.status !== 'paused') {
      throw new EngineError('internal', `Container ${record.id} is not paused`);
    }
    await context.cgroups.thaw(record.id, record.hostConfig.CgroupParent);
    record.state.status = 'running';
    container.health = startHealthMonitor(context, container);
    await saveIfPossible(context, container);
    publish(context, container, 'unpause');
  });
}

export function restarting(container: Container): EngineError {
  return conflict(`Container ${container.record.id} is restarting, wait until the container is running`);
}
