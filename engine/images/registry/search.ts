import { EngineError, invalidArgument } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import { readAtMost } from './bounded-body.ts';
import type { Connections } from './connections.ts';
import { ANONYMOUS, type Credentials } from './credentials.ts';
import { HUB } from './endpoint.ts';
import type { HttpClient } from './http-client.ts';
import { RegistryError } from './registry-error.ts';

/** An item of `GET /images/search`. */
export interface SearchResult {
  name: string;
  description: string;
  is_official: boolean;
  /** Deprecated by Docker Hub, always false. */
  is_automated: false;
  star_count: number;
}

export interface SearchRequest {
  term: string;
  /** 1 to 100. */
  limit: number;
  isOfficial: boolean | undefined;
  stars: number;
  credentials: Credentials;
  signal: AbortSignal;
}

const HUB_INDEX = 'index.docker.io';
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** `docker search`: the index of Docker Hub, or of the registry that the term begins with. */
export async function searchImages(
  connections: Connections,
  request: SearchRequest,
): Promise<SearchResult[]> {
  const { term, limit, signal } = request;
  if (term.includes('://')) {
    throw invalidArgument(`invalid repository name: repository name (${term}) should not have a scheme`);
  }
  if (limit < 1 || limit > 100) throw invalidArgument(`limit ${limit} is outside the range of [1, 100]`);
  const { domain, name } = splitTerm(term);
  const isHub = domain === HUB || domain === HUB_INDEX;
  const path = `/v1/search?${new URLSearchParams({ q: isHub ? name.replace(/^library\//, '') : name, n: String(limit) })}`;
  const ask = async (http: HttpClient, base: URL): Promise<SearchResult[]> => {
    const headers = basic(request.credentials);
    const response = await http.request({ method: 'GET', url: new URL(path, base), headers, signal });
    if (response.statusCode === 200) return readResults(await readAtMost(response, MAX_ANSWER_BYTES));
    response.resume();
    throw new EngineError('internal', `unexpected status code ${response.statusCode}`);
  };
  const results = isHub
    ? await ask(await connections.clientFor(HUB_INDEX), new URL(`https://${HUB_INDEX}`))
    : await connections.withRegistry(domain, ANONYMOUS, signal, ({ endpoint }, http) =>
        ask(http, endpoint.base),
      );
  return results.filter(
    ({ is_official: official, star_count: stars }) =>
      (request.isOfficial === undefined || request.isOfficial === official) && stars >= request.stars,
  );
}

function splitTerm(term: string): { domain: string; name: string } {
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(0, slash));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? { domain: first, name: term.slice(slash + 1) } : { domain: HUB, name: term };
}

function basic({ username, password }: Credentials): Record<string, string> {
  if (username === '' || password === '') return {};
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function readResults(body: Buffer | undefined): SearchResult[] {
  let answer: unknown;
  try {
    answer = JSON.parse(body?.toString('utf8') ?? '');
  } catch (error) {
    throw new RegistryError('error decoding registry search results', { cause: error });
  }
  const results = isObject(answer) && Array.isArray(answer['results']) ? answer['results'] : [];
  return results.filter(isObject).map((item) => ({
    name: textOf(item['name']),
    description: textOf(item['description']),
    is_official: item['is_official'] === true,
    is_automated: false,
    star_count: typeof item['star_count'] === 'number' ? item['star_count'] : 0,
  }));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
