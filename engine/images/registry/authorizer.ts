import type { IncomingMessage } from 'node:http';
import { isObject } from '../../lib/field-types.ts';
import { readAtMost } from './bounded-body.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { HttpClient } from './http-client.ts';
import { errorFromResponse, RegistryError } from './registry-error.ts';

interface AuthorizerOptions {
  http: HttpClient;
  credentials: Credentials;
  /** Ask for a refresh token, too: for a login. */
  offline?: boolean;
}

interface Token {
  value: string;
  expiresAtMs: number;
}

const CLIENT_ID = 'docker';
/** What the token specification says of an answer without `expires_in`; shorter ones are not believed. */
const DEFAULT_LIFETIME_S = 60;
/** A token that ends within this time is renewed before it is used. */
const RENEWAL_MS = 10_000;
const MAX_TOKEN_BYTES = 1024 * 1024;

/** Answers a registry's challenges: bearer tokens by scope, renewed before they end, or basic credentials. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenges: Challenge[] = [];
  /** The refresh token that came with the last one. */
  refreshToken = '';

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Remembers what a 401 asks for; true when there is something new to answer with. */
  learn(response: IncomingMessage): boolean {
    const challenges = parseChallenges(response.headers['www-authenticate']);
    if (challenges.length === 0) return false;
    const isFirst = this.#challenges.length === 0;
    const hadTokens = this.#tokens.size > 0;
    this.#challenges = challenges;
    this.#tokens.clear();
    return isFirst || hadTokens;
  }

  /** The `Authorization` header for a request of these scopes. Throws RegistryError. */
  async headers(scopes: string[], signal: AbortSignal): Promise<Record<string, string>> {
    const { credentials } = this.#options;
    const [challenge] = this.#challenges.filter(({ scheme }) => scheme === 'bearer' || scheme === 'basic');
    if (!challenge) return {};
    if (challenge.scheme === 'basic') {
      if (credentials.username === '' || credentials.password === '')
        throw new RegistryError('no basic auth credentials', { code: 'NO_CREDENTIALS' });
      return { Authorization: basic(credentials) };
    }
    if (credentials.registryToken !== '') return { Authorization: `Bearer ${credentials.registryToken}` };
    const { value } = await this.#token(challenge, scopes, signal);
    return { Authorization: `Bearer ${value}` };
  }

  async #token(challenge: Challenge, scopes: string[], signal: AbortSignal): Promise<Token> {
    const key = scopes.join(' ');
    const cached = this.#tokens.get(key);
    const known = await cached?.catch(() => undefined);
    if (known && known.expiresAtMs > Date.now() + RENEWAL_MS) return known;
    // Another request may have begun to renew it meanwhile.
    const current = this.#tokens.get(key);
    if (current && current !== cached) return current;
    const fetched = this.#fetchToken(challenge, scopes, signal);
    this.#tokens.set(key, fetched);
    fetched.catch(() => {
      if (this.#tokens.get(key) === fetched) this.#tokens.delete(key);
    });
    return fetched;
  }

  async #fetchToken(challenge: Challenge, scopes: string[], signal: AbortSignal): Promise<Token> {
    const realm = challenge.parameters['realm'] ?? '';
    if (!URL.canParse(realm)) throw new RegistryError(`invalid realm of the registry's challenge`);
    const service = challenge.parameters['service'] ?? '';
    const response = await this.#askForToken(new URL(realm), service, scopes, signal);
    if ((response.statusCode ?? 0) >= 400) throw await errorFromResponse(response);
    const body = await readAtMost(response, MAX_TOKEN_BYTES);
    const answer = parseAnswer(body);
    const value = answer['token'] || answer['access_token'];
    if (typeof value !== 'string' || value === '')
      throw new RegistryError('authorization server did not include a token in the response');
    if (typeof answer['refresh_token'] === 'string') this.refreshToken = answer['refresh_token'];
    const lifetime = Number(answer['expires_in']);
    const seconds = Math.max(Number.isFinite(lifetime) ? lifetime : 0, DEFAULT_LIFETIME_S);
    return { value, expiresAtMs: Date.now() + seconds * 1000 };
  }

  /** docker/distribution, spec/auth: with a refresh token by OAuth 2, else by GET. */
  #askForToken(realm: URL, service: string, scopes: string[], signal: AbortSignal): Promise<IncomingMessage> {
    const { http, credentials, offline = false } = this.#options;
    if (credentials.identityToken !== '') {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: credentials.identityToken,
        service,
        client_id: CLIENT_ID,
        ...(offline ? { access_type: 'offline' } : {}),
        ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
      });
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      return http.request({ method: 'POST', url: realm, headers, body: Buffer.from(`${form}`), signal });
    }
    const { username, password } = credentials;
    if (service !== '') realm.searchParams.set('service', service);
    for (const scope of scopes) realm.searchParams.append('scope', scope);
    if (offline) realm.searchParams.set('offline_token', 'true');
    if (offline) realm.searchParams.set('client_id', CLIENT_ID);
    const hasPassword = username !== '' && password !== '';
    if (hasPassword) realm.searchParams.set('account', username);
    const headers = hasPassword ? { Authorization: basic(credentials) } : {};
    return http.request({ method: 'GET', url: realm, headers, signal });
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseAnswer(body: Buffer | undefined): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(body?.toString('utf8') ?? '');
    if (isObject(answer)) return answer;
  } catch {
    // Said below, without the answer: it may hold the token.
  }
  throw new RegistryError('unable to decode token response');
}
