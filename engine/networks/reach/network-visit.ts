import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { EngineError } from '../../lib/errors.ts';

/** The answer to one request: values, or the name of an errno. */
export type VisitAnswer = { values: string[] } | { failure: string };

export interface VisitOptions {
  binary: string;
  /** A process of the container. */
  pid: number;
  /** The container shares the host's network. */
  onHost: boolean;
  /** Aborted: the visit is over, whatever it waits for. */
  signal: AbortSignal;
}

/** A process of the native helper in a container's network namespace, one question at a time. */
export class NetworkVisit {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #signal: AbortSignal;

  /** Resolves when it is inside. Throws EngineError. */
  static async open(options: VisitOptions): Promise<NetworkVisit> {
    const visit = new NetworkVisit(options);
    try {
      await visit.#nextLine();
      return visit;
    } catch (error) {
      await visit.close();
      throw error;
    }
  }

  private constructor({ binary, pid, onHost, signal }: VisitOptions) {
    this.#signal = signal;
    const argv = ['visit-network', String(pid), ...(onHost ? ['host'] : [])];
    this.#child = spawn(binary, argv, { stdio: ['pipe', 'pipe', 'pipe'], env: {}, cwd: '/', signal });
    // Of a start that failed or was aborted: whoever waits for a line hears that there is none.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#reader = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Words without white space. Throws EngineError `unavailable` when the time is over. */
  async ask(...request: (string | number)[]): Promise<VisitAnswer> {
    this.#child.stdin?.write(`${request.join(' ')}\n`);
    const [word = '', ...values] = (await this.#nextLine()).split(' ');
    return word === 'ok' ? { values } : { failure: word };
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#child.stdin?.destroy();
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null)
      return;
    const exited = once(this.#child, 'exit').catch(() => undefined);
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done && this.#signal.aborted) throw new EngineError('unavailable', 'the test took too long');
    if (done) throw new EngineError('internal', `the container's network cannot be entered${this.#reason()}`);
    return value;
  }

  #reason(): string {
    const text: unknown = this.#child.stderr?.read();
    return text instanceof Buffer ? `: ${text.toString('utf8').trim()}` : '';
  }
}
