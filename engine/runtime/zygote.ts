import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { decodeError, encodeFrame, FRAME, FrameDecoder } from './shim-protocol.ts';

interface Waiter {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** The request that the zygote answers unasked, once it serves. */
const READY = 0;
const MAX_REQUEST = 0xffff_ffff;

/**
 * The engine's end of the zygote, the small process that forks shims and tasks. A dead one is started again by the
 * next request; the shims it forked live on.
 */
export class Zygote {
  readonly #binary: string;
  readonly #logger: Logger;
  readonly #waiting = new Map<number, Waiter>();
  #socket: Socket | undefined;
  #starting: Promise<void> | undefined;
  #lastRequest = 0;
  /** Layer images that this zygote has mounted. */
  #layers = new Set<string>();

  constructor(binary: string, logger: Logger) {
    this.#binary = binary;
    this.#logger = logger;
  }

  /** Rejects with ShimStageError where containers could not be confined. */
  async start(): Promise<void> {
    if (this.#socket && !this.#starting) return;
    this.#starting ??= this.#spawn().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  /** Ends the zygote; shims live on. */
  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.end();
    if (socket) this.#rejectAll();
  }

  async request(type: number, ...payload: Uint8Array[]): Promise<void> {
    await this.start();
    this.#lastRequest = (this.#lastRequest % MAX_REQUEST) + 1;
    const request = this.#lastRequest;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      this.#socket?.write(encodeFrame(request, type, ...payload));
    });
  }

  /**
   * Forks a shim. Its layer images are told first, without a wait: the requests are served in their order, and a shim
   * mounts what the zygote could not.
   */
  async fork(plan: Uint8Array, layerImages: readonly string[]): Promise<void> {
    await this.start();
    const fresh = layerImages.filter((path) => !this.#layers.has(path));
    for (const path of fresh) this.#layers.add(path);
    if (fresh.length > 0) {
      this.request(FRAME.addLayers, encodeWords(fresh)).catch((error: unknown) => {
        for (const path of fresh) this.#layers.delete(path);
        this.#logger.warn('layers not mounted ahead', { error: messageOf(error) });
      });
    }
    await this.request(FRAME.fork, plan);
  }

  /** A layer's file goes: its space is free once nobody has it open. */
  forgetLayer(path: string): void {
    if (!this.#layers.delete(path) || !this.#socket) return;
    this.request(FRAME.forgetLayers, encodeWords([path])).catch(() => undefined);
  }

  async #spawn(): Promise<void> {
    this.#layers.clear();
    // The environment stays empty: nothing of the engine's may reach a container.
    const child = spawn(this.#binary, ['zygote'], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const socket = child.stdio[3] as Socket;
    const decoder = new FrameDecoder();
    this.#socket = socket;
    const ready = new Promise<void>((resolve, reject) => {
      this.#waiting.set(READY, { resolve, reject });
    });
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        const waiter = this.#waiting.get(frame.request);
        this.#waiting.delete(frame.request);
        if (frame.type === FRAME.ok || frame.type === FRAME.ready) waiter?.resolve();
        else waiter?.reject(decodeError(frame.payload));
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#lost(socket));
    child.on('exit', (code, signal) => {
      if (this.#socket === socket) {
        this.#logger.warn('the zygote died', { code: code ?? undefined, signal: signal ?? undefined });
        this.#lost(socket);
      }
    });
    child.unref();
    await ready;
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    socket.destroy();
    this.#rejectAll();
  }

  #rejectAll(): void {
    for (const waiter of this.#waiting.values())
      waiter.reject(new Error('the zygote ended before it answered'));
    this.#waiting.clear();
  }
}

/** Arguments as the native side takes them. */
export function encodeWords(words: readonly string[]): Buffer {
  return Buffer.from(words.map((word) => `${word}\0`).join(''));
}
