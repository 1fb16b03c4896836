import { conflict, messageOf, type EngineError } from '../lib/errors.ts';
import type { Container, ExitResult } from './container.ts';
import { publish, saveIfPossible, type ContainersContext } from './context.ts';
import { SIGKILL, SIGTERM, parseSignal } from '../lib/signals.ts';

export function notRunning(container: Container): EngineError {
  return conflict(`container ${container.record.id} is not running`);
}

/** The signal that `docker stop` begins with. */
export function stopSignalOf(container: Container): number {
  const name = container.record.config.StopSignal;
  return name ? parseSignal(name) : SIGTERM;
}

/** Whether Docker takes the signal for the end of the run: SIGKILL, StopSignal, and without a StopSignal every one. */
export function endsRun({ record: { config } }: Container, signal: number): boolean {
  return signal === SIGKILL || !config.StopSignal || signal === parseSignal(config.StopSignal);
}

/**
 * Sends a signal to PID 1 and says so in an event. Any signal counts as the user's doing for `unless-stopped`. One
 * that means the end cancels the restart policy of this run and resumes a paused container: a frozen process takes no
 * signal.
 */
export async function sendSignal(
  context: ContainersContext,
  container: Container,
  signal: number,
): Promise<void> {
  const { record } = container;
  const final = endsRun(container, signal);
  if (final) container.restartCancelled = true;
  if (!record.manuallyStopped) {
    record.manuallyStopped = true;
    await saveIfPossible(context, container);
  }
  if (record.state.status === 'restarting') return;
  const { shim } = container;
  if (!shim) throw notRunning(container);
  await shim.kill(signal);
  if (final && record.state.status === 'paused') {
    await context.cgroups.thaw(record.id, record.hostConfig.CgroupParent).catch((error: unknown) => {
      // Where cgroup.freeze lets SIGKILL through, the cgroup may be gone by now.
      context.logger.debug('resuming a killed container failed', {
        container: record.id,
        error: messageOf(error),
      });
    });
  }
  publish(context, container, 'kill', { signal: String(signal) });
}

/** SIGKILL, then to every process of the cgroup in case PID 1 does not go; resolves when it has ended. */
export async function killAndWait(
  context: ContainersContext,
  container: Container,
): Promise<ExitResult | undefined> {
  const { shim } = container;
  if (!shim) {
    // Its exit may be on its way into the record this very moment.
    await container.mutex.run(() => Promise.resolve());
    return undefined;
  }
  const exited = container.nextExit();
  await sendSignal(context, container, SIGKILL)
    .then(() => shim.killAll())
    .catch((error: unknown) => {
      // It ended by itself in this very moment; then its exit comes anyway.
      context.logger.debug('kill failed', { container: container.record.id, error: messageOf(error) });
    });
  return exited;
}
