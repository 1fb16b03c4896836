import { messageOf } from '../lib/errors.ts';
import type { HealthConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import { publish, type ContainersContext } from './context.ts';
import { createFrameStripper } from './frames.ts';
import { nowRfc3339 } from './timestamps.ts';
import { randomBytes } from 'node:crypto';

export interface ProbeResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

/** State.Health as inspect shows it. */
export interface HealthState {
  Status: 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  /** The last five probes, oldest first. */
  Log: ProbeResult[];
}

export interface HealthMonitor {
  readonly state: HealthState;
  stop(): void;
}

interface Schedule {
  argv: string[];
  intervalMs: number;
  timeoutMs: number;
  startPeriodMs: number;
  startIntervalMs: number;
  retries: number;
}

const NS_PER_MS = 1e6;
const KEPT_PROBES = 5;
const OUTPUT_BYTES = 4096;
const TIMED_OUT = -1;

/** Probes by the container's Healthcheck until stopped; undefined when it has none. */
export function startHealthMonitor(
  context: ContainersContext,
  container: Container,
): HealthMonitor | undefined {
  const schedule = toSchedule(container.record.config.Healthcheck, container.record.config.Shell);
  if (!schedule) return undefined;
  const startedMs = Date.now();
  const state: HealthState = { Status: 'starting', FailingStreak: 0, Log: [] };
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const inStartPeriod = (): boolean =>
    state.Status === 'starting' && Date.now() - startedMs < schedule.startPeriodMs;
  const scheduleNext = (): void => {
    timer = setTimeout(() => void probe(), inStartPeriod() ? schedule.startIntervalMs : schedule.intervalMs);
  };
  const probe = async (): Promise<void> => {
    const grace = inStartPeriod();
    if (container.record.state.status === 'running') {
      const result = await runProbe(context, container, schedule);
      if (stopped) return;
      const before = state.Status;
      applyProbe(state, result, { retries: schedule.retries, grace });
      if (state.Status !== before) publish(context, container, `health_status: ${state.Status}`);
    }
    if (!stopped) scheduleNext();
  };
  scheduleNext();
  return {
    state,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** One probe's outcome: a success heals at once, `retries` failures in a row outside the start period do not. */
export function applyProbe(
  state: HealthState,
  result: ProbeResult,
  { retries, grace }: { retries: number; grace: boolean },
): void {
  state.Log.push(result);
  if (state.Log.length > KEPT_PROBES) state.Log.shift();
  if (result.ExitCode === 0) {
    state.Status = 'healthy';
    state.FailingStreak = 0;
  } else if (!grace) {
    state.FailingStreak += 1;
    if (state.FailingStreak >= retries) state.Status = 'unhealthy';
  }
}

/** Docker's defaults: every 30 s, 30 s each, three failures, in the start period every 5 s. */
export function toSchedule(
  check: HealthConfig | null | undefined,
  shell: string[] | null | undefined,
): Schedule | undefined {
  const [kind = '', ...words] = check?.Test ?? [];
  if (!check || kind === '' || kind === 'NONE') return undefined;
  const argv =
    kind === 'CMD-SHELL' ? [...(shell?.length ? shell : ['/bin/sh', '-c']), words.join(' ')] : words;
  const ms = (ns: number | undefined, whenAbsent: number): number => (ns ? ns / NS_PER_MS : whenAbsent);
  return {
    argv,
    intervalMs: ms(check.Interval, 30_000),
    timeoutMs: ms(check.Timeout, 30_000),
    startPeriodMs: ms(check.StartPeriod, 0),
    startIntervalMs: ms(check.StartInterval, 5_000),
    retries: check.Retries || 3,
  };
}

async function runProbe(
  context: ContainersContext,
  container: Container,
  schedule: Schedule,
): Promise<ProbeResult> {
  const Start = nowRfc3339();
  const finish = (ExitCode: number, Output: string): ProbeResult => ({
    Start,
    End: nowRfc3339(),
    ExitCode,
    Output,
  });
  try {
    const plan = context.buildExecPlan(container.record, {
      id: randomBytes(32).toString('hex'),
      argv: schedule.argv,
      env: [],
      cwd: '',
      user: '',
      tty: false,
      openStdin: false,
      privileged: false,
      rows: 0,
      columns: 0,
    });
    if (!container.shim) return finish(TIMED_OUT, 'container is not running');
    const streams = { stdin: false, stdout: true, stderr: true, detach: false };
    const process = await container.shim.exec(plan, streams);
    let output = '';
    const reader = process.stdio?.pipe(createFrameStripper());
    reader?.on('data', (chunk: Buffer) => {
      if (output.length < OUTPUT_BYTES) output = (output + chunk.toString()).slice(0, OUTPUT_BYTES);
    });
    process.stdio?.on('error', () => reader?.end());
    const exitCode = await withTimeout(process.exited, schedule.timeoutMs, () => killPid(process.pid));
    if (exitCode !== undefined) return finish(exitCode, output);
    return finish(TIMED_OUT, `Health check exceeded timeout (${schedule.timeoutMs / 1000}s): ${output}`);
  } catch (error) {
    return finish(TIMED_OUT, messageOf(error));
  }
}

async function withTimeout(
  exited: Promise<number>,
  timeoutMs: number,
  kill: () => void,
): Promise<number | undefined> {
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    kill();
  }, timeoutMs);
  const exitCode = await exited.finally(() => clearTimeout(timer));
  return expired ? undefined : exitCode;
}

/** The probe is a child of the shim, unreaped until its exit is reported: its pid cannot be another's. */
function killPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended in this very moment.
  }
}
