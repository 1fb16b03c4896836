import type { Containers } from '../../containers/containers.ts';
import type { ExecCreateRequest, ExecStartRequest } from '../../containers/exec-sessions.ts';
import type { Handler, Route } from '../route.ts';
import { streamType } from './container-streams.ts';
import { idOf, sizeOf } from './containers.ts';

export function execRoutes({ containers: { execs } }: { containers: Containers }): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/{id}/exec',
      async handler(context) {
        const id = execs.create(idOf(context), await context.jsonBody<ExecCreateRequest>());
        context.reply.json(201, { Id: id });
      },
    },
    { method: 'POST', path: '/exec/{id}/start', handler: start(execs) },
    {
      method: 'POST',
      path: '/exec/{id}/resize',
      async handler(context) {
        const { rows, columns } = sizeOf(context.query);
        await execs.resize(idOf(context), rows, columns);
        context.reply.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/exec/{id}/json',
      handler: (context) => context.reply.json(200, execs.inspect(idOf(context))),
    },
  ];
}

const start =
  (execs: Containers['execs']): Handler =>
  async (context) => {
    const id = idOf(context);
    const request = (await context.jsonBody<ExecStartRequest>()) ?? {};
    if (request.Detach) {
      await execs.startDetached(id, request);
      context.reply.empty(200);
      return;
    }
    const { tty } = execs.checkStart(id, request);
    await execs.startAttached(id, request, context.reply.hijack(streamType(context, tty, true)));
  };
