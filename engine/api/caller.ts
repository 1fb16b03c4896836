import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { EngineError } from '../lib/errors.ts';

/**
 * SECURITY: DNS rebinding and CSRF. A web page can only reach this socket when somebody forwards a TCP port to it;
 * then its requests carry the attacker's domain as Host, or a foreign Origin. No client of the Docker API does: over
 * a unix socket they send a made-up single-label host, the socket's path (percent-encoded) or, through
 * `docker system dial-stdio`, `docker.example.com`. Go's WebSocket client makes up `http://localhost` as its Origin; a
 * page that has it for real also sends a host that a browser can connect to.
 */
export function requireLocalCaller(request: IncomingMessage): void {
  const host = request.headers.host ?? '';
  if (!isLocalHost(host)) throw new EngineError('forbidden', `host '${host}' is not allowed`);
  const { origin } = request.headers;
  const isMadeUp = origin === 'http://localhost' && (host === '' || isPath(host));
  if (origin !== undefined && origin !== `http://${host}` && !isMadeUp) {
    throw new EngineError('forbidden', `origin '${origin}' is not allowed`);
  }
}

const isPath = (host: string): boolean => /^[\w%/-]*(%2f|\/)[\w%/.-]*$/i.test(host);

function isLocalHost(host: string): boolean {
  if (isPath(host)) return true;
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return (
    /^[\w-]*$/.test(name) ||
    name.endsWith('.localhost') ||
    name === 'docker.example.com' ||
    isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
  );
}
