import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, inflateSync } from 'node:zlib';

/** Something that logs are sent to. */
export interface Receiver {
  /** As far as they came; for datagrams one each, else one a connection. */
  messages(): Buffer[];
  port: number;
  close(): Promise<void>;
}

export interface StreamReceiver extends Receiver {
  /** Stops or starts taking bytes. */
  pause(): void;
  resume(): void;
}

/** `listen`: a port (0: any) or a path. `answer` may reply to what a connection has brought so far. */
export async function receiveStream(
  listen: number | string,
  options: { answer?: (socket: Socket, all: Buffer) => void; server?: Server; paused?: boolean } = {},
): Promise<StreamReceiver> {
  const connections: { chunks: Buffer[]; socket: Socket }[] = [];
  let isPaused = options.paused ?? false;
  const server = options.server ?? createServer();
  server.on(options.server ? 'secureConnection' : 'connection', (socket: Socket) => {
    const connection = { chunks: [] as Buffer[], socket };
    connections.push(connection);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      connection.chunks.push(chunk);
      options.answer?.(socket, Buffer.concat(connection.chunks));
    });
    if (isPaused) socket.pause();
  });
  if (typeof listen === 'number') server.listen(listen, '127.0.0.1');
  else server.listen(listen);
  await once(server, 'listening');
  return {
    messages: () => connections.map(({ chunks }) => Buffer.concat(chunks)),
    port: typeof listen === 'number' ? (server.address() as AddressInfo).port : 0,
    pause() {
      isPaused = true;
      for (const { socket } of connections) socket.pause();
    },
    resume() {
      isPaused = false;
      for (const { socket } of connections) socket.resume();
    },
    async close() {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export async function receiveUdp(): Promise<Receiver> {
  const socket = createSocket('udp4');
  const messages: Buffer[] = [];
  socket.on('message', (message) => messages.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    messages: () => messages,
    port: socket.address().port,
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** Unix datagrams at `file`; `scratch` takes the little program that receives them. */
export async function receiveDatagrams(file: string, scratch: string): Promise<Receiver> {
  const source = fileURLToPath(new URL('datagram-receiver.c', import.meta.url));
  const program = path.join(scratch, 'datagram-receiver');
  execFileSync('cc', ['-o', program, source]);
  const child = spawn(program, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  await once(child.stdout, 'data');
  return {
    messages() {
      const messages: Buffer[] = [];
      for (let at = 4; at + 4 <= bytes.length;) {
        const end = at + 4 + bytes.readUInt32LE(at);
        if (end > bytes.length) break;
        messages.push(bytes.subarray(at + 4, end));
        at = end;
      }
      return messages;
    },
    port: 0,
    async close() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** Whole values of a MessagePack stream; what is cut off at its end is left out. Strings are given as latin1. */
export function unpackAll(bytes: Buffer): unknown[] {
  const values: unknown[] = [];
  let at = 0;
  const take = (size: number): Buffer => {
    if (at + size > bytes.length) throw new RangeError('cut off');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const list = (size: number): unknown[] => Array.from({ length: size }, () => value());
  const map = (size: number): object =>
    Object.fromEntries(Array.from({ length: size }, () => [String(value()), value()]));
  const text = (size: number): string => take(size).toString('latin1');
  const value = (): unknown => {
    const type = take(1).readUInt8();
    if (type < 0x80) return type;
    if (type < 0x90) return map(type & 15);
    if (type < 0xa0) return list(type & 15);
    if (type < 0xc0) return text(type & 31);
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xcc:
        return take(1).readUInt8();
      case 0xcd:
        return take(2).readUInt16BE();
      case 0xce:
        return take(4).readUInt32BE();
      case 0xcf:
        return Number(take(8).readBigUInt64BE());
      case 0xd3:
        return Number(take(8).readBigInt64BE());
      case 0xd7: {
        const extension = take(9);
        return {
          type: extension[0],
          seconds: extension.readUInt32BE(1),
          nanoseconds: extension.readUInt32BE(5),
        };
      }
      case 0xd9:
        return text(take(1).readUInt8());
      case 0xda:
        return text(take(2).readUInt16BE());
      case 0xdb:
        return text(take(4).readUInt32BE());
      case 0xdc:
        return list(take(2).readUInt16BE());
      case 0xde:
        return map(take(2).readUInt16BE());
      default:
        throw new Error(`unexpected type 0x${type.toString(16)}`);
    }
  };
  for (;;) {
    const start = at;
    try {
      if (at === bytes.length) return values;
      values.push(value());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      at = start;
      return values;
    }
  }
}

/** GELF datagrams, put together and decompressed. */
export function gelfMessages(datagrams: Buffer[]): Record<string, unknown>[] {
  const chunked = new Map<string, Buffer[]>();
  const whole: Buffer[] = [];
  for (const datagram of datagrams) {
    if (datagram.readUInt16BE() !== 0x1e0f) {
      whole.push(datagram);
      continue;
    }
    const id = datagram.toString('hex', 2, 10);
    const chunks = chunked.get(id) ?? [];
    chunked.set(id, chunks);
    chunks[datagram.readUInt8(10)] = datagram.subarray(12);
    if (Object.keys(chunks).length === datagram.readUInt8(11)) whole.push(Buffer.concat(chunks));
  }
  return whole.map((bytes) => JSON.parse(decompress(bytes).toString()) as Record<string, unknown>);
}

function decompress(bytes: Buffer): Buffer {
  if (bytes.readUInt16BE() === 0x1f8b) return gunzipSync(bytes);
  return bytes[0] === 0x78 ? inflateSync(bytes) : bytes;
}
