import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

/** How long a proxy may take to connect, milliseconds. */
const CONNECT_TIMEOUT_MS = 30_000;

/** TLS in a tunnel that a proxy opens (RFC 9110, 9.3.6): the proxy sees whom it is with, nothing of what is said. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions & tls.ConnectionOptions,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const fail = (error: Error): void => (callback as (error: Error) => void)(error);
    const target = `${hostOf(options.host ?? '')}:${options.port ?? 443}`;
    const request = proxyRequest(this.#proxy, {
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    request.once('timeout', () => request.destroy(new Error('proxyconnect tcp: i/o timeout')));
    request.once('error', fail);
    request.once('connect', ({ statusCode, statusMessage }, socket) => {
      if (statusCode === 200) return callback(null, tls.connect({ ...options, socket }));
      socket.destroy();
      fail(new Error(statusMessage ?? `proxy answered ${statusCode}`));
    });
    request.end();
  }
}

/** A request that goes to a proxy; the caller says what for. */
export function proxyRequest(proxy: URL, options: http.RequestOptions): http.ClientRequest {
  const { protocol, hostname, port } = proxy;
  const start = protocol === 'https:' ? https.request : http.request;
  return start({ protocol, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port, ...options });
}

/** SECURITY: for the proxy alone: it is never part of what goes through a tunnel. */
export function proxyAuthorization({ username, password }: URL): http.OutgoingHttpHeaders {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

const hostOf = (host: string): string => (host.includes(':') ? `[${host}]` : host);
