import { invalidArgument } from '../../lib/errors.ts';
import type { VolumeCopies } from '../../volumes/volume-copies.ts';
import type { Route, RouteContext } from '../route.ts';

/** Volumes as a whole; beyond Docker. */
export function volumeCopyRoutes({ copies }: { copies: VolumeCopies }): Route[] {
  const nameOf = ({ params }: RouteContext): string => params['name'] ?? '';
  return [
    {
      method: 'GET',
      path: '/gantry/v1/volumes/{name}/backup',
      handler: (context) =>
        copies.backup(nameOf(context), context.signal, () =>
          context.reply.stream(200, { 'Content-Type': 'application/zstd' }),
        ),
    },
    {
      method: 'POST',
      path: '/gantry/v1/volumes/{name}/restore',
      async handler(context) {
        const kept = await copies.restore(nameOf(context), context.request, context.signal);
        context.reply.json(200, { safetyCopy: kept.name });
      },
    },
    {
      method: 'POST',
      path: '/gantry/v1/volumes/{name}/clone',
      async handler(context) {
        const to = context.query.string('to');
        if (!to) throw invalidArgument('to must name the new volume');
        const { name } = await copies.clone(nameOf(context), to);
        context.reply.json(201, { name });
      },
    },
  ];
}
