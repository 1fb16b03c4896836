import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';

/**
 * Takes the connection from HTTP and returns it as raw bytes, with half-close both ways (the server's sockets are
 * allowHalfOpen). Clients that ask with `Upgrade` get 101 and may already have sent bytes; the others get the legacy
 * `200 OK` without length and must not send raw bytes before they have seen it.
 */
export function hijackConnection(exchange: Exchange, contentType: string): Duplex {
  const { request, response, socket } = exchange;
  const upgrade = request.headers.upgrade !== undefined;
  if (!exchange.upgraded) releaseFromParser(exchange);
  response.detachSocket(socket);
  socket.setTimeout(0);
  socket.on('error', () => socket.destroy());
  const lines = [
    upgrade ? 'HTTP/1.1 101 UPGRADED' : 'HTTP/1.1 200 OK',
    `Content-Type: ${contentType}`,
    ...(upgrade ? ['Connection: Upgrade', 'Upgrade: tcp'] : []),
    ...Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

const PYTHON_CLIENT = /\bdocker-(sdk-python|py)\//;
/** Less than dockerd takes for an exec, by which such clients go. */
const PYTHON_SWITCH_MS = 50;

/**
 * docker-py, and docker-compose 1 with it, reads what follows the head from the bare socket: what it received together
 * with the head it has lost. So what could follow at once waits until it has had the time to read the head.
 */
export async function clientHasSwitched({ headers }: IncomingMessage): Promise<void> {
  if (PYTHON_CLIENT.test(headers['user-agent'] ?? '')) await delay(PYTHON_SWITCH_MS);
}

/**
 * node:http reads an ordinary connection natively ("consumed"). Adding a `data` listener is the public way to make it
 * hand the bytes to JavaScript again; without its own listeners they then stay in the socket for us. A handler may run
 * inside the parser, to which the end of the request is still to come: it resumes the socket then (`readStart` in
 * _http_common.js), and what arrived before somebody listens would be lost. So it is paused once more.
 */
function releaseFromParser({ socket }: Exchange): void {
  socket.on('data', () => undefined);
  for (const event of ['data', 'end', 'drain', 'timeout', 'error']) socket.removeAllListeners(event);
  socket.pause();
  process.nextTick(() => {
    if (socket.listenerCount('data') === 0) socket.pause();
  });
}
