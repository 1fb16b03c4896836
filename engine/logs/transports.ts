import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';

/** Carries messages to a receiver. After a rejection it is closed and opened anew. */
export interface Transport {
  open(): Promise<void>;
  /** Resolves when the kernel has all of them. */
  write(messages: readonly Buffer[]): Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Over TCP, TLS or a unix stream socket; the messages bring their own framing. */
export class StreamTransport implements Transport {
  readonly #connect: () => Socket | Promise<Socket>;
  /** Fires when `connect` is done; TLS has an event of its own. */
  readonly #readyEvent: 'connect' | 'secureConnect';
  readonly #onData: (data: Buffer) => void;
  #socket: Socket | undefined;

  /** `onData` gets what the receiver says, and an empty buffer when the connection is closed. */
  constructor(
    connect: () => Socket | Promise<Socket>,
    options: { readyEvent?: 'secureConnect'; onData?: (data: Buffer) => void } = {},
  ) {
    this.#connect = connect;
    this.#readyEvent = options.readyEvent ?? 'connect';
    this.#onData = options.onData ?? (() => undefined);
  }

  async open(): Promise<void> {
    this.close();
    const socket = await this.#connect();
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('i/o timeout')));
    // Told by the rejection below or, once it is connected, by the next write.
    socket.on('error', () => undefined);
    await once(socket, this.#readyEvent);
    socket.setTimeout(0);
    socket.on('data', this.#onData);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#onData(Buffer.alloc(0)));
  }

  get isClosed(): boolean {
    return this.#socket?.destroyed ?? true;
  }

  async write(messages: readonly Buffer[]): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.destroyed) throw new Error('the receiver has closed the connection');
    await new Promise<void>((resolve, reject) => {
      // Not told by the callback when the connection is reset while the write waits.
      const onClose = (): void => reject(new Error('the receiver has closed the connection'));
      socket.once('close', onClose);
      socket.write(Buffer.concat(messages), (error) => {
        socket.off('close', onClose);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Also one that is being opened: with an error, so that whoever waits for it hears of it. */
  close(): void {
    this.#socket?.destroy(new Error('the connection was closed'));
    this.#socket = undefined;
  }
}

/** Loaded when needed: TLS takes megabytes of an engine that does without. */
export async function dialTls(options: ConnectionOptions): Promise<Socket> {
  const { connect } = await import('node:tls');
  return connect(options);
}

/** One datagram a message. A receiver that is not there is not noticed, as usual with UDP. */
export class UdpTransport implements Transport {
  readonly #host: string;
  readonly #port: number;
  #socket: UdpSocket | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  async open(): Promise<void> {
    this.close();
    const { address, family } = await lookup(this.#host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => undefined);
    socket.connect(this.#port, address);
    await once(socket, 'connect');
    this.#socket = socket;
  }

  async write(messages: readonly Buffer[]): Promise<void> {
    const socket = this.#socket;
    if (!socket) throw new Error('the socket is closed');
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(message, (error) => {
          // An ICMP answer to an earlier datagram.
          if (error && 'code' in error && error.code === 'ECONNREFUSED') resolve();
          else if (error) reject(error);
          else resolve();
        });
      });
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

/** Node has no unix datagram sockets: the native helper sends what it gets on stdin (`native/send_datagrams.c`). */
export class UnixDatagramTransport implements Transport {
  readonly #binary: string;
  readonly #path: string;
  #child: ChildProcess | undefined;
  #failure = '';
  #sent = 0;
  #acknowledged = 0;
  #wake: () => void = () => undefined;

  constructor(binary: string, path: string) {
    this.#binary = binary;
    this.#path = path;
  }

  async open(): Promise<void> {
    this.close();
    const child = spawn(this.#binary, ['send-datagrams', this.#path], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#failure = '';
    this.#sent = this.#acknowledged = 0;
    const { stdin, stdout, stderr } = child as unknown as {
      stdin: Writable;
      stdout: Readable;
      stderr: Readable;
    };
    stdin.on('error', () => undefined);
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#failure += text));
    let rest = Buffer.alloc(0);
    stdout.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      const whole = rest.length - (rest.length % 4);
      for (let at = 0; at < whole; at += 4) this.#acknowledged = rest.readUInt32LE(at);
      rest = rest.subarray(whole);
      this.#wake();
    });
    child.on('error', (error) => (this.#failure ||= error.message));
    child.on('close', () => {
      this.#failure ||= 'the helper has ended';
      this.#wake();
    });
    // Its first word is that it is connected: nothing acknowledged yet.
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#throwIfFailed();
  }

  async write(messages: readonly Buffer[]): Promise<void> {
    const stdin = this.#child?.stdin;
    if (!stdin) throw new Error('the helper is closed');
    const lengths = messages.map((message) => {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32LE(message.length);
      return [length, message];
    });
    this.#sent += messages.length;
    stdin.write(Buffer.concat(lengths.flat()));
    while (this.#acknowledged < this.#sent) {
      this.#throwIfFailed();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.removeAllListeners('close');
    child?.stdout?.removeAllListeners('data');
    child?.stdin?.destroy();
    child?.kill('SIGKILL');
  }

  #throwIfFailed(): void {
    if (this.#failure !== '') throw new Error(this.#failure.trim());
  }
}
