import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { errnoOf } from '../lib/errors.ts';
import type { PortRequest } from './port-bindings.ts';

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
