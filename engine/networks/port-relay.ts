import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

/** Where a container is now; undefined while it is nowhere. */
export interface RelayTarget {
  address: () => string | undefined;
  port: number;
}

/**
 * What reaches a port by IPv6 without having been translated: the loopback, whose packets the kernel routes nowhere
 * else, and a container that has IPv4 only. It is passed on here, so it depends on the engine; IPv4 never comes here.
 */
export function relayConnection(client: Socket, { address, port }: RelayTarget): void {
  const host = address();
  if (host === undefined) {
    client.destroy();
    return;
  }
  const server = connect({ host, port, allowHalfOpen: true });
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  client.on('error', end).on('close', end);
  server.on('error', end).on('close', end);
  client.pipe(server);
  server.pipe(client);
}

const MAX_CLIENTS = 1024;
const IDLE_MS = 60_000;

/** As `relayConnection`; each sender has a socket of its own, by which answers find back. */
export class DatagramRelay {
  readonly #target: RelayTarget;
  readonly #outside: DatagramSocket;
  readonly #clients = new Map<string, { socket: DatagramSocket; timer: NodeJS.Timeout }>();

  constructor(outside: DatagramSocket, target: RelayTarget) {
    this.#outside = outside;
    this.#target = target;
    outside.on('message', (message, sender) => this.#pass(message, sender));
  }

  close(): void {
    for (const { socket, timer } of this.#clients.values()) {
      clearTimeout(timer);
      socket.close();
    }
    this.#clients.clear();
  }

  #pass(message: Buffer, sender: RemoteInfo): void {
    const host = this.#target.address();
    const key = `${sender.address} ${sender.port}`;
    const client = this.#clients.get(key) ?? (host === undefined ? undefined : this.#open(key, host, sender));
    client?.timer.refresh();
    client?.socket.send(message, this.#target.port, host);
  }

  #open(key: string, host: string, sender: RemoteInfo) {
    if (this.#clients.size >= MAX_CLIENTS) return undefined;
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => undefined);
    socket.on('message', (answer) => this.#outside.send(answer, sender.port, sender.address));
    const timer = setTimeout(() => {
      this.#clients.delete(key);
      socket.close();
    }, IDLE_MS);
    timer.unref();
    const client = { socket, timer };
    this.#clients.set(key, client);
    return client;
  }
}
