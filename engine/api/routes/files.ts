import type { Archives } from '../../images/archives.ts';
import type { Route } from '../route.ts';

/** The app's file browser; beyond Docker. */
export function fileRoutes({ archives }: { archives: Archives }): Route[] {
  return [
    {
      method: 'GET',
      path: '/gantry/v1/containers/{id}/files',
      async handler({ params, query, reply }) {
        reply.json(200, await archives.list(params['id'] ?? '', query.string('path')));
      },
    },
  ];
}
