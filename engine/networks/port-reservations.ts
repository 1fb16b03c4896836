import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { errnoOf } from '../lib/errors.ts';
import type { PortRequest } from './port-bindings.ts';
import type { Uplink } from './uplink.ts';

/** A host port that nobody else can bind while it is held. */
export interface PortReservation {
  hostPort: number;
  close(): Promise<void>;
}

/**
 * Binds the first free port of the request and keeps the socket. The kernel thereby arbitrates between our
 * containers, other engines and every other process, and `ss -l` shows the port as used. Traffic is translated
 * before it would reach the socket; a connection that does is from before the rules or past them, and is closed.
 * Throws the system error of the last port tried (EADDRINUSE, EADDRNOTAVAIL, EACCES).
 */
export async function reservePort(request: PortRequest): Promise<PortReservation> {
  const bind = request.protocol === 'tcp' ? bindTcp : bindUdp;
  for (let port = request.first; ; port += 1) {
    try {
      return await bind(request.hostIp, port);
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE' || port >= request.last) throw error;
    }
  }
}

/** A port that is free inside may be taken on the host. */
const RANDOM_ATTEMPTS = 10;

/** Every address of the network namespace. */
export const ANY_ADDRESS = '0.0.0.0';

/**
 * As `reservePort`, where the host's ports are reached through an uplink: the same port is taken on this side, at
 * all addresses because the host's own do not exist here, then opened on the host.
 */
export async function reserveThrough(uplink: Uplink, request: PortRequest): Promise<PortReservation> {
  const { protocol, hostIp } = request;
  const random = request.first === 0;
  for (let [attempt, first] = [1, request.first]; ; attempt += 1) {
    const inside = await reservePort({ ...request, hostIp: ANY_ADDRESS, first });
    try {
      const closeOutside = await uplink.forward({ protocol, hostIp, hostPort: inside.hostPort });
      return {
        hostPort: inside.hostPort,
        close: async () => {
          await closeOutside();
          await inside.close();
        },
      };
    } catch (error) {
      await inside.close();
      const exhausted = random ? attempt === RANDOM_ATTEMPTS : inside.hostPort >= request.last;
      if (errnoOf(error) !== 'EADDRINUSE' || exhausted) throw error;
      if (!random) first = inside.hostPort + 1;
    }
  }
}

function bindTcp(host: string, port: number): Promise<PortReservation> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket: Socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      resolve({
        hostPort: typeof address === 'object' && address !== null ? address.port : port,
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

function bindUdp(address: string, port: number): Promise<PortReservation> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      resolve({
        hostPort: socket.address().port,
        close: () => new Promise((done) => socket.close(() => done())),
      });
    });
  });
}
