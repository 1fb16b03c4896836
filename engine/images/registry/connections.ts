import { createHash } from 'node:crypto';
import { EngineError } from '../../lib/errors.ts';
import type { Credentials } from './credentials.ts';
import { domainOf, remoteNameOf, type Endpoint, type Endpoints } from './endpoint.ts';
import { HttpClient } from './http-client.ts';
import type { Proxies } from './proxies.ts';
import { RegistryError } from './registry-error.ts';
import { RegistrySession } from './registry-session.ts';
import { Repository } from './repository.ts';

interface RepositoryRequest {
  /** Canonical name. */
  name: string;
  credentials: Credentials;
  actions: 'pull' | 'push,pull';
  signal: AbortSignal;
}

/** Ways to registries. Connections are kept from one operation to the next, what was said on them is not. */
export class Connections {
  readonly #endpoints: Endpoints;
  readonly #proxies: Proxies;
  readonly #clients = new Map<string, HttpClient>();

  constructor(endpoints: Endpoints, proxies: Proxies) {
    this.#endpoints = endpoints;
    this.#proxies = proxies;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  /** Uses a repository at the first endpoint that can do it: mirrors first, then TLS, then without where allowed. */
  async withRepository<T>(
    { name, credentials, actions, signal }: RepositoryRequest,
    use: (repository: Repository) => Promise<T>,
  ): Promise<T> {
    const endpoints = await this.#endpoints.of(domainOf(name), { mirrors: actions === 'pull' });
    return this.#firstOf(endpoints, credentials, signal, (session) =>
      use(new Repository(session, remoteNameOf(name), actions)),
    );
  }

  /** The same for what belongs to no repository: the catalogue, a login. Never a mirror. */
  async withRegistry<T>(
    domain: string,
    credentials: Credentials,
    signal: AbortSignal,
    use: (session: RegistrySession, http: HttpClient) => Promise<T>,
  ): Promise<T> {
    const endpoints = await this.#endpoints.of(domain, { mirrors: false });
    return this.#firstOf(endpoints, credentials, signal, (session, endpoint) =>
      use(session, this.clientOf(endpoint)),
    );
  }

  /** To a host outside of the registries' protocol: its certificate is looked at, nobody is logged in. */
  async clientFor(host: string): Promise<HttpClient> {
    return this.clientOf(await this.#endpoints.secure(host));
  }

  clientOf({ base, tls }: Endpoint): HttpClient {
    // Certificates are files that an administrator may replace while the engine runs.
    const key = createHash('sha256')
      .update(JSON.stringify([base.origin, tls]))
      .digest('hex');
    const client = this.#clients.get(key) ?? new HttpClient(tls, this.#proxies);
    this.#clients.set(key, client);
    return client;
  }

  async #firstOf<T>(
    endpoints: Endpoint[],
    credentials: Credentials,
    signal: AbortSignal,
    use: (session: RegistrySession, endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    let failure: unknown;
    let speaksTls = false;
    for (const endpoint of endpoints) {
      // SECURITY: a registry that was reached by TLS gets no password without, whatever went wrong.
      if (endpoint.base.protocol === 'http:' && speaksTls) continue;
      const state = { reached: false };
      try {
        const session = new RegistrySession(endpoint, this.clientOf(endpoint), credentials);
        await session.ping(signal);
        state.reached = true;
        speaksTls ||= endpoint.base.protocol === 'https:' && !endpoint.mirror;
        return await use(session, endpoint);
      } catch (error) {
        if (signal.aborted || !mayGoOn(error, endpoint, state.reached)) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

/** The next endpoint can only help where this one was not reached, or is a mirror that has not everything. */
function mayGoOn(error: unknown, endpoint: Endpoint, reached: boolean): boolean {
  if (endpoint.mirror) return !(error instanceof EngineError && error.kind === 'no-space');
  return !reached && error instanceof RegistryError;
}
