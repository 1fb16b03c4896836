import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { readJson } from '../lib/atomic-file.ts';
import { EngineError } from '../lib/errors.ts';
import { explainRuntimeFailure } from './oci/runtime-log.ts';
import { encodeExecPlan, encodeNetworkChange } from './plan-encoding.ts';
import type { ExecPlan, NetworkChange } from './plan.ts';
import type { AttachOptions, ExecProcess, ExitRecord, Shim, StdioStream } from './runtime.ts';
import {
  decodeError,
  decodeExit,
  encodeFrame,
  encodeStreams,
  encodeU32,
  FRAME,
  FrameDecoder,
} from './shim-protocol.ts';
import type { Frame } from './shim-protocol.ts';

/** What fits into sockaddr_un with its NUL. */
const MAX_SOCKET_PATH_BYTES = 107;
const EMPTY = Buffer.alloc(0);

interface Waiter<T> {
  resolve: (value: T) => void;
  reject: (error: Error) => void;
}

/** Connects to the shim of a run directory; rejects with ENOENT or ECONNREFUSED when there is none. */
async function connectSocket(runDirectory: string): Promise<Socket> {
  const file = path.join(runDirectory, 'shim.sock');
  const isLong = Buffer.byteLength(file) > MAX_SOCKET_PATH_BYTES;
  // The address holds 108 bytes; a deeper directory is reached through a descriptor of it.
  const directory = isLong ? openSync(runDirectory, 'r') : -1;
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect({
        path: isLong ? `/proc/self/fd/${directory}/shim.sock` : file,
        allowHalfOpen: true,
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        // A peer that goes away is told by `close`.
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  } finally {
    if (isLong) closeSync(directory);
  }
}

/** Sends the first frame of an attach or exec and waits for its answer; afterwards the socket carries raw bytes. */
async function openStream(runDirectory: string, first: Buffer): Promise<{ socket: Socket; payload: Buffer }> {
  const socket = await connectSocket(runDirectory);
  const decoder = new FrameDecoder();
  socket.write(first);
  const answer = await new Promise<Frame>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      socket.off('readable', onReadable);
      socket.off('close', onClose);
      finish();
    };
    const onClose = (): void => settle(() => reject(new Error('the shim closed the connection')));
    // Reading by hand leaves the socket as if nobody had: whoever gets it may pipe or listen.
    const onReadable = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null);) {
        decoder.push(chunk);
        const frame = decoder.next();
        if (frame) return settle(() => resolve(frame));
      }
    };
    socket.on('readable', onReadable);
    socket.on('close', onClose);
  });
  if (answer.type !== FRAME.ok) {
    socket.destroy();
    throw decodeError(answer.payload);
  }
  if (decoder.rest().length > 0) socket.unshift(decoder.rest());
  return { socket, payload: answer.payload };
}

