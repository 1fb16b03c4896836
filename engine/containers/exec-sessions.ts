import { randomBytes } from 'node:crypto';
import type { Duplex, Transform } from 'node:stream';
import { conflict, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { ExecProcess } from '../runtime/runtime.ts';
import { checkExecTypes } from './config-types.ts';
import type { Container } from './container.ts';
import { publish, type ContainersContext } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { createFramer, createFrameStripper, frameHeader } from './frames.ts';
import { notRunning } from './kill.ts';
import { restarting } from './lifecycle.ts';
import { toExecFailure } from './start-failure.ts';
import { connectStreams } from './stream-bridge.ts';

/** `POST /containers/{id}/exec` as it travels. */
export interface ExecCreateRequest {
  User?: string;
  Privileged?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Env?: string[] | null;
  WorkingDir?: string;
  Cmd?: string[] | null;
}

export interface ExecStartRequest {
  Detach?: boolean;
  Tty?: boolean;
  /** `[height, width]` */
  ConsoleSize?: [number, number] | null;
}

interface ExecSession {
  id: string;
  container: Container;
  request: ExecCreateRequest;
  argv: string[];
  state: 'created' | 'running' | 'exited';
  exitCode: number | null;
  process: ExecProcess | undefined;
  /** Settled when `exitCode` is known. */
  finished: Promise<void>;
}

/** A finished session can be inspected this long. */
const KEPT_AFTER_EXIT_MS = 5 * 60_000;

/** The exec sessions of all containers; they live in memory, as in Docker. */
export class ExecSessions {
  readonly #context: ContainersContext;
  readonly #sessions = new Map<string, ExecSession>();

  constructor(context: ContainersContext) {
    this.#context = context;
  }

  create(idOrName: string, request: ExecCreateRequest | undefined): string {
    const container = this.#context.store.get(idOrName);
    const argv = request?.Cmd ?? [];
    if (!request || argv.length === 0) throw invalidArgument('No exec command specified');
    checkExecTypes(request);
    checkCanExec(container, idOrName);
    parseDetachKeys(request.DetachKeys, 'escape keys');
    this.#forgetOrphans();
    const id = randomBytes(32).toString('hex');
    this.#sessions.set(id, {
      id,
      container,
      request,
      argv,
      state: 'created',
      exitCode: null,
      process: undefined,
      finished: Promise.resolve(),
    });
    container.execIds.add(id);
    this.#publish(this.#get(id), `exec_create: ${argv.join(' ')}`);
    return id;
  }

  /** What must hold before a connection is taken over for it. */
  checkStart(id: string, start: ExecStartRequest): { tty: boolean } {
    const session = this.#get(id);
    checkExecTypes(start);
    if (session.state === 'running') throw conflict(`Error: Exec command ${id} is already running`);
    if (session.state === 'exited') throw conflict(`Error: Exec command ${id} has already run`);
    checkCanExec(session.container, session.container.record.id);
    return { tty: start.Tty ?? false };
  }

  /** Resolves when the process runs; a failure is Docker's 400/500 and is kept as the session's exit code. */
  async startDetached(id: string, start: ExecStartRequest): Promise<void> {
    this.checkStart(id, start);
    const session = this.#get(id);
    try {
      await this.#launch(session, start, true);
    } catch (error) {
      throw invalidArgument(this.#fail(session, error), { cause: error });
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
      const message = Buffer.from(`${this.#fail(session, error)}\r\n`);
      if (!start.Tty) client.write(frameHeader('stdout', message.length));
      client.end(message);
      return;
    }
    const stdio = session.process?.stdio;
    if (!stdio) return;
    const { Tty, AttachStdin, DetachKeys } = session.request;
    const ended = await connectStreams(client, stdio, {
      stdin: AttachStdin ?? false,
      detachKeys: Tty ? parseDetachKeys(DetachKeys) : undefined,
      transform: framingBetween(Tty ?? false, start.Tty ?? false),
      endAfter: session.finished,
    });
    if (ended === 'detached') this.#publish(session, 'exec_detach');
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    const { state, process } = this.#get(id);
    if (state !== 'running' || !process) throw conflict(`exec ${id} is not running`);
    await process.resize(rows, columns);
  }

  inspect(id: string): object {
    const { container, request, argv, state, exitCode, process } = this.#get(id);
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
        ...(request.User ? { user: request.User } : {}),
      },
      OpenStdin: request.AttachStdin ?? false,
      OpenStderr: request.AttachStderr ?? false,
      OpenStdout: request.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: container.record.id,
      DetachKeys: request.DetachKeys ?? '',
      Pid: process?.pid ?? 0,
    };
  }

  /** Sessions that were never started go with their container. */
  #forgetOrphans(): void {
    for (const { id, container } of this.#sessions.values()) {
      if (!this.#context.store.has(container.record.id)) this.#sessions.delete(id);
    }
  }

  #get(id: string): ExecSession {
    const session = this.#sessions.get(id);
    if (!session) throw notFound(`No such exec instance: ${id}`);
    return session;
  }

  async #launch(session: ExecSession, start: ExecStartRequest, detach: boolean): Promise<void> {
    const { container, request } = session;
    const { shim, record } = container;
    if (!shim) throw notRunning(container);
    session.state = 'running';
    const [rows, columns] = start.ConsoleSize ?? request.ConsoleSize ?? [0, 0];
    const plan = this.#context.buildExecPlan(record, {
      id: session.id,
      argv: session.argv,
      env: request.Env ?? [],
      cwd: request.WorkingDir ?? '',
      user: request.User ?? '',
      tty: request.Tty ?? false,
      openStdin: !detach && (request.AttachStdin ?? false),
      privileged: request.Privileged ?? false,
      rows,
      columns,
    });
    this.#publish(session, `exec_start: ${session.argv.join(' ')}`);
    session.process = await shim.exec(plan, {
      stdin: request.AttachStdin ?? false,
      stdout: request.AttachStdout ?? false,
      stderr: request.AttachStderr ?? false,
      detach,
    });
    session.finished = session.process.exited.then(
      (exitCode) => this.#finish(session, exitCode),
      (error: unknown) => {
        this.#context.logger.debug('exec lost', { exec: session.id, error: messageOf(error) });
        this.#finish(session, 128);
      },
    );
  }

  #fail(session: ExecSession, error: unknown): string {
    const { message, exitCode } = toExecFailure(error, session.argv);
    this.#finish(session, exitCode);
    return message;
  }

  #finish(session: ExecSession, exitCode: number): void {
    session.state = 'exited';
    session.exitCode = exitCode;
    session.container.execIds.delete(session.id);
    this.#publish(session, 'exec_die', { exitCode: String(exitCode) });
    setTimeout(() => this.#sessions.delete(session.id), KEPT_AFTER_EXIT_MS).unref();
  }

  #publish(session: ExecSession, action: string, extra: Record<string, string> = {}): void {
    publish(this.#context, session.container, action, { execID: session.id, ...extra });
  }
}

/** `idOrName`: as the client called it, which is how Docker's text calls it. */
/** The process has a terminal if create said so; the client gets frames unless start says that it is one. */
function framingBetween(terminal: boolean, raw: boolean): Transform | undefined {
  if (terminal === raw) return undefined;
  return terminal ? createFramer('stdout') : createFrameStripper();
}

function checkCanExec(container: Container, idOrName: string): void {
  const { status } = container.record.state;
  if (status === 'paused') {
    throw conflict(`Container ${idOrName} is paused, unpause the container before exec`);
  }
  if (status === 'restarting') throw restarting(container);
  if (!container.shim) throw notRunning(container);
}
