import type { Duplex } from 'node:stream';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import type { Exchange } from './exchange.ts';

/** Larger messages close the connection; nobody types that much at once. */
const MAXIMUM_MESSAGE_BYTES = 1024 * 1024;

/**
 * RFC 6455 handshake; messages each way are seen as one byte stream, `end()` starts the closing handshake. `ws` is
 * loaded at the first use: it draws in TLS and more, 7 MiB that an engine without WebSocket clients does not pay.
 */
export async function acceptWebSocket(exchange: Exchange): Promise<Duplex> {
  const { request, response, socket } = exchange;
  if (!exchange.upgraded || request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw invalidArgument('not a WebSocket handshake');
  }
  const { createWebSocketStream, WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
  });
  response.detachSocket(socket);
  let stream: Duplex | undefined;
  // With a valid request the callback runs before handleUpgrade returns; otherwise ws has answered 400 itself.
  server.handleUpgrade(request, socket, Buffer.alloc(0), (webSocket) => {
    stream = createWebSocketStream(webSocket);
  });
  if (!stream) throw new EngineError('cancelled', 'WebSocket handshake refused');
  return stream.on('error', () => stream?.destroy());
}
