import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import { readAtMost } from './bounded-body.ts';
import { parseChallenges } from './challenge.ts';

interface RegistryErrorOptions {
  /** The distribution spec's code, e.g. `MANIFEST_UNKNOWN`. */
  code?: string;
  /** HTTP status of the registry's answer. */
  status?: number;
  /** The registry was not reached, or the connection broke. */
  transport?: boolean;
  /** What the registry asks to wait before the next attempt. */
  retryAfterMs?: number | undefined;
  bare?: string;
  cause?: unknown;
}

/** What a registry answered, or why it could not be asked, in Docker's words. */
export class RegistryError extends EngineError {
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly transport: boolean;
  readonly retryAfterMs: number | undefined;
  /** Without the request that it was met in: how Docker tells it of a push. */
  readonly bare: string;
  readonly #options: RegistryErrorOptions;

  constructor(message: string, options: RegistryErrorOptions = {}) {
    const { code, status, transport, retryAfterMs, bare, cause } = options;
    super(code === 'UNAUTHORIZED' ? 'unauthorized' : 'internal', message, { cause });
    this.name = 'RegistryError';
    this.code = code;
    this.status = status;
    this.transport = transport ?? false;
    this.retryAfterMs = retryAfterMs;
    this.bare = bare ?? message;
    this.#options = options;
  }

  /** The same, as Go's client wraps what kept it from asking at all: no credentials, a token that was refused. */
  during(method: string, url: URL): RegistryError {
    return new RegistryError(`${requestText(method, url)}: ${this.message}`, {
      ...this.#options,
      bare: this.message,
    });
  }

  /** Worth another attempt: the connection broke or the registry has trouble of its own. */
  get retryable(): boolean {
    return this.transport || this.status === 408 || (this.status ?? 0) >= 500;
  }
}

/** `Get "https://host/path"`. SECURITY: a query may be a signature (storage behind a redirect), so it is left out. */
export function requestText(method: string, { origin, pathname }: URL): string {
  return `${method.slice(0, 1)}${method.slice(1).toLowerCase()} "${origin}${pathname}"`;
}

/** SECURITY: an error page is shown, so it is kept short; it never holds what we sent. */
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_SHOWN = 1000;

/** What distribution's client says where a registry gives a code and no message. */
const DEFAULT_MESSAGES: Partial<Record<string, string>> = {
  UNAUTHORIZED: 'authentication required',
  DENIED: 'requested access to the resource is denied',
  UNSUPPORTED: 'The operation is unsupported.',
  TOOMANYREQUESTS: 'too many requests',
  MANIFEST_UNKNOWN: 'manifest unknown',
  NAME_UNKNOWN: 'repository name not known to registry',
  BLOB_UNKNOWN: 'blob unknown to registry',
};
const STATUS_CODES: Partial<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
};

/** Reads an answer that is no success to its end. */
export async function errorFromResponse(response: IncomingMessage): Promise<RegistryError> {
  const status = response.statusCode ?? 0;
  const retryAfterMs = retryAfter(response.headers['retry-after']);
  const body = (await readAtMost(response, MAX_ERROR_BYTES).catch(() => undefined))?.toString('utf8') ?? '';
  if (status < 400 || status >= 500) {
    const reason = `${status} ${response.statusMessage ?? ''}`.trim();
    return new RegistryError(`received unexpected HTTP status: ${reason}`, { status, retryAfterMs });
  }
  const [code, text] = challengeError(response) ?? bodyError(status, response.headers['content-type'], body);
  return new RegistryError(text, { ...(code === undefined ? {} : { code }), status, retryAfterMs });
}

type CodeAndText = [code: string | undefined, text: string];

/** RFC 6750 section 3.1. */
function challengeError(response: IncomingMessage): CodeAndText | undefined {
  for (const { scheme, parameters } of parseChallenges(response.headers['www-authenticate'])) {
    const error = scheme === 'bearer' ? parameters['error'] : undefined;
    if (error !== 'invalid_token' && error !== 'insufficient_scope') continue;
    const code = error === 'invalid_token' ? 'UNAUTHORIZED' : 'DENIED';
    return coded(code, parameters['error_description']);
  }
  return undefined;
}

function bodyError(status: number, contentType: string | undefined, body: string): CodeAndText {
  const isJson = /^application\/(?:json|vnd\.api\+json)\b/.test(contentType ?? '');
  if (!isJson) return coded(STATUS_CODES[status] ?? 'UNKNOWN', body.trim().slice(0, MAX_SHOWN));
  const answer = parseJson(body);
  if (isObject(answer) && typeof answer['details'] === 'string' && answer['details'] !== '')
    return coded(STATUS_CODES[status] ?? 'UNKNOWN', answer['details']);
  const errors = isObject(answer) && Array.isArray(answer['errors']) ? answer['errors'].filter(isObject) : [];
  const texts = errors.map((error) => coded(textOf(error['code']) ?? 'UNKNOWN', textOf(error['message'])));
  const [only] = texts;
  if (only && texts.length === 1) return only;
  if (only) return [only[0], `errors:\n${texts.map(([, text]) => `${text}\n`).join('')}`];
  if (status === 401) return coded('UNAUTHORIZED', undefined);
  const shown = JSON.stringify(body.slice(0, MAX_SHOWN));
  return [
    undefined,
    `error parsing HTTP ${status} response body: no error details found in HTTP response body: ${shown}`,
  ];
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function coded(code: string, message: string | undefined): CodeAndText {
  const text = message || (DEFAULT_MESSAGES[code] ?? 'unknown error');
  return [code, `${code.toLowerCase().replaceAll('_', ' ')}: ${text.slice(0, MAX_SHOWN)}`];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3), in milliseconds from now. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
