import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { VERSION } from '../lib/version.ts';
import { requireLocalCaller } from './caller.ts';
import { JSON_TYPE, requestExchange, upgradeExchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { FieldNames } from '../lib/field-names.ts';
import { parseJsonBody } from './json-body.ts';
import { createQuery } from './query.ts';
import { createReply, sendError } from './reply.ts';
import type { Route } from './route.ts';
import { createRouter } from './router.ts';
import type { Router } from './router.ts';
import { listenOnSocket } from './unix-socket.ts';
import { MAXIMUM_API_VERSION, negotiateVersion } from './versions.ts';

export interface ApiServer {
  /** Accepts connections when it resolves. Throws when another process answers on the socket. */
  start(): Promise<void>;
  /** Stops accepting and cuts what is open: log followers and attached terminals would never end by themselves. */
  close(): Promise<void>;
}

interface ApiServerOptions {
  socketPath: string;
  routes: readonly Route[];
  logger: Logger;
  patience?: ClientPatience;
}

/** How long a client may take for its headers, and for a JSON body. */
interface ClientPatience {
  headersMs: number;
  bodyMs: number;
}

const COMMON_HEADERS = {
  'Api-Version': MAXIMUM_API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Gantry/${VERSION} (linux)`,
};

/** Room for X-Registry-Config with several registries. */
const MAXIMUM_HEADER_BYTES = 64 * 1024;
/** SECURITY: slowloris. Uploads, which no handler reads as JSON, may take as long as they need. */
const PATIENCE: ClientPatience = { headersMs: 20_000, bodyMs: 60_000 };
/** How often node looks for connections whose headers are late. */
const CHECKS_PER_LIMIT = 4;

export function createServer({
  socketPath,
  routes,
  logger,
  patience = PATIENCE,
}: ApiServerOptions): ApiServer {
  const router = createRouter(routes);
  const sockets = new Set<Socket>();
  const server = createHttpServer({
    maxHeaderSize: MAXIMUM_HEADER_BYTES,
    headersTimeout: patience.headersMs,
    connectionsCheckingInterval: patience.headersMs / CHECKS_PER_LIMIT,
    requestTimeout: 0,
    // Clients keep idle connections; closing one just as its next request arrives would lose that request.
    keepAliveTimeout: 0,
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void handle(requestExchange(request, response, patience.bodyMs), router, logger);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    void handle(upgradeExchange(request, socket, head, patience.bodyMs), router, logger);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    start: () => listenOnSocket(server, socketPath),
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

async function handle(exchange: Exchange, router: Router, logger: Logger): Promise<void> {
  const { request, response } = exchange;
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
  const startedAt = performance.now();
  try {
    await dispatch(exchange, router);
  } catch (error) {
    try {
      sendError(exchange, error, logger);
    } catch (fault) {
      logger.error('error reply failed', { error: messageOf(fault) });
      exchange.socket.destroy();
    }
  }
  logger.debug('request', {
    method: request.method,
    path: request.url?.split('?')[0],
    status: response.statusCode,
    ms: Math.round(performance.now() - startedAt),
  });
}

async function dispatch(exchange: Exchange, router: Router): Promise<void> {
  const { request } = exchange;
  requireLocalCaller(request);
  const target = request.url ?? '/';
  const queryStart = target.indexOf('?');
  // A client so old that its version is refused knows no JSON errors.
  if (/^\/v(0|1\.(1?\d|2[0-3]))\//.test(target)) exchange.errorType = 'text/plain; charset=utf-8';
  const { apiVersion, path } = negotiateVersion(queryStart < 0 ? target : target.slice(0, queryStart));
  const { route, params } = router.match(request.method ?? '', path);
  exchange.errorType = route.errorType ?? JSON_TYPE;
  // The body precedes the new protocol on the wire, so it is out of the way before a handler may take over.
  if (exchange.upgraded) await exchange.readBody();
  await route.handler({
    params,
    query: createQuery(new URLSearchParams(queryStart < 0 ? '' : target.slice(queryStart))),
    apiVersion,
    request,
    signal: hangUpSignal(exchange),
    jsonBody: async <T>(fields?: FieldNames) =>
      parseJsonBody(request, await exchange.readBody(), fields) as T | undefined,
    reply: createReply(exchange),
  });
}

/** A hijacked connection never finishes its response object, so its end counts as hanging up, too. */
function hangUpSignal({ response, socket }: Exchange): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  socket.once('close', abort);
  response.once('finish', () => socket.off('close', abort));
  return controller.signal;
}
