import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteSource } from '../decompress.ts';
import { Authorizer } from './authorizer.ts';
import { ANONYMOUS, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpClient, HttpRequest } from './http-client.ts';
import { errorFromResponse, RegistryError } from './registry-error.ts';

export interface RegistryRequest {
  method: HttpRequest['method'];
  /** Below the registry's base, or a whole URL that the registry gave. */
  path: string;
  scopes: string[];
  headers?: OutgoingHttpHeaders;
  body?: Uint8Array | ByteSource;
  signal: AbortSignal;
  /** Statuses that are answers; any other becomes an error. */
  accept: number[];
}

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 250;
/** A registry that asks for more patience than this is quoted instead. */
const MAX_RETRY_AFTER_MS = 5_000;

/** A conversation with one endpoint: authorised, repeated while there is hope, errors in Docker's words. */
export class RegistrySession {
  readonly endpoint: Endpoint;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;

  constructor(endpoint: Endpoint, http: HttpClient, credentials: Credentials) {
    this.endpoint = endpoint;
    this.#http = http;
    // SECURITY: what a user told Docker Hub is nothing that its mirrors should hear.
    this.#authorizer = new Authorizer({ http, credentials: endpoint.mirror ? ANONYMOUS : credentials });
  }

  /** Learns how the registry wants to be asked. Throws RegistryError when there is none. */
  async ping(signal: AbortSignal): Promise<void> {
    const response = await this.#http.request({ method: 'GET', url: this.#url('/v2/'), signal });
    if (response.statusCode === 401) this.#authorizer.learn(response);
    response.resume();
  }

  #url(path: string): URL {
    return new URL(path.startsWith('/') ? this.endpoint.base.href.replace(/\/$/, '') + path : path);
  }

  /** Requests with a stream for a body are sent once. */
  async request(request: RegistryRequest): Promise<IncomingMessage> {
    const isStream = request.body !== undefined && !(request.body instanceof Uint8Array);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#authorized(request);
      } catch (error) {
        const waitMs = isStream || attempt === MAX_ATTEMPTS ? undefined : retryDelay(error, attempt);
        if (waitMs === undefined || request.signal.aborted) throw error;
        await delay(waitMs, undefined, { signal: request.signal });
      }
    }
  }

  async #authorized(request: RegistryRequest): Promise<IncomingMessage> {
    const response = await this.#send(request);
    const status = response.statusCode ?? 0;
    if (request.accept.includes(status)) return response;
    const isStream = request.body !== undefined && !(request.body instanceof Uint8Array);
    // A token that ended early, or was not asked for at the first request.
    if (status === 401 && !isStream && this.#authorizer.learn(response)) {
      response.resume();
      const again = await this.#send(request);
      if (request.accept.includes(again.statusCode ?? 0)) return again;
      throw await errorFromResponse(again);
    }
    throw await errorFromResponse(response);
  }

  async #send({ method, path, scopes, headers, body, signal }: RegistryRequest): Promise<IncomingMessage> {
    const url = this.#url(path);
    // SECURITY: an upload's location is what the registry says; only the registry itself hears a credential.
    const isOurs = url.host === this.endpoint.base.host;
    const authorization = isOurs ? await this.#authorization(method, url, scopes, signal) : {};
    return this.#http.request({
      method,
      url,
      headers: { ...headers, ...authorization },
      ...(body === undefined ? {} : { body }),
      signal,
    });
  }

  async #authorization(method: string, url: URL, scopes: string[], signal: AbortSignal) {
    try {
      return await this.#authorizer.headers(scopes, signal);
    } catch (error) {
      throw error instanceof RegistryError ? error.during(method, url) : error;
    }
  }
}

/** How long to wait before trying again; undefined: there is no use in it. */
export function retryDelay(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof RegistryError)) return undefined;
  const { retryAfterMs } = error;
  const isLimited = error.status === 429;
  if (isLimited && (retryAfterMs === undefined || retryAfterMs > MAX_RETRY_AFTER_MS)) return undefined;
  if (!isLimited && !error.retryable) return undefined;
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
  return FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
}
