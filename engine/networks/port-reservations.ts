import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { errnoOf } from '../lib/errors.ts';
import type { PortRequest, Protocol } from './port-bindings.ts';
import { DatagramRelay, relayConnection, type RelayTarget } from './port-relay.ts';
import { isUnspecified } from './subnet.ts';
import type { Uplink } from './uplink.ts';

/** A host port that nobody else can bind while it is held. */
export interface PortReservation {
  hostPort: number;
  close(): Promise<void>;
}

/** A port that is free at one address may be taken at the next. */
const RANDOM_ATTEMPTS = 10;

/**
 * Binds the first port of the request that is free at all its addresses, and keeps the sockets. The kernel thereby
 * arbitrates between our containers, other engines and every other process, and `ss -l` shows the port as used.
 * Traffic is translated before it would reach the socket; a connection that does is from before the rules or past
 * them, and is closed, or passed on to `relay` when it came by IPv6 (`port-relay.ts`). Throws the system error of the last port tried (EADDRINUSE, EADDRNOTAVAIL, EACCES).
 */
export async function reservePort(request: PortRequest, relay?: RelayTarget): Promise<PortReservation> {
  return search(request, (port) => bindAll(request.protocol, request.hostIps, port, relay));
}

async function search(
  { first, last }: PortRequest,
  take: (port: number) => Promise<PortReservation>,
): Promise<PortReservation> {
  const random = first === 0;
  for (let [attempt, port] = [1, first]; ; attempt += 1) {
    try {
      return await take(port);
    } catch (error) {
      const exhausted = random ? attempt === RANDOM_ATTEMPTS : port >= last;
      if (errnoOf(error) !== 'EADDRINUSE' || exhausted) throw error;
      if (!random) port += 1;
    }
  }
}

async function bindAll(
  protocol: Protocol,
  hostIps: readonly string[],
  port: number,
  relay?: RelayTarget,
): Promise<PortReservation> {
  const held: PortReservation[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(held.map((reservation) => reservation.close()));
  };
  let hostPort = port;
  try {
    for (const hostIp of hostIps) {
      const reservation = await BINDERS[protocol](hostIp, hostPort, hostIp.includes(':') ? relay : undefined);
      held.push(reservation);
      hostPort = reservation.hostPort;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { hostPort, close };
}

/** Every IPv4 address of the network namespace. */
export const ANY_ADDRESS = '0.0.0.0';

/**
 * As `reservePort`, where the host's ports are reached through an uplink: the same port is taken on this side, at
 * all addresses because the host's own do not exist here, then opened on the host.
 */
export async function reserveThrough(uplink: Uplink, request: PortRequest): Promise<PortReservation> {
  const { protocol, hostIps } = request;
  return search(request, async (port) => {
    const inside = await bindAll(protocol, [ANY_ADDRESS], port);
    const { hostPort } = inside;
    const opened: (() => Promise<void>)[] = [];
    const close = async (): Promise<void> => {
      for (const shut of opened) await shut();
      await inside.close();
    };
    try {
      for (const hostIp of hostIps) opened.push(await uplink.forward({ protocol, hostIp, hostPort }));
      return { hostPort, close };
    } catch (error) {
      await close();
      throw error;
    }
  });
}

type Bind = (host: string, port: number, relay: RelayTarget | undefined) => Promise<PortReservation>;

const BINDERS: Record<Protocol, Bind> = {
  tcp: bindTcp,
  udp: bindUdp,
  sctp: holdForSctp,
};

function bindTcp(host: string, port: number, relay: RelayTarget | undefined): Promise<PortReservation> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      if (relay) relayConnection(socket, relay);
      else socket.destroy();
    });
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, ipv6Only: true }, () => {
      const address = server.address();
      resolve({
        hostPort: typeof address === 'object' && address !== null ? address.port : port,
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

function bindUdp(address: string, port: number, relay: RelayTarget | undefined): Promise<PortReservation> {
  return new Promise((resolve, reject) => {
    const isIpv6 = address.includes(':');
    const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 });
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      const datagrams = relay && new DatagramRelay(socket, relay);
      resolve({
        hostPort: socket.address().port,
        close: () =>
          new Promise((done) => {
            datagrams?.close();
            socket.close(() => done());
          }),
      });
    });
  });
}

/** RFC 6335: the dynamic ports. */
const FIRST_DYNAMIC_PORT = 49152;

/** Node has no SCTP sockets: what this process holds is all that is known to be taken. */
const heldForSctp = new Set<{ host: string; port: number }>();

async function holdForSctp(host: string, asked: number): Promise<PortReservation> {
  const port = asked === 0 ? randomInt(FIRST_DYNAMIC_PORT, 65536) : asked;
  if ([...heldForSctp].some((held) => held.port === port && doHostsClash(held.host, host))) {
    throw Object.assign(new Error('address in use'), { code: 'EADDRINUSE' });
  }
  const held = { host, port };
  heldForSctp.add(held);
  return {
    hostPort: port,
    close: async () => {
      heldForSctp.delete(held);
    },
  };
}

/** Whether one port cannot be bound at both addresses. */
export function doHostsClash(one: string, other: string): boolean {
  return one === other || (one.includes(':') === other.includes(':') && [one, other].some(isUnspecified));
}
