import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type Dockerode from 'dockerode';
import { containerOf } from './api/engine-objects.ts';
import { failure, statusOf } from './api/failures.ts';
import type { TerminalEvent } from './api/types.ts';

export interface TerminalRequest {
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
    const exec = await containerOf(this.#docker, request.id).exec(toExecRequest(request));
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    const sessionId = randomUUID();
    const hangUp = () => stream.destroy();
    signal?.addEventListener('abort', hangUp);
    if (signal?.aborted) hangUp();
    this.#sessions.set(sessionId, { exec, stream });
    try {
      await resizeWhenRunning(exec, request.rows, request.columns);
      yield { type: 'ready', sessionId };
      const decoder = new StringDecoder('utf8');
      for await (const chunk of stream) yield { type: 'data', data: decoder.write(chunk as Buffer) };
      const { ExitCode } = await exec.inspect();
      yield { type: 'exit', code: ExitCode ?? undefined };
    } finally {
      this.#sessions.delete(sessionId);
      signal?.removeEventListener('abort', hangUp);
      stream.destroy();
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

function toExecRequest(request: TerminalRequest): Dockerode.ExecCreateOptions {
  return {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
    Cmd: request.command,
    Env: ['TERM=xterm-256color'],
    ...(request.user && { User: request.user }),
    ...(request.workingDirectory && { WorkingDir: request.workingDirectory }),
  };
}
