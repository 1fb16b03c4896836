import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { EngineError, invalidArgument } from '../lib/errors.ts';

/**
 * One request and the means to answer it. node:http hands over requests with an `Upgrade` header by another event,
 * without response object and with the body unparsed; an exchange makes both kinds look the same.
 */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** node:http no longer parses this connection: everything behind the request's body is the new protocol. */
  readonly upgraded: boolean;
  /** How a failure is told: Docker's JSON, or the bare text under another media type. */
  errorType: string;
  /** The whole body, read once. Throws too-large and, when it does not arrive in time, invalid-argument. */
  readBody(): Promise<Buffer>;
}

export const JSON_TYPE = 'application/json';

/** Largest JSON body. SECURITY: 2024-41110, 2026-34040: what exceeds it is refused, never cut off. */
const MAXIMUM_BODY_BYTES = 4 * 1024 * 1024;
/** What dockerode sends where it has no body, also with an upgrade. */
const EMPTY_CHUNKED_BODY = '0\r\n\r\n';

/** `bodyTimeoutMs`: for a body that `readBody` waits for. */
export function requestExchange(
  request: IncomingMessage,
  response: ServerResponse,
  bodyTimeoutMs: number,
): Exchange {
  return {
    request,
    response,
    socket: request.socket,
    upgraded: false,
    errorType: JSON_TYPE,
    readBody: async () => (await readBytes(request, declaredLength(request) ?? 'all', bodyTimeoutMs)).body,
  };
}

export function upgradeExchange(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  bodyTimeoutMs: number,
): Exchange {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.end();
  });
  socket.on('error', () => socket.destroy());
  if (head.length > 0) socket.unshift(head);
  const body = readUpgradeBody(request, socket, bodyTimeoutMs);
  // Observed by readBody; a handler that never asks must not leave an unhandled rejection.
  body.catch(() => undefined);
  return { request, response, socket, upgraded: true, errorType: JSON_TYPE, readBody: () => body };
}

async function readUpgradeBody(
  request: IncomingMessage,
  socket: Socket,
  bodyTimeoutMs: number,
): Promise<Buffer> {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const length = chunked ? EMPTY_CHUNKED_BODY.length : (declaredLength(request) ?? 0);
  const { body, rest } = await readBytes(socket, length, bodyTimeoutMs);
  if (rest.length > 0) socket.unshift(rest);
  if (!chunked) return body;
  if (body.toString('latin1') === EMPTY_CHUNKED_BODY) return Buffer.alloc(0);
  throw invalidArgument('a chunked body cannot be combined with a connection upgrade');
}

function declaredLength(request: IncomingMessage): number | undefined {
  const value = request.headers['content-length'];
  return value === undefined ? undefined : Number(value);
}

/** Reads `length` bytes, or to the end of the stream, and leaves the source paused. */
async function readBytes(
  source: Readable,
  length: number | 'all',
  timeoutMs: number,
): Promise<{ body: Buffer; rest: Buffer }> {
  const limit = length === 'all' ? MAXIMUM_BODY_BYTES : length;
  if (limit > MAXIMUM_BODY_BYTES) throw bodyTooLarge();
  if (limit === 0) return { body: Buffer.alloc(0), rest: Buffer.alloc(0) };
  const chunks: Buffer[] = [];
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      source.off('data', onData).off('end', onEnd).off('error', settle).off('close', onClose).pause();
      if (error) reject(error);
      else resolve();
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      received += chunk.length;
      if (length === 'all' && received > limit) settle(bodyTooLarge());
      else if (length !== 'all' && received >= limit) settle();
    };
    const onEnd = (): void =>
      settle(
        length === 'all' ? undefined : invalidArgument('request body is shorter than its Content-Length'),
      );
    const onClose = (): void => settle(new EngineError('cancelled', 'client hung up'));
    const timer = setTimeout(() => settle(invalidArgument('timeout reading request body')), timeoutMs);
    source.on('data', onData).on('end', onEnd).on('error', settle).on('close', onClose);
  });
  const all = Buffer.concat(chunks);
  const end = length === 'all' ? all.length : limit;
  return { body: all.subarray(0, end), rest: all.subarray(end) };
}

const bodyTooLarge = (): EngineError =>
  new EngineError('too-large', `request body is larger than ${MAXIMUM_BODY_BYTES} bytes`);
