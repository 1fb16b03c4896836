import { EngineError, invalidArgument } from '../../lib/errors.ts';
import { familiarName, isSha256, parseReference, type Reference } from '../../images/reference.ts';
import { credentialsOf, decodeCredentials, type Credentials } from '../../images/registry/credentials.ts';
import { ProgressStream } from '../../images/registry/progress.ts';
import type { Registries } from '../../images/registry/registries.ts';
import type { Query, Route, RouteContext } from '../route.ts';
import { errorLine } from '../stream-error.ts';

const SEARCH_FILTERS = ['is-automated', 'is-official', 'stars'];
const DEFAULT_SEARCH_LIMIT = 25;

/** Operations that ask a registry; pulling is `POST /images/create`, among the images' own. */
export function registryRoutes({ registries }: { registries: Registries }): Route[] {
  return [
    {
      method: 'POST',
      path: '/images/{name...}/push',
      handler: (context) => pushImage(registries, context),
    },
    {
      method: 'POST',
      path: '/auth',
      async handler({ jsonBody, signal, reply }) {
        const config = (await jsonBody<{ serveraddress?: unknown }>()) ?? {};
        const address = typeof config.serveraddress === 'string' ? config.serveraddress : '';
        const token = await registries.login(address, credentialsOf(config), signal);
        reply.json(200, { Status: 'Login Succeeded', IdentityToken: token });
      },
    },
    {
      method: 'GET',
      path: '/images/search',
      handler: (context) => searchImages(registries, context),
    },
    {
      method: 'GET',
      path: '/distribution/{name...}/json',
      async handler(context) {
        const { params, signal, reply } = context;
        const reference = parseReference(params['name'] ?? '');
        reply.json(200, await registries.inspect({ reference, credentials: credentialsIn(context), signal }));
      },
    },
    ...browsingRoutes(registries),
  ];
}

/** The app's registry pages; beyond Docker. */
function browsingRoutes(registries: Registries): Route[] {
  return [
    {
      method: 'GET',
      path: '/gantry/v1/registries/repositories',
      async handler(context) {
        const { query, signal, reply } = context;
        const address = query.string('server') ?? '';
        reply.json(200, await registries.repositories(address, credentialsIn(context), signal));
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/registries/tags',
      async handler(context) {
        const { query, signal, reply } = context;
        const reference = parseReference(query.string('repository') ?? '');
        reply.json(200, await registries.tags({ reference, credentials: credentialsIn(context), signal }));
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/registries/digest',
      async handler(context) {
        const { query, signal, reply } = context;
        const reference = parseReference(query.string('image') ?? '');
        const digest = await registries.digest({ reference, credentials: credentialsIn(context), signal });
        reply.json(200, { digest });
      },
    },
  ];
}

/** `docker pull`: what fails before there is anything to tell has a status of its own. */
export async function pullImage(registries: Registries, context: RouteContext): Promise<void> {
  const { query, signal } = context;
  const reference = referenceToPull(query);
  const platform = query.string('platform');
  const request = {
    reference,
    platform: platform ? registries.parsePlatform(platform) : undefined,
    credentials: credentialsIn(context),
    signal,
  };
  await streamProgress(context, (progress) =>
    registries.pull({ ...request, tell: (message) => progress.send(message) }),
  );
}

/** `tag` may be a digest; without one all tags are meant, which the CLI also says by a colon at the end. */
function referenceToPull(query: Query): Reference {
  const named = parseReference((query.string('fromImage') ?? '').replace(/:$/, ''));
  if (familiarName(named.name) === 'scratch')
    throw new EngineError('forbidden', "'scratch' is a reserved name");
  const tag = query.string('tag');
  if (!tag) return named;
  if (isSha256(tag)) return { name: named.name, tag: undefined, digest: tag };
  const { tag: checked } = parseReference(`${named.name}:${tag}`);
  return { ...named, tag: checked };
}

async function pushImage(registries: Registries, context: RouteContext): Promise<void> {
  const { params, query, signal } = context;
  const name = params['name'] ?? '';
  const tag = query.string('tag');
  const reference = parseReference(tag ? `${name}:${tag}` : name);
  const request = { reference, credentials: credentialsIn(context), signal };
  await streamProgress(context, (progress) =>
    registries.push({ ...request, tell: (message) => progress.send(message) }),
  );
}

/** An error before the first message has a status of its own; a later one is a line. */
export async function streamProgress(
  { reply }: RouteContext,
  work: (progress: ProgressStream) => Promise<void>,
): Promise<void> {
  const state: { lines?: ReturnType<RouteContext['reply']['jsonLines']> } = {};
  const progress = new ProgressStream(() => (state.lines ??= reply.jsonLines()));
  try {
    await work(progress);
    await progress.end();
  } catch (error) {
    await progress.end();
    if (!state.lines) throw error;
    await state.lines.write(errorLine(error));
  }
  state.lines?.end();
}

async function searchImages(
  registries: Registries,
  { query, request, signal, reply }: RouteContext,
): Promise<void> {
  const filters = query.filters(SEARCH_FILTERS);
  const stars = filters.values('stars').map((value) => {
    if (!/^\d{1,9}$/.test(value)) throw invalidArgument(`invalid filter 'stars=${value}'`);
    return Number(value);
  });
  const [isOfficial] = filters.values('is-official').map((value) => truth('is-official', value));
  const term = query.string('term');
  if (!term) throw invalidArgument('a search needs a term');
  // No image is automated any more, whatever the index says.
  if (filters.values('is-automated').some((value) => truth('is-automated', value))) {
    reply.json(200, []);
    return;
  }
  const found = await registries.search({
    term,
    limit: query.integer('limit') || DEFAULT_SEARCH_LIMIT,
    isOfficial,
    stars: Math.max(0, ...stars),
    credentials: decodeCredentials(headerOf(request)),
    signal,
  });
  reply.json(200, found);
}

function truth(name: string, value: string): boolean {
  if (['1', 'true'].includes(value)) return true;
  if (['0', 'false'].includes(value)) return false;
  throw invalidArgument(`invalid filter '${name}=${value}'`);
}

const credentialsIn = ({ request }: RouteContext): Credentials => decodeCredentials(headerOf(request));

function headerOf(request: RouteContext['request']): string | undefined {
  const value = request.headers['x-registry-auth'];
  return typeof value === 'string' ? value : undefined;
}
