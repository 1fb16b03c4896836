/**
 * What the engine says to the zygote and to shims; the C side is native/frame.h, zygote.c and control.c.
 *
 * Both sockets are unix streams of frames, little-endian, at most 1 MiB + 1 KiB:
 *
 *     frame := length u32 (of what follows), request u32, type u8, payload
 *
 * Zygote (fd 3 of the child that the engine starts once), which begins with READY, or FAILED and its end:
 *     FORK {plan}                   → OK once the shim's socket listens | ERROR
 *     RUN_TASK {argument NUL}…      → OK | ERROR, the subcommand's stderr as message
 *     ADD_LAYERS {path NUL}…        → OK | ERROR: layer images that the next FORK uses, mounted once for all containers
 *     FORGET_LAYERS {path NUL}…     → OK: their files are being removed
 *
 * Shim (`<run-directory>/shim.sock`). The first frame says what a connection is:
 *     CONTROL                       → event READY {pid u32, started u8} or FAILED, then requests and events:
 *         START | KILL {signal u32} | KILL_ALL | RESIZE {rows u32, columns u32, exec id or ''} |
 *         NETWORK {network change} |
 *         LOG_READ {sequence u64: no log file before it is needed} → OK | ERROR
 *         EXEC_EXITED {code u32, exec id}, EXITED {code u32, signal u32, oomKilled u8, finishedAt}
 *         OOM {}: a process was killed for want of memory, and PID 1 lives
 *     ATTACH {streams u8}           → OK, then raw stdio of PID 1
 *     EXEC {streams u8, exec plan}  → OK {pid u32}, then raw stdio (closed at once when detached) | ERROR
 * `streams`: bit 0 stdin, 1 stdout, 2 stderr, 3 detach. Raw: Docker's multiplexed frames (plain bytes with a
 * terminal) to the engine, plain stdin to the shim, where half-close is end-of-file.
 * ERROR and FAILED carry `stage NUL errno NUL message NUL`. Events have request 0.
 */
import { ShimStageError } from './runtime.ts';
import type { AttachOptions, ExitRecord } from './runtime.ts';

export const FRAME = {
  fork: 1,
  runTask: 2,
  addLayers: 3,
  forgetLayers: 4,
  control: 16,
  attach: 17,
  exec: 18,
  start: 19,
  kill: 20,
  killAll: 21,
  resize: 22,
  network: 23,
  logRead: 24,
  ready: 32,
  failed: 33,
  execExited: 34,
  exited: 35,
  oom: 36,
  ok: 128,
  error: 129,
} as const;

const HEADER_BYTES = 9;
const MAX_FRAME_BYTES = (1 << 20) + 1024;
const DETACH = 8;

export interface Frame {
  request: number;
  type: number;
  payload: Buffer;
}

export function encodeFrame(request: number, type: number, ...payload: Uint8Array[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  const size = payload.reduce((sum, part) => sum + part.length, 0);
  header.writeUInt32LE(HEADER_BYTES - 4 + size, 0);
  header.writeUInt32LE(request, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, ...payload]);
}

/** Reassembles frames from a byte stream; throws on a length out of bounds. */
export class FrameDecoder {
  #buffer: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
  }

  next(): Frame | undefined {
    if (this.#buffer.length < HEADER_BYTES) return undefined;
    const length = this.#buffer.readUInt32LE(0);
    if (length < HEADER_BYTES - 4 || length > MAX_FRAME_BYTES) throw new Error(`frame of ${length} bytes`);
    if (this.#buffer.length < 4 + length) return undefined;
    const frame = {
      request: this.#buffer.readUInt32LE(4),
      type: this.#buffer.readUInt8(8),
      payload: this.#buffer.subarray(HEADER_BYTES, 4 + length),
    };
    this.#buffer = this.#buffer.subarray(4 + length);
    return frame;
  }

  /** What followed the last frame. */
  rest(): Buffer {
    return this.#buffer;
  }
}

export function encodeU32(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index));
  return bytes;
}

export function encodeStreams(options: AttachOptions & { detach?: boolean }): Buffer {
  const bits = Number(options.stdin) | (Number(options.stdout) << 1) | (Number(options.stderr) << 2);
  return Buffer.from([bits | (options.detach ? DETACH : 0)]);
}

export function decodeError(payload: Buffer): ShimStageError {
  const [stage = '', errno = '', message = ''] = payload.toString('utf8').split('\0');
  return new ShimStageError({ stage, errno, message });
}

export function decodeExit(payload: Buffer): ExitRecord {
  return {
    exitCode: payload.readUInt32LE(0),
    signal: payload.readUInt32LE(4),
    oomKilled: payload.readUInt8(8) !== 0,
    finishedAt: payload.toString('utf8', 9),
  };
}
