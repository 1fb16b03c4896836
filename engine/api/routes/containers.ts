import type { Containers } from '../../containers/containers.ts';
import type { CreateOptions } from '../../containers/create.ts';
import { LIST_FILTERS } from '../../containers/list-filters.ts';
import type { StopOptions } from '../../containers/lifecycle.ts';
import { PRUNE_FILTERS } from '../../containers/prune.ts';
import { parseSignal } from '../../lib/signals.ts';
import { invalidArgument } from '../../lib/errors.ts';
import { CREATE_FIELDS, UPDATE_FIELDS } from '../../wire/container-fields.ts';
import type { ContainerCreateRequest, ContainerUpdateRequest } from '../../wire/container.ts';
import type { Handler, Query, Route, RouteContext } from '../route.ts';
import { createRequestOf, inspectViewOf, summaryOf } from './container-versions.ts';

interface ContainerRoutesDeps {
  containers: Containers;
  /** Throws invalid-argument. */
  parsePlatform: (text: string) => NonNullable<CreateOptions['platform']>;
}

/** Containers but for what streams (container-streams.ts) and their files (archive.ts). */
export function containerRoutes({ containers, parsePlatform }: ContainerRoutesDeps): Route[] {
  /** `POST /containers/{id}/<action>`, answered 204. */
  const action = (name: string, run: (id: string, context: RouteContext) => Promise<void>): Route => ({
    method: 'POST',
    path: `/containers/{id}/${name}`,
    async handler(context) {
      await run(idOf(context), context);
      context.reply.empty(204);
    },
  });
  return [
    { method: 'GET', path: '/containers/json', handler: list(containers) },
    { method: 'POST', path: '/containers/create', handler: create({ containers, parsePlatform }) },
    { method: 'POST', path: '/containers/prune', handler: prune(containers) },
    // A link's name, `own/alias`, is of two segments.
    { method: 'GET', path: '/containers/{id...}/json', handler: inspect(containers) },
    { method: 'GET', path: '/containers/{id}/top', handler: top(containers) },
    { method: 'DELETE', path: '/containers/{id...}', handler: remove(containers) },
    { method: 'POST', path: '/containers/{id}/update', handler: update(containers) },
    { method: 'POST', path: '/containers/{id}/resize', handler: resize(containers) },
    action('start', (id, context) => {
      refuseStartBody(context);
      return containers.startContainer(id);
    }),
    action('stop', (id, context) => containers.stop(id, stopOptions(context))),
    action('restart', (id, context) => containers.restart(id, stopOptions(context))),
    action('kill', (id, { query }) => containers.kill(id, query.string('signal'))),
    action('pause', (id) => containers.pause(id)),
    action('unpause', (id) => containers.unpause(id)),
    action('rename', (id, { query }) => containers.rename(id, query.string('name') ?? '')),
  ];
}

export function idOf({ params }: Pick<RouteContext, 'params'>): string {
  return params['id'] ?? '';
}

/** `h` and `w` of a resize request. */
export function sizeOf(query: Query): { rows: number; columns: number } {
  const [rows, columns] = [query.integer('h'), query.integer('w')];
  if (rows === undefined || columns === undefined || rows < 0 || columns < 0) {
    throw invalidArgument('invalid resize height or width');
  }
  return { rows, columns };
}

const list =
  (containers: Containers): Handler =>
  async ({ query, reply, apiVersion }) => {
    const summaries = await containers.list({
      all: query.boolean('all'),
      limit: query.integer('limit'),
      size: query.boolean('size'),
      filters: query.filters(LIST_FILTERS),
    });
    reply.json(200, summaries.map(summaryOf(apiVersion)));
  };

const create =
  ({ containers, parsePlatform }: ContainerRoutesDeps): Handler =>
  async (context) => {
    const { query, reply, apiVersion } = context;
    const request = await context.jsonBody<ContainerCreateRequest>(CREATE_FIELDS);
    const platform = apiVersion.atLeast('1.41') ? query.string('platform') : undefined;
    const { id, warnings } = await containers.create(request && createRequestOf(request, apiVersion), {
      name: query.string('name'),
      platform: platform ? parsePlatform(platform) : undefined,
      apiVersion,
    });
    reply.json(201, { Id: id, Warnings: warnings });
  };

const update =
  (containers: Containers): Handler =>
  async (context) => {
    const request = (await context.jsonBody<ContainerUpdateRequest>(UPDATE_FIELDS)) ?? {};
    const options = { apiVersion: context.apiVersion };
    const warnings = await containers.update(idOf(context), request, options);
    context.reply.json(200, { Warnings: warnings.length > 0 ? warnings : null });
  };

const inspect =
  (containers: Containers): Handler =>
  async (context) =>
    context.reply.json(
      200,
      inspectViewOf(
        await containers.inspect(idOf(context), { size: context.query.boolean('size') }),
        context.apiVersion,
      ),
    );

const top =
  (containers: Containers): Handler =>
  async (context) =>
    context.reply.json(200, await containers.top(idOf(context), context.query.string('ps_args') ?? ''));

const remove =
  (containers: Containers): Handler =>
  async (context) => {
    const { query, reply } = context;
    const options = { force: query.boolean('force'), volumes: query.boolean('v') };
    if (query.boolean('link')) await containers.unlink(idOf(context));
    else await containers.remove(idOf(context), options);
    reply.empty(204);
  };

const prune =
  (containers: Containers): Handler =>
  async ({ query, reply }) =>
    reply.json(200, await containers.prune(query.filters(PRUNE_FILTERS)));

const resize =
  (containers: Containers): Handler =>
  async (context) => {
    const { rows, columns } = sizeOf(context.query);
    await containers.resize(idOf(context), rows, columns);
    context.reply.empty(200);
  };

/** What clients of long ago sent as HostConfig; up to `{}` with some space around it is let pass. */
function refuseStartBody({ request: { headers } }: RouteContext): void {
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= 7) return;
  throw invalidArgument(
    'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
  );
}

function stopOptions({ query, apiVersion }: RouteContext): StopOptions {
  return {
    signal: apiVersion.atLeast('1.42') ? signalOf(query) : undefined,
    timeoutSeconds: query.integer('t'),
  };
}

function signalOf(query: Query): number | undefined {
  const text = query.string('signal');
  return text ? parseSignal(text) : undefined;
}
