import type { Archives } from '../../images/archives.ts';
import type { PathStat } from '../../images/path-stat.ts';
import type { Route, RouteContext } from '../route.ts';

/** `docker cp`, `docker diff`, `docker export`. */
export function archiveRoutes({ archives }: { archives: Archives }): Route[] {
  const container = ({ params }: RouteContext): string => params['id'] ?? '';
  return [
    {
      method: 'HEAD',
      path: '/containers/{id}/archive',
      async handler(context) {
        const stat = await archives.stat(container(context), context.query.string('path'));
        context.reply.empty(200, statHeader(stat));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/archive',
      handler: (context) =>
        archives.get(container(context), context.query.string('path'), context.signal, (stat) =>
          context.reply.stream(200, { 'Content-Type': 'application/x-tar', ...statHeader(stat) }),
        ),
    },
    {
      method: 'PUT',
      path: '/containers/{id}/archive',
      async handler(context) {
        const { query, request, signal, reply } = context;
        const options = {
          keepDirectories: query.boolean('noOverwriteDirNonDir'),
          ownedByUser: query.boolean('copyUIDGID'),
        };
        await archives.put(container(context), query.string('path'), request, options, signal);
        reply.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/changes',
      async handler(context) {
        context.reply.json(200, await archives.changes(container(context)));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/export',
      handler: (context) =>
        archives.export(container(context), context.signal, () =>
          context.reply.stream(200, { 'Content-Type': 'application/octet-stream' }),
        ),
    },
  ];
}

function statHeader(stat: PathStat): Record<string, string> {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}
