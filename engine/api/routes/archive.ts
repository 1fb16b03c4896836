import type { Archives } from '../../images/archives.ts';
import type { PathStat } from '../../images/path-stat.ts';
import type { Route } from '../route.ts';
import { idOf } from './containers.ts';

/** `docker cp`, `docker diff`, `docker export`. */
export function archiveRoutes({ archives }: { archives: Archives }): Route[] {
  return [
    {
      method: 'HEAD',
      path: '/containers/{id}/archive',
      async handler(context) {
        const stat = await archives.stat(idOf(context), context.query.string('path'));
        context.reply.empty(200, statHeader(stat));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/archive',
      handler: (context) =>
        archives.get(idOf(context), context.query.string('path'), context.signal, (stat) =>
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
        await archives.put(idOf(context), query.string('path'), request, options, signal);
        reply.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/changes',
      async handler(context) {
        context.reply.json(200, await archives.changes(idOf(context)));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/export',
      handler: (context) =>
        archives.export(idOf(context), context.signal, () =>
          context.reply.stream(200, { 'Content-Type': 'application/octet-stream' }),
        ),
    },
  ];
}

function statHeader(stat: PathStat): Record<string, string> {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}
