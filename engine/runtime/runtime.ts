import type { Duplex } from 'node:stream';
import type { ContainerPlan, ExecPlan, NetworkChange } from './plan.ts';

/** What the shim recorded when PID 1 ended (`exit.json`, written atomically before the shim goes). */
export interface ExitRecord {
  /** 0–255; 128 + N when killed by signal N. */
  exitCode: number;
  /** Signal number that ended it, 0: none. */
  signal: number;
  oomKilled: boolean;
  /** RFC 3339 with nanoseconds. */
  finishedAt: string;
}

/** A set-up step failed in the shim: nothing of the container is left. */
export interface StageFailure {
  /** `namespaces`, `cgroup`, `rootfs`, `mount`, `network`, `user`, `cwd`, `exec`, … */
  stage: string;
  /** Symbolic errno (`ENOENT`), '' when none applies. */
  errno: string;
  message: string;
}

export class ShimStageError extends Error {
  readonly failure: StageFailure;
  constructor(failure: StageFailure) {
    super(`${failure.stage}: ${failure.message}`);
    this.name = 'ShimStageError';
    this.failure = failure;
  }
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

/**
 * A byte stream to a container's or exec's stdio. Readable side: with a TTY the raw bytes, otherwise Docker's
 * multiplexed frames (`[stream,0,0,0,len32be]` + payload) exactly as API clients expect them, so it can be piped
 * unparsed. Writable side: raw stdin bytes; `end()` is end-of-file on stdin. It ends after the process ended and
 * all output was delivered.
 */
export type StdioStream = Duplex;

export interface ExecProcess {
  /** Pid on the host. */
  readonly pid: number;
  /** undefined when detached. */
  readonly stdio: StdioStream | undefined;
  resize(rows: number, columns: number): Promise<void>;
  /** Resolves with the exit code; rejects when the shim is lost. */
  readonly exited: Promise<number>;
}

/** One container's shim, reached over its socket. Survives the engine: `Runtime.reconnect` finds it again. */
export interface Shim {
  readonly id: string;
  /** PID 1 of the container, as seen on the host. */
  readonly pid: number;
  /** PID 1 ran already when this connection was made. */
  readonly wasRunning: boolean;
  /** Whom to tell when a process was killed for want of memory and PID 1 lives on. */
  onOom(listener: () => void): void;
  /** Lets PID 1 exec. Rejects with ShimStageError (stage `exec`, `user`, `cwd`, …). */
  start(): Promise<void>;
  /** Signals PID 1 through its pidfd. */
  kill(signal: number): Promise<void>;
  /** SIGKILL to every process of the container's cgroup. */
  killAll(): Promise<void>;
  resize(rows: number, columns: number): Promise<void>;
  /** No file of the log (format `entries`) before this one is needed any more: output that waits may go on. */
  logRead(sequence: number): Promise<void>;
  attach(options: AttachOptions): Promise<StdioStream>;
  /** Links and default routes, while it runs. Rejects with ShimStageError; then nothing that was added is left. */
  changeNetwork(change: NetworkChange): Promise<void>;
  exec(plan: ExecPlan, options: AttachOptions & { detach: boolean }): Promise<ExecProcess>;
  /** Settles once: with the record, or with `undefined` when the shim itself died without one. */
  readonly exited: Promise<ExitRecord | undefined>;
  /** Drops the control connection; the container goes on. */
  disconnect(): void;
}

export interface Runtime {
  /** Starts the zygote. */
  start(): Promise<void>;
  /** Ends the zygote; shims live on. */
  close(): Promise<void>;
  /** Everything up to, not including, exec: PID 1 exists and waits. Rejects with ShimStageError, nothing left behind. */
  create(plan: ContainerPlan): Promise<Shim>;
  /** After an engine restart: the live shim, the record it left, or undefined when neither exists. */
  reconnect(id: string): Promise<{ shim: Shim } | { exit: ExitRecord } | 'unstarted' | undefined>;
  /** Removes `<run-root>/containers/<id>` and cgroups that a killed shim left (`directories` as in the plan). */
  cleanUp(id: string, cgroupDirectories: string[]): Promise<void>;
  /**
   * Runs a subcommand of the native binary in a child of the zygote, off the event loop's critical path (no
   * spawn from Node). Rejects with its message when it exits non-zero.
   */
  runTask(argv: string[]): Promise<void>;
  /** A lower layer of plans is being removed: what is kept mounted of it is let go. */
  forgetLayer(lower: string): void;
}
