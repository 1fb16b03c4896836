import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { messageOf } from '../../engine/lib/errors.ts';
import type { Logger } from '../../engine/lib/logger.ts';
import type { ApiContext } from '../api/context.ts';
import { router } from '../api/router.ts';
import {
  isAllowedHost,
  isAllowedOrigin,
  isToken,
  securityHeaders,
  tokenOf,
  type WebAddress,
} from './request-policy.ts';
import { readStaticFile } from './static-files.ts';

/** Holds an uploaded file of 24 MB in base64; images come in parts. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const MAX_CLIENTS = 64;
const HEARTBEAT_MS = 30_000;

interface WebServerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  token: string;
  rendererDirectory: string;
  context: ApiContext;
  logger: Logger;
}

/** Web mode: the renderer's static files and, behind the token, the typed API over a WebSocket at `/api`. */
export class WebServer {
  readonly #options: WebServerOptions;
  readonly #rpc = new RPCHandler<ApiContext>(router);
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has('gantry') ? 'gantry' : false),
  });
  readonly #server: Server;
  #address: WebAddress;

  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#address = { host: options.host, port: options.port };
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
    this.#server.maxConnections = 4 * MAX_CLIENTS;
  }

  async start(): Promise<WebAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, resolve);
    });
    const { port } = this.#server.address() as AddressInfo;
    this.#address = { host: this.#options.host, port };
    return this.#address;
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serveFile(request, response);
    } catch (error) {
      this.#options.logger.error('cannot serve a file', { error: messageOf(error) });
      response.destroy();
    }
  }

  /** GET never changes state: all it does is read a file of the build. */
  async #serveFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host, origin } = request.headers;
    if (!isAllowedHost(host, this.#address)) return refuse(response, 403, 'host not allowed');
    if (origin !== undefined && !isAllowedOrigin(origin, host))
      return refuse(response, 403, 'origin not allowed');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(response, 405, 'method not allowed');
    const urlPath = (request.url ?? '/').split('?')[0]!;
    const file = await readStaticFile(this.#options.rendererDirectory, urlPath);
    if (!file) return refuse(response, 404, 'not found');
    response.writeHead(200, {
      ...securityHeaders(`'self' ws://${host}`),
      'Content-Type': file.contentType,
      'Content-Length': file.body.length,
      'Cache-Control': file.cacheControl,
    });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      this.#options.logger.warn('refused a WebSocket', { reason: refusal });
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#accept(client));
  }

  #refusal(request: IncomingMessage): string | undefined {
    const { host, origin } = request.headers;
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
    if (!isAllowedHost(host, this.#address)) return '403 Host Not Allowed';
    if (!isAllowedOrigin(origin, host)) return '403 Origin Not Allowed';
    if (request.url !== '/api') return '404 Not Found';
    if (!isToken(tokenOf(protocols), this.#options.token)) return '401 Unauthorized';
    if (this.#sockets.clients.size >= MAX_CLIENTS) return '503 Too Many Clients';
    return undefined;
  }

  #accept(client: WebSocket): void {
    client.on('error', (error) => this.#options.logger.warn('WebSocket failed', { error: error.message }));
    const peer = { addEventListener: client.addEventListener.bind(client), send: pacedSend(client) };
    void this.#rpc.upgrade(peer, { context: this.#options.context });
    keepAlive(client);
  }
}

/** oRPC awaits what `send` returns: waiting for the socket makes a stream (logs, download) go at its reader's pace. */
function pacedSend(client: WebSocket) {
  return (data: Parameters<WebSocket['send']>[0]): Promise<void> =>
    new Promise((resolve, reject) => {
      // What is left of a stream when its window closed is nobody's fault.
      const closed = () => client.readyState !== client.OPEN;
      client.send(data, (error) => (error && !closed() ? reject(error) : resolve()));
    });
}

/** Finds peers that vanished without a FIN, so that their streams end. */
function keepAlive(client: WebSocket): void {
  let alive = true;
  client.on('pong', () => (alive = true));
  const timer = setInterval(() => {
    if (!alive) return client.terminate();
    alive = false;
    client.ping();
  }, HEARTBEAT_MS);
  client.on('close', () => clearInterval(timer));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { ...securityHeaders("'none'"), 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${message}\n`);
}
