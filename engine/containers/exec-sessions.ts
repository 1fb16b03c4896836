import { randomBytes } from 'node:crypto';
import type { Duplex, Transform } from 'node:stream';
import { EngineError, conflict, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { ExecProcess } from '../runtime/runtime.ts';
import {
  commandText,
  readExecCreate,
  readExecStart,
  type ExecCreateRequest,
  type ExecStartRequest,
} from './exec-request.ts';
import type { Container } from './container.ts';
import { publish, type ContainersContext } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { createFramer, createFrameStripper, frameHeader } from './frames.ts';
import { notRunning } from './kill.ts';
import { restarting } from './lifecycle.ts';
import { resolveLinks } from './links.ts';
import { toExecFailure } from './start-failure.ts';
import { connectStreams } from './stream-bridge.ts';

interface ExecSession {
  id: string;
  container: Container;
  request: ExecCreateRequest;
  argv: string[];
  detachKeys: Uint8Array | undefined;
  state: 'created' | 'running' | 'exited';
  exitCode: number | null;
  process: ExecProcess | undefined;
  /** Settled when the process runs or could not be started. */
  started: Promise<void>;
  settleStarted: () => void;
  /** Settled when `exitCode` is known. */
  finished: Promise<void>;
}

/** Of a process that ended with its shim: SIGKILL, as for the container itself. */
const LOST_SHIM_EXIT_CODE = 137;
/** A finished session can be inspected this long. */
const KEPT_AFTER_EXIT_MS = 5 * 60_000;
/** A resize that comes before the process waits for it this long: clients send both at once. */
const RESIZE_PATIENCE_MS = 10_000;

/** The exec sessions of all containers; they live in memory, as in Docker. */
export class ExecSessions {
  readonly #context: ContainersContext;
  readonly #sessions = new Map<string, ExecSession>();

  constructor(context: ContainersContext) {
    this.#context = context;
  }

  create(idOrName: string, body: object | undefined): string {
    const request = readExecCreate(body ?? {});
    const argv = request.Cmd ?? [];
    if (argv.length === 0) throw invalidArgument('No exec command specified');
    const container = this.#context.store.get(idOrName);
    checkCanExec(container, idOrName);
    const detachKeys = request.DetachKeys ? parseDetachKeys(request.DetachKeys, 'escape keys') : undefined;
    this.#forgetOrphans();
    const id = randomBytes(32).toString('hex');
    let settleStarted = (): void => undefined;
    const started = new Promise<void>((resolve) => (settleStarted = resolve));
    this.#sessions.set(id, {
      id,
      container,
      request,
      argv,
      detachKeys,
      state: 'created',
      exitCode: null,
      process: undefined,
      started,
      settleStarted,
      finished: Promise.resolve(),
    });
    container.execIds.add(id);
    this.#publish(this.#get(id), `exec_create: ${commandText(argv)}`);
    return id;
  }

  /** What must hold before a connection is taken over for it; from here on it counts as running. */
  claim(id: string, body: object | undefined): { start: ExecStartRequest; tty: boolean } {
    const start = readExecStart(body ?? {});
    const session = this.#getLive(id);
    if (session.state === 'running') throw conflict(`exec command ${id} is already running`);
    if (session.state === 'exited') throw conflict(`exec command ${id} has already run`);
    session.state = 'running';
    return { start, tty: start.Tty ?? false };
  }

  /** Resolves when the process runs; a failure is Docker's and is kept as the session's exit code. */
  async startDetached(id: string, start: ExecStartRequest): Promise<void> {
    const session = this.#get(id);
    try {
      await this.#launch(session, start, true);
    } catch (error) {
      throw this.#fail(session, error);
    }
  }

  /**
   * Connects the client to the process until either ends. As in Docker a failure to start is told on the stream (the
   * connection is already the client's) and by ExitCode in inspect, from which the CLI takes 126 and 127.
   */
  async startAttached(id: string, start: ExecStartRequest, client: Duplex): Promise<void> {
    const session = this.#get(id);
    try {
      await this.#launch(session, start, false);
    } catch (error) {
      const message = Buffer.from(`${this.#fail(session, error).message}\r\n`);
      if (!start.Tty) client.write(frameHeader('stdout', message.length));
      client.end(message);
      return;
    }
    const stdio = session.process?.stdio;
    if (!stdio) return;
    const { Tty, AttachStdin } = session.request;
    const ended = await connectStreams(client, stdio, {
      stdin: AttachStdin ?? false,
      detachKeys: Tty ? (session.detachKeys ?? parseDetachKeys(undefined)) : undefined,
      transform: framingBetween(Tty ?? false, start.Tty ?? false),
      endAfter: session.finished,
    });
    if (ended === 'detached') this.#publish(session, 'exec_detach');
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    const session = this.#getLive(id);
    if (session.state !== 'exited') await withinPatience(session.started);
    if (!session.process) throw invalidArgument('exec process is not started');
    if (session.state === 'exited') throw conflict(`exec ${id} is not running`);
    await session.process.resize(rows, columns);
  }

  inspect(id: string): object {
    const { container, request, argv, detachKeys, state, exitCode, process } = this.#get(id);
    if (!this.#context.store.has(container.record.id)) throw noSuchExec(id);
    const user = request.User || container.record.config.User;
    const [entrypoint = '', ...rest] = argv;
    return {
      ID: id,
      Running: state === 'running',
      ExitCode: exitCode,
      ProcessConfig: {
        tty: request.Tty ?? false,
        entrypoint,
        arguments: rest,
        privileged: request.Privileged ?? false,
        ...(user ? { user } : {}),
      },
      OpenStdin: request.AttachStdin ?? false,
      OpenStderr: request.AttachStderr ?? false,
      OpenStdout: request.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: container.record.id,
      // A Go byte slice travels as base64.
      DetachKeys: Buffer.from(detachKeys ?? []).toString('base64'),
      Pid: process?.pid ?? 0,
    };
  }

  /** Sessions that were never started go with their container, or its run. */
  #forgetOrphans(): void {
    for (const session of this.#sessions.values()) {
      const isGone = !this.#context.store.has(session.container.record.id);
      if (isGone || isOfAnEarlierRun(session)) this.#sessions.delete(session.id);
    }
  }

  #get(id: string): ExecSession {
    const session = this.#sessions.get(id);
    if (!session || isOfAnEarlierRun(session)) throw noSuchExec(id);
    return session;
  }

  /** A session whose container can run it. */
  #getLive(id: string): ExecSession {
    const session = this.#get(id);
    const { record } = session.container;
    if (!this.#context.store.has(record.id)) throw notFound(`No such container: ${id}`);
    checkCanExec(session.container, record.id);
    return session;
  }

  async #launch(session: ExecSession, start: ExecStartRequest, detach: boolean): Promise<void> {
    const { container, request } = session;
    const { shim, record } = container;
    if (!shim) throw notRunning(container);
    const size = start.Tty ? start.ConsoleSize : undefined;
    const [rows, columns] = size ?? request.ConsoleSize ?? [0, 0];
    const plan = this.#context.buildExecPlan(record, {
      id: session.id,
      argv: session.argv,
      env: [...resolveLinks(this.#context, record).environment, ...(request.Env ?? [])],
      cwd: request.WorkingDir ?? '',
      user: request.User ?? '',
      tty: request.Tty ?? false,
      openStdin: !detach && (request.AttachStdin ?? false),
      privileged: request.Privileged ?? false,
      rows,
      columns,
    });
    this.#publish(session, `exec_start: ${commandText(session.argv)}`);
    if (request.WorkingDir && !request.WorkingDir.startsWith('/')) {
      const problem = 'exec failed: Cwd must be an absolute path: unknown';
      throw new EngineError('internal', `OCI runtime exec failed: ${problem}`);
    }
    session.process = await shim.exec(plan, {
      stdin: request.AttachStdin ?? false,
      stdout: request.AttachStdout ?? false,
      stderr: request.AttachStderr ?? false,
      detach,
    });
    session.settleStarted();
    session.finished = session.process.exited.then(
      (exitCode) => this.#end(session, exitCode),
      (error: unknown) => {
        this.#context.logger.debug('exec lost', { exec: session.id, error: messageOf(error) });
        this.#end(session, LOST_SHIM_EXIT_CODE);
      },
    );
  }

  #end(session: ExecSession, exitCode: number): void {
    this.#finish(session, exitCode);
    this.#publish(session, 'exec_die', { exitCode: String(exitCode) });
  }

  /** Nothing has run, so nothing is told to have died. */
  #fail(session: ExecSession, cause: unknown): EngineError {
    const { error, exitCode } = toExecFailure(cause, session.argv);
    this.#finish(session, exitCode);
    return error;
  }

  #finish(session: ExecSession, exitCode: number): void {
    session.state = 'exited';
    session.exitCode = exitCode;
    session.settleStarted();
    session.container.execIds.delete(session.id);
    setTimeout(() => this.#sessions.delete(session.id), KEPT_AFTER_EXIT_MS).unref();
  }

  #publish(session: ExecSession, action: string, extra: Record<string, string> = {}): void {
    publish(this.#context, session.container, action, { execID: session.id, ...extra });
  }
}

const isOfAnEarlierRun = ({ id, state, container }: ExecSession): boolean =>
  state === 'created' && !container.execIds.has(id);

const noSuchExec = (id: string): EngineError => notFound(`No such exec instance: ${id}`);

async function withinPatience(started: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(new EngineError('internal', 'timeout waiting for exec session ready'));
    timer = setTimeout(fail, RESIZE_PATIENCE_MS);
  });
  await Promise.race([started, expired]).finally(() => clearTimeout(timer));
}

/** The process has a terminal if create said so; the client gets frames unless start says that it is one. */
function framingBetween(terminal: boolean, raw: boolean): Transform | undefined {
  if (terminal === raw) return undefined;
  return terminal ? createFramer('stdout') : createFrameStripper();
}

/** `idOrName`: as the client called it, which is how Docker's text calls it. */
function checkCanExec(container: Container, idOrName: string): void {
  const { status } = container.record.state;
  if (status === 'paused') {
    throw conflict(`Container ${idOrName} is paused, unpause the container before exec`);
  }
  if (status === 'restarting') throw restarting(container);
  if (!container.shim) throw notRunning(container);
}
