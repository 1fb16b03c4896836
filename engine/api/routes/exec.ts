import type { Containers } from '../../containers/containers.ts';
import { clientHasSwitched } from '../hijack.ts';
import type { Handler, Route, RouteContext } from '../route.ts';
import { streamType } from './container-streams.ts';
import { idOf, sizeOf } from './containers.ts';

export function execRoutes({ containers: { execs } }: { containers: Containers }): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/{id}/exec',
      async handler(context) {
        const body = await context.jsonBody<object>();
        const id = execs.create(idOf(context), withConsoleSize(context, body));
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
    const body = await context.jsonBody<object>();
    const { start: request, tty } = execs.claim(id, withConsoleSize(context, body));
    if (request.Detach) {
      await execs.startDetached(id, request);
      context.reply.empty(200);
      return;
    }
    const client = context.reply.hijack(streamType(context, tty, true));
    await clientHasSwitched(context.request);
    await execs.startAttached(id, request, client);
  };

/** Without the field in versions that did not have it. */
function withConsoleSize({ apiVersion }: RouteContext, body: object | undefined): object | undefined {
  return apiVersion.atLeast('1.42') ? body : { ...body, ConsoleSize: null };
}
