import http from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '../../lib/errors.ts';
import { VERSION } from '../../lib/version.ts';
import type { ByteSource } from '../decompress.ts';
import type { TlsSettings } from './certificates.ts';
import type { Proxies } from './proxies.ts';
import { RegistryError, requestText } from './registry-error.ts';
import { transportError } from './transport-error.ts';
import { proxyAuthorization, proxyRequest, TunnelAgent } from './tunnel-agent.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: OutgoingHttpHeaders;
  /** A stream is sent chunked unless `headers` state its length; it is read once, so it is never sent again. */
  body?: Uint8Array | ByteSource;
  /** false: a redirect is an answer like another. */
  followRedirects?: boolean;
  signal: AbortSignal;
}

/** A connection on which nothing moves for so long is given up. */
const IDLE_TIMEOUT_MS = 60_000;
/** A registry may take its time over what it was sent, e.g. to move a blob into an object store. */
const STORING_TIMEOUT_MS = 300_000;
/** Of what is sent: compressing goes on while the network takes what there is. */
const READ_AHEAD_BYTES = 1024 * 1024;
const NO_PROXIES: Pick<Proxies, 'for'> = { for: () => undefined };
const MAX_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];
const USER_AGENT = `docker/28.2.2 gantry/${VERSION} os/linux arch/${process.arch}`;

/**
 * HTTP to one registry and to where it redirects: keep-alive connections, streams in both directions. Answers of any
 * status are returned; throws RegistryError (in the words of Go's client) when there is none.
 */
export class HttpClient {
  readonly #tls: TlsSettings;
  readonly #proxies: Pick<Proxies, 'for'>;
  /** By what is connected to: `http:`, `https:`, or the proxy for one of them. */
  readonly #agents = new Map<string, http.Agent>();

  constructor(tls: TlsSettings, proxies: Pick<Proxies, 'for'> = NO_PROXIES) {
    this.#tls = tls;
    this.#proxies = proxies;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async request(request: HttpRequest): Promise<IncomingMessage> {
    let { url } = request;
    let headers = request.headers ?? {};
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#send({ ...request, url, headers });
      const location = response.headers.location;
      const isFollowed = request.followRedirects !== false && ['GET', 'HEAD'].includes(request.method);
      if (!isFollowed || location === undefined || !REDIRECTS.includes(response.statusCode ?? 0))
        return response;
      response.resume();
      if (redirects === MAX_REDIRECTS) throw failure(request, url, 'stopped after 10 redirects');
      const target = redirectTarget(request, url, location);
      // SECURITY: a credential is for the host it was asked by, not for where that host points to.
      if (target.host !== url.host) headers = withoutAuthorization(headers);
      url = target;
    }
  }

  async #send(request: HttpRequest): Promise<IncomingMessage> {
    try {
      return await this.#attempt(request);
    } catch (error) {
      // The server closed an idle connection just as it was used again: nothing of the request was seen.
      const reused = error instanceof StaleConnection;
      if (!reused) throw request.signal.aborted ? error : transportError(request.method, request.url, error);
      return this.#attempt(request).catch((again: unknown) => {
        throw transportError(request.method, request.url, again);
      });
    }
  }

  #start(
    url: URL,
    proxy: URL | undefined,
    options: Omit<http.RequestOptions, 'headers'> & { headers: OutgoingHttpHeaders },
  ): ClientRequest {
    if (url.protocol === 'https:') return https.request(url, options);
    if (!proxy) return http.request(url, options);
    // A proxy takes the whole address (RFC 9112, 3.2.2).
    const headers = { Host: url.host, ...proxyAuthorization(proxy), ...options.headers };
    return proxyRequest(proxy, { ...options, headers, path: url.href });
  }

  #agentFor(protocol: string, proxy: URL | undefined): http.Agent {
    const key = `${protocol} ${proxy?.href ?? ''}`;
    const agent = this.#agents.get(key) ?? this.#makeAgent(protocol, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  #makeAgent(protocol: string, proxy: URL | undefined): http.Agent {
    const options = { keepAlive: true, maxFreeSockets: 8, timeout: IDLE_TIMEOUT_MS };
    if (protocol === 'http:')
      return proxy?.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
    const secured = { ...options, ...this.#tls, minVersion: 'TLSv1.2' as const };
    return proxy ? new TunnelAgent(proxy, secured) : new https.Agent(secured);
  }

  #attempt({ method, url, headers, body, signal }: HttpRequest): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const proxy = this.#proxies.for(url);
    const request = this.#start(url, proxy, {
      method,
      agent: this.#agentFor(url.protocol, proxy),
      headers: { 'User-Agent': USER_AGENT, ...lengthOf(body), ...headers },
      timeout: body === undefined ? IDLE_TIMEOUT_MS : STORING_TIMEOUT_MS,
    });
    destroyOnAbort(request, signal);
    return new Promise((resolve, reject) => {
      request.once('timeout', () => request.destroy(new Error('i/o timeout')));
      request.once('response', (response) => {
        // An answer that did not wait for the whole body: nobody reads the rest.
        response.once('end', () => {
          if (!request.writableFinished) request.destroy();
        });
        resolve(response);
      });
      request.on('error', (error) => {
        const stale = request.reusedSocket && errnoOf(error) === 'ECONNRESET' && !isStream(body);
        reject(stale ? new StaleConnection() : error);
      });
      void sendBody(request, body).catch((error: unknown) => {
        request.destroy(error as Error);
        reject(error);
      });
    });
  }
}

/**
 * Not Node's `signal` option: that is handed on to the socket, which lives on in the pool, and an abort that comes
 * after the answer would cut off whoever uses it by then.
 */
function destroyOnAbort(request: ClientRequest, signal: AbortSignal): void {
  const abort = (): void => void request.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  request.once('close', () => signal.removeEventListener('abort', abort));
}

class StaleConnection extends Error {}

const isStream = (body: HttpRequest['body']): body is ByteSource =>
  body !== undefined && !(body instanceof Uint8Array);

function lengthOf(body: HttpRequest['body']): OutgoingHttpHeaders {
  return body instanceof Uint8Array ? { 'Content-Length': body.length } : {};
}

async function sendBody(request: ClientRequest, body: HttpRequest['body']): Promise<void> {
  if (!isStream(body)) {
    request.end(body);
    return;
  }
  const source = Readable.from(body, { objectMode: false, highWaterMark: READ_AHEAD_BYTES });
  try {
    await pipeline(source, request);
  } catch (error) {
    // The server answered and closed before it had read everything: its answer says why.
    const early = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoOf(error) ?? '');
    if (!early) throw error;
  }
}

function redirectTarget(request: HttpRequest, from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (!target || !['http:', 'https:'].includes(target.protocol))
    throw failure(request, from, `invalid redirect to ${JSON.stringify(location.slice(0, 200))}`);
  // SECURITY: what was asked for over TLS is not fetched without.
  if (from.protocol === 'https:' && target.protocol !== 'https:')
    throw failure(request, from, 'refused a redirect from https to http');
  return target;
}

function failure({ method }: HttpRequest, url: URL, text: string): RegistryError {
  return new RegistryError(`${requestText(method, url)}: ${text}`);
}

function withoutAuthorization(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'Authorization'));
}
