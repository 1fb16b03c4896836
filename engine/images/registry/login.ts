import { EngineError, invalidArgument } from '../../lib/errors.ts';
import { Authorizer } from './authorizer.ts';
import type { Connections } from './connections.ts';
import { ANONYMOUS, type Credentials } from './credentials.ts';
import { HUB } from './endpoint.ts';
import { RegistryError } from './registry-error.ts';

/**
 * Tries credentials at a registry, without mirrors. Resolves with the refresh token that stands in for the password
 * from now on, '' where the registry hands out none. Throws unauthorized in Docker's words.
 */
export async function login(
  connections: Connections,
  serverAddress: string,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<string> {
  const domain = hostOf(serverAddress);
  return connections.withRegistry(domain, ANONYMOUS, signal, async ({ endpoint }, http) => {
    const url = new URL('/v2/', endpoint.base);
    const authorizer = new Authorizer({ http, credentials, offline: true });
    const challenge = await http.request({ method: 'GET', url, signal });
    challenge.resume();
    if (challenge.statusCode === 401) authorizer.learn(challenge);
    const headers = await authorizer.headers([], signal).catch((error: unknown) => {
      throw error instanceof RegistryError ? error.during('GET', url) : error;
    });
    const answer = await http.request({ method: 'GET', url, headers, signal });
    answer.resume();
    const status = answer.statusCode ?? 0;
    if (status !== 200) {
      const text = `login attempt to ${url.href} failed with status: ${status} ${answer.statusMessage ?? ''}`;
      throw status === 401 ? new EngineError('unauthorized', text) : new RegistryError(text, { status });
    }
    return authorizer.refreshToken;
  });
}

/** `https://index.docker.io/v1/` and what else clients keep as a registry's address → its domain. */
export function hostOf(serverAddress: string): string {
  if (serverAddress === '') return HUB;
  const text = /^https?:\/\//.test(serverAddress) ? serverAddress : `https://${serverAddress}`;
  if (!URL.canParse(text)) throw invalidArgument('unable to parse server address');
  const { host } = new URL(text);
  return host === 'registry-1.docker.io' ? HUB : host;
}
