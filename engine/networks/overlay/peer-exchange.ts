import type { Server, Socket, TcpNetConnectOpts } from 'node:net';
import { connect, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { EngineError, messageOf } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import type { Logger } from '../../lib/logger.ts';
import { bracketed, formatAddress, parseAddress } from '../subnet.ts';
import type { OverlaySettings, PeerAddress } from './overlay-settings.ts';

interface PeerExchangeOptions {
  settings: OverlaySettings;
  /** What all engines know and nobody else. */
  key: Buffer;
  /** Answers a request of the peer at this address; what it throws is told there. */
  answer: (peer: string, request: Record<string, unknown>) => Promise<unknown>;
  /** A peer can be asked from now on. */
  connected: (peer: string) => void;
  logger: Logger;
}

/**
 * SECURITY: TLS with a pre-shared key and ephemeral Diffie-Hellman: both ends prove that they know the secret, nobody
 * else reads or changes what is said, and who learns the secret later cannot read it afterwards. TLS 1.2, because Node
 * has no keys of this kind with 1.3.
 */
const TLS = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;
const IDENTITY = 'gantry-overlay';

const HANDSHAKE_MS = 5000;
/** A peer that answers later counts as one that is not there. */
const ANSWER_MS = 5000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5000;
const KEEPALIVE_MS = 10_000;
/** Of one request: the whole state of an engine. */
const MAXIMUM_BYTES = 16 << 20;

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** The connection on which one peer is asked; it asks on one of its own. */
interface Line {
  peer: PeerAddress;
  socket: TLSSocket | undefined;
  ready: boolean;
  retryMs: number;
  timer: NodeJS.Timeout | undefined;
  waiting: Map<number, Waiting>;
  /** What it asked last: one question is answered after the other, also across its connections. */
  answering: Promise<void>;
}

/** Questions and answers between engines, as lines of JSON: `{id, …request}`, then `{id, answer}` or `{id, error}`. */
export class PeerExchange {
  readonly #options: PeerExchangeOptions;
  readonly #lines: Map<string, Line>;
  readonly #callers = new Set<Socket>();
  #server: Server | undefined;
  #asked = 0;
  #closed = false;

  constructor(options: PeerExchangeOptions) {
    this.#options = options;
    this.#lines = new Map(
      options.settings.peers.map((peer) => [
        peer.address,
        {
          peer,
          socket: undefined,
          ready: false,
          retryMs: FIRST_RETRY_MS,
          timer: undefined,
          waiting: new Map<number, Waiting>(),
          answering: Promise.resolve(),
        },
      ]),
    );
  }

  /** Rejects where the own address cannot be listened at. */
  async start(): Promise<void> {
    const { own } = this.#options.settings;
    const server = createServer(
      {
        ...TLS,
        handshakeTimeout: HANDSHAKE_MS,
        pskCallback: (_socket, identity) => (identity === IDENTITY ? this.#options.key : null),
      },
      (socket) => this.#serve(socket),
    );
    // SECURITY: strangers do not even get a handshake.
    server.prependListener('connection', (socket: Socket) => {
      if (this.#lines.has(addressOf(socket))) this.#callers.add(socket);
      else socket.destroy();
      socket.on('close', () => this.#callers.delete(socket));
    });
    server.on('tlsClientError', (error) => {
      this.#options.logger.warn('a peer is refused', { error: messageOf(error) });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: own.address, port: own.port, exclusive: true }, resolve);
    });
    this.#server = server;
    for (const line of this.#lines.values()) this.#dial(line);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const line of this.#lines.values()) {
      clearTimeout(line.timer);
      line.socket?.destroy();
    }
    for (const socket of this.#callers) socket.destroy();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
  }

  /** Whom `ask` reaches now. */
  connected(): string[] {
    return [...this.#lines.values()].filter(({ ready }) => ready).map(({ peer }) => peer.address);
  }

  /** Rejects with what the peer threw, or unavailable. */
  ask(address: string, request: object): Promise<unknown> {
    const line = this.#lines.get(address);
    const { socket } = line ?? {};
    if (!line?.ready || !socket) return Promise.reject(silence(address));
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          line.waiting.delete(id);
          act(value);
        };
      line.waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      socket.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  }

  /** Ends the connection to a peer, which is then made anew. */
  reset(address: string): void {
    this.#lines.get(address)?.socket?.destroy();
  }

  #dial(line: Line): void {
    const { peer } = line;
    const { own } = this.#options.settings;
    const way: ConnectionOptions & TcpNetConnectOpts = {
      ...TLS,
      host: peer.address,
      port: peer.port,
      // The other end knows us by it.
      localAddress: own.address,
      pskCallback: () => ({ psk: this.#options.key, identity: IDENTITY }),
      checkServerIdentity: () => undefined,
    };
    const socket = connect(way);
    line.socket = socket;
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.setTimeout(HANDSHAKE_MS, () => {
      if (!line.ready) socket.destroy();
    });
    socket.once('secureConnect', () => {
      line.ready = true;
      line.retryMs = FIRST_RETRY_MS;
      this.#options.logger.info('peer connected', { peer: peer.address });
      this.#options.connected(peer.address);
    });
    readLines(socket, (text) => answerTo(line, text));
    let reason = 'closed';
    socket.on('error', (error) => (reason = messageOf(error)));
    socket.once('close', () => this.#lost(line, reason));
  }

  #lost(line: Line, reason: string): void {
    const { peer, waiting, ready } = line;
    line.ready = false;
    for (const { reject } of waiting.values()) reject(silence(peer.address));
    if (this.#closed) return;
    this.#options.logger[ready ? 'warn' : 'debug']('peer not connected', { peer: peer.address, reason });
    line.timer = setTimeout(() => this.#dial(line), line.retryMs);
    line.timer.unref();
    line.retryMs = Math.min(2 * line.retryMs, LAST_RETRY_MS);
  }

  #serve(socket: TLSSocket): void {
    const line = this.#lines.get(addressOf(socket));
    socket.on('error', () => socket.destroy());
    if (!line) return;
    readLines(socket, (text) => {
      line.answering = line.answering.then(() => this.#answer(line.peer.address, text, socket));
    });
  }

  async #answer(peer: string, text: string, socket: TLSSocket): Promise<void> {
    const request = parseLine(text);
    if (!request) {
      socket.destroy();
      return;
    }
    const { id, ...question } = request;
    const reply = await this.#options.answer(peer, question).then(
      (answer) => ({ id, answer }),
      (error: unknown) => ({
        id,
        error: { kind: error instanceof EngineError ? error.kind : 'internal', message: messageOf(error) },
      }),
    );
    if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
  }
}

function answerTo({ waiting, peer, socket }: Line, text: string): void {
  const reply = parseLine(text);
  const waiter = waiting.get(Number(reply?.['id']));
  if (!reply || !waiter) {
    socket?.destroy();
    return;
  }
  const error = reply['error'];
  if (!isObject(error)) waiter.resolve(reply['answer']);
  else
    waiter.reject(
      new EngineError(kindOf(error['kind']), `${String(error['message'])} (the engine at ${peer.address})`),
    );
}

const KINDS = [
  'invalid-argument',
  'forbidden',
  'not-found',
  'conflict',
  'not-implemented',
  'unavailable',
] as const;

function kindOf(value: unknown): (typeof KINDS)[number] | 'internal' {
  return KINDS.find((kind) => kind === value) ?? 'internal';
}

function silence(address: string): EngineError {
  return new EngineError('unavailable', `the engine at ${bracketed(address)} does not answer`);
}

/** In canonical form. */
function addressOf(socket: Socket): string {
  const text = (socket.remoteAddress ?? '').replace(/^::ffff:(?=[\d.]+$)/, '');
  const address = parseAddress(text);
  return address ? formatAddress(address) : '';
}

function parseLine(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Ends a connection whose line is too long to be meant well. */
function readLines(socket: Socket, each: (line: string) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8');
      rest = rest.subarray(end + 1);
      parts = [];
      size = 0;
      each(line);
    }
    parts.push(rest);
    size += rest.length;
    if (size > MAXIMUM_BYTES) socket.destroy();
  });
}
