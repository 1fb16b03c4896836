import type { Archives } from '../../images/archives.ts';
import type { FileAccess } from '../../images/file-access.ts';
import type { PathStat } from '../../images/path-stat.ts';
import type { Route, RouteContext } from '../route.ts';
import { idOf } from './containers.ts';

/** `docker cp`, `docker diff`, `docker export`. */
export function archiveRoutes({ archives }: { archives: Archives }): Route[] {
  return [
    ...copyRoutes('/containers/{id}/archive', archives, idOf),
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

/** Copying in and out by tar, as Docker has it for containers. `holderOf`: whose files. */
export function copyRoutes(
  path: string,
  files: FileAccess,
  holderOf: (context: RouteContext) => string,
): Route[] {
  return [
    {
      method: 'HEAD',
      path,
      async handler(context) {
        const stat = await files.stat(holderOf(context), context.query.string('path'));
        context.reply.empty(200, statHeader(stat));
      },
    },
    {
      method: 'GET',
      path,
      handler: (context) =>
        files.get(holderOf(context), context.query.string('path'), context.signal, (stat) =>
          context.reply.stream(200, { 'Content-Type': 'application/x-tar', ...statHeader(stat) }),
        ),
    },
    {
      method: 'PUT',
      path,
      async handler(context) {
        const { query, request, signal, reply } = context;
        const options = {
          keepDirectories: query.boolean('noOverwriteDirNonDir'),
          ownedByUser: query.boolean('copyUIDGID'),
        };
        await files.put(holderOf(context), query.string('path'), request, options, signal);
        reply.empty(200);
      },
    },
  ];
}

function statHeader(stat: PathStat): Record<string, string> {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}
