import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { EngineError } from '../lib/errors.ts';
import type { ByteSource } from './decompress.ts';
import { isFilePart, type FilePart } from './file-part.ts';
import { NativeError, startNative } from './native-process.ts';

/** What one pass over a layer found. */
export interface LayerFacts {
  diffId: string;
  /** Of the bytes as they came. */
  digest: string;
  blobBytes: number;
  tarBytes: number;
  /** Content of regular files. */
  bytes: number;
  /** SHA-256 of an image's metadata and head, '' for a directory. */
  indexDigest: string;
}

/** SECURITY: what a small download may become. */
export interface LayerLimits {
  /** Of one uncompressed layer. */
  maxBytes: number;
  /** Uncompressed to compressed, for layers beyond `ratioFromBytes`. */
  maxRatio: number;
  ratioFromBytes: number;
}

interface LayerJob {
  /** Gets `layer.erofs`, or `diff` and `blob`. */
  work: string;
  form: 'image' | 'directory';
  compression: 'none' | 'gzip' | 'zstd';
  limits: LayerLimits;
  signal: AbortSignal;
  /** The bytes, or where they are: a part of a file that stays until the job has ended. */
  content: ByteSource | FilePart;
  report: ((receivedBytes: number) => Promise<void> | void) | undefined;
}

/** Bytes that may wait for a worker: it need not wait for this process, and this one not for each of its reads. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;
/** How long an unused worker is kept: the next layer of a pull comes sooner. */
const IDLE_MS = 5_000;

/** Resident `gantry-shim layer-worker` processes: as many as there are layers at once, each used again. */
export class LayerWorkers {
  readonly #binary: string;
  readonly #idle = new Map<Worker, NodeJS.Timeout>();

  constructor(binary: string) {
    this.#binary = binary;
  }

  /** Throws NativeError for what the layer or the disk is to blame for, EngineError `cancelled`. */
  async run(job: LayerJob): Promise<LayerFacts> {
    job.signal.throwIfAborted();
    const worker = this.#take();
    const abort = (): void => worker.kill();
    job.signal.addEventListener('abort', abort, { once: true });
    try {
      const facts = await worker.run(job);
      this.#keep(worker);
      return facts;
    } catch (error) {
      worker.kill();
      if (job.signal.aborted)
        throw new EngineError('cancelled', 'the transfer was cancelled', { cause: error });
      throw error;
    } finally {
      job.signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    for (const [worker, timer] of this.#idle) {
      clearTimeout(timer);
      worker.end();
    }
    this.#idle.clear();
  }

  #take(): Worker {
    for (const [worker, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(worker);
      if (worker.alive) return worker;
    }
    return new Worker(this.#binary);
  }

  #keep(worker: Worker): void {
    const timer = setTimeout(() => {
      this.#idle.delete(worker);
      worker.end();
    }, IDLE_MS);
    timer.unref();
    this.#idle.set(worker, timer);
  }
}

class Worker {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  /** Settles when it is gone. */
  readonly #exited: Promise<void>;
  #answer = '';
  #answered: (() => void) | undefined;
  /** Called when a piece has left this process. */
  #written: (() => void) | undefined;
  alive = true;

  constructor(binary: string) {
    const { child, exited } = startNative(binary, ['layer-worker'], { stdin: 'pipe', stdout: 'pipe' });
    const { stdin, stdout } = child;
    if (!stdin || !stdout) throw new Error('no pipes to the layer worker');
    this.#child = child;
    this.#input = stdin;
    this.#exited = exited
      .catch(() => undefined)
      .then(() => {
        this.alive = false;
      });
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#answer += text;
      if (text.includes('\n')) this.#answered?.();
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  end(): void {
    this.#input.end();
  }

  async run(job: LayerJob): Promise<LayerFacts> {
    this.#answer = '';
    const answered = new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    const ended = Promise.race([answered, this.#exited]);
    const settled = ended.then(() => true);
    await this.#write(encodeArguments(job), settled);
    if (!isFilePart(job.content)) await this.#send(job.content, job.report, settled);
    await ended;
    if (!this.#answer.includes('\n')) throw new Error('the layer worker ended without an answer');
    const answer = JSON.parse(this.#answer) as LayerFacts | { errno: string; message: string };
    if ('errno' in answer) throw new NativeError(answer.errno, answer.message);
    if (isFilePart(job.content)) await job.report?.(answer.blobBytes);
    return answer;
  }

  /** Frames of the content and the empty one; stops early when the worker has said what is wrong. */
  async #send(content: ByteSource, report: LayerJob['report'], settled: Promise<boolean>): Promise<void> {
    let sent = 0;
    for await (const chunk of content) {
      if (chunk.length === 0) continue;
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32LE(chunk.length);
      this.#input.cork();
      this.#input.write(head);
      const written = this.#write(chunk, settled);
      process.nextTick(() => this.#input.uncork());
      if (await written) return;
      sent += chunk.length;
      await report?.(sent);
    }
    await this.#write(Buffer.alloc(4), settled);
  }

  /** True: the worker has answered already, nobody reads on. */
  async #write(data: Uint8Array, settled: Promise<boolean>): Promise<boolean> {
    if (this.#answer !== '' || !this.alive) return true;
    // A broken pipe is the consequence; the worker's own answer, or its end, says why.
    this.#input.write(data, () => this.#written?.());
    while (this.#input.writableLength > MAX_WAITING_BYTES) {
      const written = new Promise<boolean>((resolve) => (this.#written = () => resolve(false)));
      if (await Promise.race([written, settled])) return true;
    }
    return false;
  }
}

function encodeArguments({ work, form, compression, limits, content }: LayerJob): Buffer {
  const { maxBytes, maxRatio, ratioFromBytes } = limits;
  const part = isFilePart(content) ? [content.file, content.offset, content.sizeBytes] : [];
  const words = [work, form, compression, maxBytes, maxRatio, ratioFromBytes, ...part];
  const payload = Buffer.from(words.map((word) => `${word}\0`).join(''));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(payload.length);
  return Buffer.concat([head, payload]);
}
