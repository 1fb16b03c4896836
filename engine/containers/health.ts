import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../lib/errors.ts';
import type { ExecProcess, StdioStream } from '../runtime/runtime.ts';
import type { HealthConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import { publish, saveIfPossible, type ContainersContext } from './context.ts';
import { commandText } from './exec-request.ts';
import { createFrameStripper } from './frames.ts';
import { resolveLinks } from './links.ts';
import type { ContainerRecord } from './record.ts';
import { formatDuration, nowRfc3339, toEpochMs } from './timestamps.ts';

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
  /** The last five probes, oldest first; those of earlier runs are among them. */
  Log: ProbeResult[];
}

export interface HealthMonitor {
  /** Ends probing. What nobody watches counts as unhealthy, as in Docker. */
  stop(): void;
  /** Ends probing and leaves the state as it is: the next engine goes on with it. */
  leave(): void;
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
/** For the output to arrive after the exit. */
const LAST_OUTPUT_MS = 2000;
const TIMED_OUT = -1;

/** What a run begins with; undefined without a health check. */
export function newHealth({ config, state }: ContainerRecord): HealthState | undefined {
  if (!toSchedule(config.Healthcheck, config.Shell)) return undefined;
  return { Status: 'starting', FailingStreak: 0, Log: state.health?.Log ?? [] };
}

/** Probes by the container's Healthcheck until stopped, going on from the state in the record. */
export function startHealthMonitor(
  context: ContainersContext,
  container: Container,
): HealthMonitor | undefined {
  const { record } = container;
  const schedule = toSchedule(record.config.Healthcheck, record.config.Shell);
  if (!schedule) return undefined;
  const startedMs = toEpochMs(record.state.startedAt);
  const state = (record.state.health ??= newHealth(record) as HealthState);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const inStartPeriod = (): boolean =>
    state.Status === 'starting' && Date.now() - startedMs < schedule.startPeriodMs;
  const scheduleNext = (): void => {
    timer = setTimeout(() => void probe(), inStartPeriod() ? schedule.startIntervalMs : schedule.intervalMs);
  };
  const probe = async (): Promise<void> => {
    const grace = inStartPeriod();
    const result = await runProbe(context, container, schedule);
    if (stopped) return;
    const before = state.Status;
    applyProbe(state, result, { retries: schedule.retries, grace });
    scheduleNext();
    if (state.Status === before) return;
    publish(context, container, `health_status: ${state.Status}`);
    await saveIfPossible(context, container);
  };
  const leave = (): void => {
    stopped = true;
    clearTimeout(timer);
  };
  scheduleNext();
  return {
    leave,
    stop() {
      leave();
      state.Status = 'unhealthy';
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
  const argv = kind === 'CMD-SHELL' ? [...(shell?.length ? shell : ['/bin/sh', '-c']), ...words] : words;
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

/** An exec session but for its inspect: told by the same events, and killed when it takes too long. */
async function runProbe(
  context: ContainersContext,
  container: Container,
  { argv, timeoutMs }: Schedule,
): Promise<ProbeResult> {
  const Start = nowRfc3339();
  const finish = (ExitCode: number, Output: string): ProbeResult => ({
    Start,
    End: nowRfc3339(),
    ExitCode,
    Output,
  });
  const execID = randomBytes(32).toString('hex');
  const tell = (action: string, extra: object = {}): void =>
    publish(context, container, action, { execID, ...extra });
  try {
    const { shim } = container;
    if (!shim) return finish(TIMED_OUT, 'container is not running');
    const plan = context.buildExecPlan(container.record, {
      id: execID,
      argv,
      env: resolveLinks(context, container.record).environment,
      cwd: '',
      user: '',
      tty: false,
      openStdin: false,
      privileged: false,
      rows: 0,
      columns: 0,
    });
    tell(`exec_create: ${commandText(argv)}`);
    tell(`exec_start: ${commandText(argv)}`);
    const process = await shim.exec(plan, { stdin: false, stdout: true, stderr: true, detach: false });
    const output = collectOutput(process.stdio);
    const { exitCode, expired } = await withTimeout(process, timeoutMs);
    tell('exec_die', { exitCode: String(exitCode) });
    // A child of the probe may hold its output open for ever.
    if (!expired) await Promise.race([output.ended, delay(LAST_OUTPUT_MS, undefined, { ref: false })]);
    process.stdio?.destroy();
    const text = output.text();
    if (!expired) return finish(exitCode, text);
    const said = text === '' ? '' : `: ${text}`;
    return finish(TIMED_OUT, `Health check exceeded timeout (${formatDuration(timeoutMs)})${said}`);
  } catch (error) {
    return finish(TIMED_OUT, messageOf(error));
  }
}

/** What the probe wrote so far, cut off with `...` as Docker does. */
function collectOutput(stdio: StdioStream | undefined): { text: () => string; ended: Promise<void> } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const text = (): string => {
    const kept = Buffer.concat(chunks).subarray(0, OUTPUT_BYTES).toString();
    return bytes > OUTPUT_BYTES ? `${kept}...` : kept;
  };
  const reader = createFrameStripper();
  const ended = new Promise<void>((resolve) => {
    reader.on('data', (chunk: Buffer) => {
      if (bytes < OUTPUT_BYTES) chunks.push(chunk);
      bytes += chunk.length;
    });
    reader.on('end', resolve);
    stdio?.on('error', resolve).on('close', resolve).pipe(reader);
  });
  return { text, ended: stdio ? ended : Promise.resolve() };
}

async function withTimeout(
  { pid, exited }: ExecProcess,
  timeoutMs: number,
): Promise<{ exitCode: number; expired: boolean }> {
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    killPid(pid);
  }, timeoutMs);
  const exitCode = await exited.finally(() => clearTimeout(timer));
  return { exitCode, expired };
}

/** The probe is a child of the shim, unreaped until its exit is reported: its pid cannot be another's. */
function killPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended in this very moment.
  }
}
