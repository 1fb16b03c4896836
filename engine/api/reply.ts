import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import { roomOrEnd } from '../lib/back-pressure.ts';
import { EngineError, ERROR_STATUS, errnoOf, isDiskFull, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { JSON_TYPE, type Exchange } from './exchange.ts';
import { hijackConnection } from './hijack.ts';
import type { JsonLines, Reply } from './route.ts';
import { acceptWebSocket } from './websocket.ts';

export function createReply(exchange: Exchange): Reply {
  const { response } = exchange;
  const send = (status: number, headers: Record<string, string>, text: string): void => {
    const body = Buffer.from(text);
    response.writeHead(status, { ...headers, 'Content-Length': body.length });
    response.end(body);
  };
  const stream = (status: number, headers: Record<string, string>): ServerResponse => {
    response.writeHead(status, headers);
    response.flushHeaders();
    return response;
  };
  return {
    json: (status, value, headers) =>
      send(status, { 'Content-Type': 'application/json', ...headers }, `${JSON.stringify(value)}\n`),
    empty(status, headers = {}) {
      response.writeHead(status, headers).end();
    },
    text: (status, body, headers) =>
      send(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body),
    stream,
    jsonLines: (status = 200) => jsonLines(stream(status, { 'Content-Type': 'application/json' })),
    hijack: (contentType) => hijackConnection(exchange, contentType),
    webSocket: () => acceptWebSocket(exchange),
  };
}

function jsonLines(response: ServerResponse): JsonLines {
  return {
    async write(value) {
      if (response.destroyed || response.write(`${JSON.stringify(value)}\n`)) return;
      await roomOrEnd(response);
    },
    end: () => {
      response.end();
    },
  };
}

/**
 * The one place where an error becomes a reply. After the head is out nothing truthful can be said any more: the
 * connection is cut, so that the client sees an incomplete body rather than a complete-looking one.
 */
export function sendError(exchange: Exchange, error: unknown, logger: Logger): void {
  const { request, response, socket } = exchange;
  const status = statusOf(error);
  if (!(error instanceof EngineError)) {
    logger.error('request failed', {
      method: request.method,
      path: request.url?.split('?')[0],
      error: error instanceof Error ? error.stack : String(error),
    });
  }
  // The reply was complete before the handler failed: its client has what it asked for.
  if (response.writableEnded) return;
  if (response.headersSent || response.socket === null || response.destroyed) {
    socket.destroy();
    return;
  }
  if (status === 304) {
    response.writeHead(304).end();
    return;
  }
  const { errorType } = exchange;
  const message = messageOf(error);
  const body = errorType === JSON_TYPE ? `${JSON.stringify({ message })}\n` : `${message}\r\n`;
  const reason = STATUS_CODES[status] ?? 'Client Closed Request';
  response.writeHead(status, reason, {
    'Content-Type': errorType,
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** EngineError by its kind; a full disk wherever it hit; everything else is a fault of ours. */
function statusOf(error: unknown): number {
  if (error instanceof EngineError) return ERROR_STATUS[error.kind];
  return ERROR_STATUS[isDiskFull(errnoOf(error)) ? 'no-space' : 'internal'];
}
