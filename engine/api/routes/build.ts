import type { BuildOptions } from '../../builder/build-options.ts';
import type { Builder } from '../../builder/builder.ts';
import { describeDockerfile } from '../../builder/describe-dockerfile.ts';
import { BuildError } from '../../builder/build-error.ts';
import type { ContextSource } from '../../builder/build-context.ts';
import { EngineError, invalidArgument, messageOf } from '../../lib/errors.ts';
import { isObject, isText, listOf, mapOf } from '../../lib/field-types.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import type { HostConfig, Ulimit } from '../../wire/container.ts';
import { readSecrets, readSshAgents } from './build-secrets.ts';
import type { JsonLines, Query, Route, RouteContext } from '../route.ts';

const PRUNE_FILTERS = [
  'until',
  'id',
  'parent',
  'type',
  'description',
  'inuse',
  'shared',
  'private',
  'unused-for',
];

export function buildRoutes({ builder }: { builder: Builder }): Route[] {
  return [
    { method: 'POST', path: '/build', handler: (context) => build(builder, context) },
    {
      method: 'POST',
      path: '/build/prune',
      async handler({ query, reply }) {
        const [until] = query.filters(PRUNE_FILTERS).values('until');
        const time = until === undefined ? undefined : parseTimestamp(until);
        const { deleted, reclaimedBytes } = await builder.prune({
          all: query.boolean('all'),
          until: time === undefined ? undefined : Number(time / 1_000_000n),
          keepBytes: query.integer('reserved-space') ?? query.integer('keep-storage') ?? 0,
        });
        reply.json(200, { CachesDeleted: deleted, SpaceReclaimed: reclaimedBytes });
      },
    },
    ...ownRoutes(builder),
  ];
}