/** Undefined also for a damaged one: the shim does not fsync, so a power cut may leave an empty file. */
export async function readExitRecord(runDirectory: string): Promise<ExitRecord | undefined> {
  try {
    return await readJson<ExitRecord>(path.join(runDirectory, 'exit.json'));
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** A control connection to one shim. */
class ShimConnection implements Shim {
  readonly id: string;
  readonly exited: Promise<ExitRecord | undefined>;
  readonly #runDirectory: string;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #requests = new Map<number, Waiter<void>>();
  readonly #execs = new Map<string, Waiter<number>>();
  /** The payload of READY. */
  readonly #ready: Promise<Buffer>;
  #pid = 0;
  #wasRunning = false;
  #lastRequest = 0;
  #disconnected = false;
  #settleReady: Waiter<Buffer> = { resolve: () => undefined, reject: () => undefined };
  #onOom: () => void = () => undefined;
  #settleExited: (record: ExitRecord | undefined) => void = () => undefined;

  constructor(id: string, runDirectory: string, socket: Socket) {
    this.id = id;
    this.#runDirectory = runDirectory;
    this.#socket = socket;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve;
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => socket.end());
    socket.on('close', () => void this.#closed());
    socket.write(encodeFrame(0, FRAME.control));
  }

  get pid(): number {
    return this.#pid;
  }

  get wasRunning(): boolean {
    return this.#wasRunning;
  }

  /** Until PID 1 waits before exec, or runs. Rejects with ShimStageError. */
  async ready(): Promise<void> {
    const state = await this.#ready;
    this.#pid = state.readUInt32LE(0);
    this.#wasRunning = state.readUInt8(4) === 1;
  }

  onOom(listener: () => void): void {
    this.#onOom = listener;
  }

  async start(): Promise<void> {
    try {
      await this.#request(FRAME.start, EMPTY);
    } catch (error) {
      throw await explainRuntimeFailure(this.#runDirectory, error);
    }
  }

  kill(signal: number): Promise<void> {
    return this.#request(FRAME.kill, encodeU32(signal));
  }

  killAll(): Promise<void> {
    return this.#request(FRAME.killAll, EMPTY);
  }

  resize(rows: number, columns: number): Promise<void> {
    return this.#resize('', rows, columns);
  }

  changeNetwork(change: NetworkChange): Promise<void> {
    return this.#request(FRAME.network, encodeNetworkChange(change));
  }

  logRead(sequence: number): Promise<void> {
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64LE(BigInt(sequence));
    return this.#request(FRAME.logRead, payload);
  }

  async attach(options: AttachOptions): Promise<StdioStream> {
    const first = encodeFrame(0, FRAME.attach, encodeStreams(options));
    return (await openStream(this.#runDirectory, first)).socket;
  }

  async exec(plan: ExecPlan, options: AttachOptions & { detach: boolean }): Promise<ExecProcess> {
    // Before the request: the exit may be told before its answer is read.
    const exited = new Promise<number>((resolve, reject) => this.#execs.set(plan.id, { resolve, reject }));
    exited.catch(() => undefined);
    try {
      const first = encodeFrame(0, FRAME.exec, encodeStreams(options), encodeExecPlan(plan));
      const { socket, payload } = await openStream(this.#runDirectory, first);
      if (options.detach) socket.destroy();
      return {
        pid: payload.readUInt32LE(0),
        stdio: options.detach ? undefined : socket,
        resize: (rows, columns) => this.#resize(plan.id, rows, columns),
        exited,
      };
    } catch (error) {
      this.#execs.delete(plan.id);
      throw plan.document ? await explainRuntimeFailure(this.#runDirectory, error) : error;
    }
  }

  disconnect(): void {
    this.#disconnected = true;
    this.#socket.destroy();
  }

  #resize(id: string, rows: number, columns: number): Promise<void> {
    return this.#request(FRAME.resize, Buffer.concat([encodeU32(rows, columns), Buffer.from(id)]));
  }

  #request(type: number, payload: Buffer): Promise<void> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the shim is gone'));
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
      this.#socket.write(encodeFrame(request, type, payload));
    });
  }

  #receive(chunk: Buffer): void {
    this.#decoder.push(chunk);
    for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) this.#handle(frame);
  }

  #handle({ type, request, payload }: Frame): void {
    if (type === FRAME.ready) this.#settleReady.resolve(payload);
    else if (type === FRAME.failed) this.#settleReady.reject(decodeError(payload));
    else if (type === FRAME.exited) this.#settleExited(decodeExit(payload));
    else if (type === FRAME.oom) this.#onOom();
    else if (type === FRAME.execExited) {
      const id = payload.toString('utf8', 4);
      this.#execs.get(id)?.resolve(payload.readUInt32LE(0));
      this.#execs.delete(id);
    } else {
      const waiter = this.#requests.get(request);
      this.#requests.delete(request);
      if (type === FRAME.ok) waiter?.resolve();
      else waiter?.reject(decodeError(payload));
    }
  }

  async #closed(): Promise<void> {
    const lost = new Error('the shim is gone');
    this.#settleReady.reject(lost);
    for (const waiter of [...this.#requests.values(), ...this.#execs.values()]) waiter.reject(lost);
    this.#requests.clear();
    this.#execs.clear();
    if (!this.#disconnected)
      this.#settleExited(await readExitRecord(this.#runDirectory).catch(() => undefined));
  }
}

/** A control connection whose shim has said READY. Rejects with ShimStageError, or ENOENT/ECONNREFUSED. */
export async function connectShim(id: string, runDirectory: string): Promise<Shim> {
  const shim = new ShimConnection(id, runDirectory, await connectSocket(runDirectory));
  await shim.ready();
  return shim;
}
