import type { AttachRequest } from '../../containers/attach.ts';
import type { Containers } from '../../containers/containers.ts';
import { parseWaitCondition } from '../../containers/wait.ts';
import { nanosToFixed } from '../../lib/fixed-time.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import { clientHasSwitched } from '../hijack.ts';
import type { Handler, Query, Route, RouteContext } from '../route.ts';
import { idOf } from './containers.ts';

const RAW_STREAM = 'application/vnd.docker.raw-stream';
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

/** wait, logs and attach: replies that begin at once and end when the container does. */
export function containerStreamRoutes({ containers }: { containers: Containers }): Route[] {
  return [
    { method: 'POST', path: '/containers/{id}/wait', handler: wait(containers) },
    { method: 'GET', path: '/containers/{id}/logs', handler: logs(containers) },
    {
      method: 'POST',
      path: '/containers/{id}/attach',
      // The connection counts as taken over from the start: clients read the text, not JSON.
      errorType: RAW_STREAM,
      handler: attach(containers),
    },
    { method: 'GET', path: '/containers/{id}/attach/ws', handler: attachWebSocket(containers) },
  ];
}

/** Framed output has a media type of its own since 1.42; on a hijack only when the client asked to upgrade. */
export function streamType({ apiVersion, request }: RouteContext, tty: boolean, hijack: boolean): string {
  const framed = !tty && apiVersion.atLeast('1.42') && (!hijack || request.headers.upgrade !== undefined);
  return framed ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/** The head goes out at once: `docker run` starts the container only when it knows that its wait is registered. */
const wait =
  (containers: Containers): Handler =>
  async (context) => {
    // Neither conditions nor an early head before 1.30.
    const asked = context.apiVersion.atLeast('1.30') ? context.query.string('condition') : undefined;
    const condition = parseWaitCondition(asked);
    const exit = containers.wait(idOf(context), condition, context.signal);
    // Observed below; should the head fail to go out, its rejection must not be unhandled.
    exit.catch(() => undefined);
    if (!context.apiVersion.atLeast('1.30')) {
      context.reply.json(200, { StatusCode: (await exit).exitCode });
      return;
    }
    const out = context.reply.stream(200, { 'Content-Type': 'application/json' });
    const { exitCode } = await exit;
    out.end(`${JSON.stringify({ StatusCode: exitCode })}\n`);
  };

const logs =
  (containers: Containers): Handler =>
  async (context) => {
    const { query, reply, signal } = context;
    const request = {
      stdout: query.boolean('stdout'),
      stderr: query.boolean('stderr'),
      follow: query.boolean('follow'),
      timestamps: query.boolean('timestamps'),
      details: query.boolean('details'),
      tail: tailOf(query),
      since: timeOf(query, 'since'),
      until: timeOf(query, 'until'),
      signal,
    };
    const { tty } = containers.prepareLogs(idOf(context), request);
    const out = reply.stream(200, { 'Content-Type': streamType(context, tty, false) });
    await containers.logs(idOf(context), out, request);
    out.end();
  };

const attach =
  (containers: Containers): Handler =>
  async (context) => {
    const request = attachRequest(context, false);
    const { tty } = containers.prepareAttach(idOf(context), request);
    const client = context.reply.hijack(streamType(context, tty, true));
    if (request.logs) await clientHasSwitched(context.request);
    await containers.attach(idOf(context), request, client);
  };

const attachWebSocket =
  (containers: Containers): Handler =>
  async (context) => {
    const request = attachRequest(context, true);
    containers.prepareAttach(idOf(context), request);
    await containers.attach(idOf(context), request, await context.reply.webSocket());
  };

/**
 * A WebSocket attach without stream parameters means all of them, as always before 1.42: browsers' clients know no
 * others.
 */
function attachRequest({ query, apiVersion }: RouteContext, webSocket: boolean): AttachRequest {
  const selects = !webSocket || apiVersion.atLeast('1.42');
  const chosen = selects && ['stdin', 'stdout', 'stderr'].some((name) => query.string(name) !== undefined);
  const wants = (name: string): boolean => (webSocket && !chosen) || query.boolean(name);
  return {
    stdin: wants('stdin'),
    stdout: wants('stdout'),
    stderr: wants('stderr'),
    stream: query.boolean('stream', webSocket),
    logs: query.boolean('logs'),
    detachKeys: query.string('detachKeys'),
    raw: webSocket,
  };
}

/** A number of lines; `all`, negative and anything else mean all, as in Docker. */
function tailOf(query: Query): number | undefined {
  const text = query.string('tail') ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function timeOf(query: Query, name: string): string | undefined {
  const nanos = parseTimestamp(query.string(name));
  return nanos === undefined ? undefined : nanosToFixed(nanos);
}