/** Beyond Docker, for the app: what a Dockerfile says, and earlier builds. */
function ownRoutes(builder: Builder): Route[] {
  return [
    {
      method: 'POST',
      path: '/gantry/v1/dockerfile',
      async handler({ jsonBody, reply }) {
        const body = await jsonBody<{ text?: unknown }>();
        if (typeof body?.text !== 'string') throw invalidArgument('text is missing');
        reply.json(200, describeDockerfile(body.text));
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/builds',
      handler: ({ reply }) => reply.json(200, builder.history.list()),
    },
    {
      method: 'GET',
      path: '/gantry/v1/builds/{id}',
      handler: ({ params, reply }) => reply.json(200, builder.history.get(params['id'] ?? '')),
    },
  ];
}

/** The build cache's part of `GET /system/df`. */
export function buildCacheUsage(builder: Builder): object[] {
  return builder.cacheEntries().map(([key, entry]) => ({
    ID: key.slice(0, 24),
    Parents: entry.parent === '' ? [] : [entry.parent.slice(0, 24)],
    Type: 'regular',
    Description: entry.description,
    InUse: false,
    Shared: true,
    Size: entry.sizeBytes,
    CreatedAt: entry.createdAt,
    LastUsedAt: entry.usedAt,
    UsageCount: entry.uses,
  }));
}

/** What fails before the first line has a status of its own; later it is a line. With `q` only the ID is told. */
async function build(builder: Builder, context: RouteContext): Promise<void> {
  const { query, request, signal, reply } = context;
  const options = await readOptions(context);
  const quiet = query.boolean('q');
  const held: object[] = [];
  let lines: JsonLines | undefined;
  const send = async (message: object): Promise<void> => {
    lines ??= reply.jsonLines();
    await lines.write(message);
  };
  const write = async (message: object): Promise<void> => {
    if (quiet) held.push(message);
    else await send(message);
  };
  const remote = query.string('remote') ?? '';
  const source: ContextSource =
    remote === '' ? { kind: 'upload', body: request } : { kind: 'remote', address: remote };
  try {
    const id = await builder.build({ source, options, tags: readTags(query), signal, write });
    if (quiet) await send({ stream: `${id}\n` });
  } catch (error) {
    for (const message of held) await send(message);
    if (!lines) throw error;
    await lines.write(errorLine(error));
  }
  lines?.end();
}

function errorLine(error: unknown): object {
  const message = messageOf(error);
  const code = error instanceof BuildError && error.code !== undefined ? { code: error.code } : {};
  return { errorDetail: { ...code, message }, error: message };
}

function readTags(query: Query): string[] {
  return [...new Set(query.all('t').filter((name) => name !== ''))];
}

async function readOptions({ query, request: { headers } }: RouteContext): Promise<BuildOptions> {
  if (query.boolean('squash')) throw invalidArgument('squash is only supported with experimental mode');
  if (query.string('version') === '2')
    throw new EngineError(
      'invalid-argument',
      'BuildKit is not available in this engine: build with DOCKER_BUILDKIT=0',
    );
  if (query.all('securityopt').length > 0)
    throw invalidArgument('security options are not supported on linux');
  const outputs = query.string('outputs');
  if (outputs !== undefined && outputs !== '' && outputs !== '[]')
    throw invalidArgument('custom outputs are only supported with BuildKit');
  const remove = query.boolean('rm', true);
  return {
    dockerfile: query.string('dockerfile') ?? '',
    buildArgs: readJson(
      query,
      'buildargs',
      'build args',
      (value) => value === null || typeof value === 'string',
    ),
    labels: readJson(query, 'labels', 'labels', isText),
    target: query.string('target') ?? '',
    noCache: query.boolean('nocache'),
    pull: query.boolean('pull'),
    remove: query.boolean('forcerm') ? 'always' : remove ? 'success' : 'never',
    cacheFrom: readList(query, 'cachefrom', 'cache-from'),
    platform: query.string('platform') ?? '',
    hostConfig: readHostConfig(query),
    secrets: await readSecrets(headers['x-gantry-build-secrets']),
    sshAgents: readSshAgents(headers['x-gantry-build-ssh']),
    registryAuth: readRegistryAuth(headers['x-registry-config']),
    tellOwn: query.boolean('gantry'),
    allowInsecure: false,
    allowHostNetwork: query.string('networkmode') === 'host',
  };
}

function readHostConfig(query: Query): HostConfig {
  const limits = {
    Memory: query.integer('memory'),
    MemorySwap: query.integer('memswap'),
    CpuShares: query.integer('cpushares'),
    CpuPeriod: query.integer('cpuperiod'),
    CpuQuota: query.integer('cpuquota'),
    ShmSize: query.integer('shmsize'),
    CpusetCpus: query.string('cpusetcpus'),
    CpusetMems: query.string('cpusetmems'),
    CgroupParent: query.string('cgroupparent'),
    NetworkMode: query.string('networkmode'),
  };
  const given = Object.entries(limits).filter(
    ([, value]) => value !== undefined && value !== '' && value !== 0,
  );
  const extraHosts = query
    .all('extrahosts')
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '');
  const ulimits = parseJson(query, 'ulimits', 'ulimit settings') ?? [];
  if (!Array.isArray(ulimits)) throw invalidArgument('error reading ulimit settings: not a list');
  return {
    ...(Object.fromEntries(given) as HostConfig),
    ...(extraHosts.length > 0 ? { ExtraHosts: extraHosts } : {}),
    ...(ulimits.length > 0 ? { Ulimits: ulimits as Ulimit[] } : {}),
  };
}

function parseJson(query: Query, name: string, what: string): unknown {
  const text = query.string(name);
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalidArgument(`error reading ${what}: ${messageOf(error)}`, { cause: error });
  }
}

function readJson<T>(
  query: Query,
  name: string,
  what: string,
  isValue: (value: unknown) => boolean,
): Record<string, T> {
  const value = parseJson(query, name, what) ?? {};
  if (!mapOf(value, isValue)) throw invalidArgument(`error reading ${what}: not a map of strings`);
  return value as Record<string, T>;
}

function readList(query: Query, name: string, what: string): string[] {
  const value = parseJson(query, name, what) ?? [];
  if (!listOf(value, isText)) throw invalidArgument(`error reading ${what}: not a list of strings`);
  return value as string[];
}

/** A header that cannot be read is none, as Docker has it. */
function readRegistryAuth(header: string | string[] | undefined): Record<string, unknown> {
  if (typeof header !== 'string') return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
