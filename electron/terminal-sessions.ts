import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type Dockerode from 'dockerode';
import { containerOf } from './api/engine-objects.ts';
import { failure, statusOf } from './api/failures.ts';
import type { TerminalEvent } from './api/types.ts';

interface TerminalRequest {
  id: string;
  command: string[];
  user?: string;
  workingDirectory?: string;
  rows: number;
  columns: number;
}

interface Session {
  exec: Dockerode.Exec;
  stream: Duplex;
}

/** The execs with a TTY that are open now; a session id is random, so that only its opener can write to it. */
export class TerminalSessions {
  readonly #docker: Dockerode;
  readonly #sessions = new Map<string, Session>();

  constructor(docker: Dockerode) {
    this.#docker = docker;
  }

  /** Runs until the command ends or `signal` is aborted, which hangs up the terminal. */
  async *open(
    request: TerminalRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TerminalEvent, void> {
    const sessionId = randomUUID();
    const container = containerOf(this.#docker, request.id);
    const exec = await container.exec(toExecRequest(request, sessionId));
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    // A reset that comes while nobody reads must not end the process; the reader hears of it.
    stream.on('error', () => undefined);
    let ended = false;
    const hangUp = () => stream.destroy();
    signal?.addEventListener('abort', hangUp);
    if (signal?.aborted) hangUp();
    this.#sessions.set(sessionId, { exec, stream });
    try {
      await resizeWhenRunning(exec, request.rows, request.columns);
      yield { type: 'ready', sessionId };
      const decoder = new StringDecoder('utf8');
      for await (const chunk of stream) yield { type: 'data', data: decoder.write(chunk as Buffer) };
      ended = true;
      const { ExitCode } = await exec.inspect();
      yield { type: 'exit', code: ExitCode ?? undefined };
    } finally {
      this.#sessions.delete(sessionId);
      signal?.removeEventListener('abort', hangUp);
      stream.destroy();
      // The container may be gone, or have no shell: there is nothing left to hang up, or no way to.
      if (!ended) await hangUpSession(container, sessionId, request.user).catch(() => undefined);
    }
  }

  /** Resolves when the engine took the data. */
  write(sessionId: string, data: string): Promise<void> {
    const { stream } = this.#session(sessionId);
    return new Promise((resolve, reject) => {
      stream.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  async resize(sessionId: string, rows: number, columns: number): Promise<void> {
    await this.#session(sessionId).exec.resize({ h: rows, w: columns });
  }

  #session(sessionId: string): Session {
    const session = this.#sessions.get(sessionId);
    if (!session) throw failure('NOT_FOUND', 'the terminal session has ended');
    return session;
  }
}

const RESIZE_ATTEMPTS = 10;
const RESIZE_PAUSE_MS = 20;

/**
 * An engine takes over the connection before the command runs, and refuses to resize until then: the docker CLI tries
 * again too. A command that is over already needs no size.
 */
async function resizeWhenRunning(exec: Dockerode.Exec, rows: number, columns: number): Promise<void> {
  for (let attempt = 0; attempt < RESIZE_ATTEMPTS; attempt += 1) {
    try {
      return await exec.resize({ h: rows, w: columns });
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, RESIZE_PAUSE_MS));
    }
  }
}

const SESSION_VARIABLE = 'GANTRY_TERMINAL';

/** Finds the leader of the terminal's session by its environment (proc(5): stat's fields behind the name). */
const HANG_UP_SCRIPT = `
for p in /proc/[0-9]*; do
  read -r stat < $p/stat && set -- \${stat##*) } || continue
  [ "$4" = "\${p#/proc/}" ] && grep -qs "${SESSION_VARIABLE}=$0" $p/environ && kill -HUP "$4"
done`;

/**
 * Engines let an exec go on when its client is gone: each closed tab would leave a shell behind. A hang-up goes to
 * the leader of its session, as when a terminal is closed.
 */
async function hangUpSession(container: Dockerode.Container, sessionId: string, user = ''): Promise<void> {
  const Cmd = ['/bin/sh', '-c', HANG_UP_SCRIPT, sessionId];
  const exec = await container.exec({ Cmd, User: user });
  await exec.start({ Detach: true });
}

function toExecRequest(request: TerminalRequest, sessionId: string): Dockerode.ExecCreateOptions {
  return {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
    Cmd: request.command,
    Env: ['TERM=xterm-256color', `${SESSION_VARIABLE}=${sessionId}`],
    ...(request.user && { User: request.user }),
    ...(request.workingDirectory && { WorkingDir: request.workingDirectory }),
  };
}
