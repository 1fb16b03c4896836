import { checkFields, TEXT } from '../../lib/field-types.ts';
import { invalidArgument } from '../../lib/errors.ts';
import type { Containers } from '../../containers/containers.ts';
import type { Archives } from '../../images/archives.ts';
import type { FileAccess } from '../../images/file-access.ts';
import type { Route, RouteContext } from '../route.ts';
import { copyRoutes } from './archive.ts';

interface FileRoutesDeps {
  archives: Archives;
  containers: Containers;
  volumeFiles: FileAccess;
}

/** Files of containers and volumes, and what would go with a container; beyond Docker. */
export function fileRoutes({ archives, containers, volumeFiles }: FileRoutesDeps): Route[] {
  return [
    ...browseRoutes('/gantry/v1/containers/{id}', archives),
    ...browseRoutes('/gantry/v1/volumes/{id}', volumeFiles),
    ...copyRoutes('/gantry/v1/volumes/{id}/archive', volumeFiles, holderOf),
    {
      method: 'GET',
      path: '/gantry/v1/containers/{id}/written',
      async handler(context) {
        context.reply.json(200, await archives.written(holderOf(context)));
      },
    },
    {
      method: 'POST',
      path: '/gantry/v1/containers/{id}/move-to-volume',
      async handler(context) {
        const body = (await context.jsonBody<{ path?: string; volume?: string }>()) ?? {};
        checkFields('', body, { path: TEXT, volume: TEXT });
        const { path: directory = '', volume = '' } = body;
        if (volume === '') throw invalidArgument('volume must not be empty');
        await containers.moveToVolume(holderOf(context), { directory, volume });
        context.reply.empty(204);
      },
    },
  ];
}

const holderOf = ({ params }: RouteContext): string => params['id'] ?? '';

/** The app's file browser. */
function browseRoutes(base: string, files: FileAccess): Route[] {
  return [
    {
      method: 'GET',
      path: `${base}/files`,
      async handler(context) {
        context.reply.json(200, await files.list(holderOf(context), context.query.string('path')));
      },
    },
    {
      method: 'DELETE',
      path: `${base}/files`,
      async handler(context) {
        await files.remove(holderOf(context), context.query.string('path'));
        context.reply.empty(204);
      },
    },
    {
      method: 'PUT',
      path: `${base}/files/content`,
      async handler(context) {
        const { query, request, signal, reply } = context;
        const sizeBytes = query.integer('size');
        if (sizeBytes === undefined || sizeBytes < 0)
          throw invalidArgument('size must tell the bytes that follow');
        await files.write(holderOf(context), query.string('path'), request, sizeBytes, signal);
        reply.empty(204);
      },
    },
    {
      method: 'POST',
      path: `${base}/files/directory`,
      async handler(context) {
        await files.makeDirectory(holderOf(context), context.query.string('path'));
        context.reply.empty(201);
      },
    },
    {
      method: 'POST',
      path: `${base}/files/rename`,
      async handler(context) {
        const { query, reply } = context;
        await files.rename(holderOf(context), query.string('path'), query.string('to'));
        reply.empty(204);
      },
    },
  ];
}
