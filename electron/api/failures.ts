import { ORPCError } from '@orpc/server';
import { EngineError, errnoOf, ERROR_STATUS, messageOf } from '../../engine/lib/errors.ts';
import type { ApiFailure } from './types.ts';

/** Codes by the engine's HTTP status; everything else of 4xx is BAD_REQUEST, of 5xx INTERNAL_SERVER_ERROR. */
const CODE_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  501: 'NOT_IMPLEMENTED',
  503: 'SERVICE_UNAVAILABLE',
  507: 'INSUFFICIENT_STORAGE',
};

/** What connecting to a socket fails with when no engine listens there, or this user may not talk to it. */
const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ECONNRESET', 'EPIPE', 'ENOTSOCK']);

/** An expected failure of the app itself: the UI shows `message` and branches on `code`. */
export function failure(code: string, message: string, hint?: string): ORPCError<string, ApiFailure> {
  return new ORPCError(code, { message, data: { code, message, ...(hint && { hint }) } });
}

/** Whatever a handler caught as `{code, message, hint}`: engine replies by status, socket errors, the app's own. */
export function toApiError(error: unknown): ORPCError<string, unknown> {
  if (error instanceof ORPCError) return error;
  if (error instanceof EngineError)
    return failure(codeOf(ERROR_STATUS[error.kind]), error.message, error.hint);
  const status = statusOf(error);
  if (status !== undefined) return failure(codeOf(status), engineMessage(error));
  const errno = errnoOf(error);
  if (errno !== undefined && UNREACHABLE.has(errno) && isSocketError(error)) {
    return failure('ENGINE_UNREACHABLE', `the engine does not answer: ${messageOf(error)}`);
  }
  return failure('INTERNAL_SERVER_ERROR', messageOf(error));
}

function codeOf(status: number): string {
  return CODE_BY_STATUS[status] ?? (status < 500 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR');
}

/** docker-modem puts the HTTP status on its errors. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode;
  return undefined;
}

/** Rethrows what an operation of Gantry's own failed with: other engines answer it with 404 `page not found`. */
export function explainUnknownOperation(error: unknown): never {
  const isUnknown = statusOf(error) === 404 && error instanceof Error && /page not found/.test(error.message);
  throw isUnknown ? failure('NOT_AVAILABLE', 'not available on this engine') : error;
}

/** The engine's own text: `json.message`, else docker-modem's `(HTTP code N) reason - text ` without its frame. */
function engineMessage(error: unknown): string {
  if (error instanceof Error && 'json' in error) {
    const { json } = error;
    if (typeof json === 'object' && json !== null && 'message' in json && typeof json.message === 'string') {
      return json.message;
    }
  }
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]* - /, '')
    .trim();
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && !('path' in error && error.syscall === 'open');
}
