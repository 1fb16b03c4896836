import type { EventMessage, Events } from '../../events/events.ts';
import { roomOrEnd } from '../../lib/back-pressure.ts';
import { invalidArgument } from '../../lib/errors.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import { acceptedType } from '../accepted-type.ts';
import type { ApiVersion, Route } from '../route.ts';

const JSON_LINES = 'application/jsonl';
const JSON_SEQUENCE = 'application/json-seq';
const STREAM_TYPES = [JSON_LINES, 'application/x-ndjson', JSON_SEQUENCE];
/** Begins each record of a JSON text sequence (RFC 7464). */
const RECORD_SEPARATOR = '\x1e';

export function eventRoutes({ events }: { events: Events }): Route[] {
  return [
    {
      method: 'GET',
      path: '/events',
      async handler({ query, reply, signal, request, apiVersion }) {
        const since = parseTimestamp(query.string('since'));
        const until = parseTimestamp(query.string('until'));
        if (since !== undefined && until !== undefined && until < since) {
          throw invalidArgument(
            `\`since\` time (${query.string('since')}) cannot be after \`until\` time (${query.string('until')})`,
          );
        }
        // Unlike lists, a stream of events lets names of filters pass that it does not know.
        const subscription = { since, until, filters: query.filters(), signal };
        const type = streamType(request.headers.accept, apiVersion);
        const begin = type === JSON_SEQUENCE ? RECORD_SEPARATOR : '';
        const body = reply.stream(200, { 'Content-Type': type });
        for await (const event of events.subscribe(subscription)) {
          if (!isTold(event, apiVersion)) continue;
          if (!body.write(begin + formatEvent(event))) await roomOrEnd(body);
        }
        body.end();
      },
    },
  ];
}

/** Called JSON before 1.52, though it is many values. */
function streamType(accept: string | undefined, apiVersion: ApiVersion): string {
  const whenSilent = apiVersion.atLeast('1.52') ? JSON_LINES : 'application/json';
  return acceptedType(accept, STREAM_TYPES) ?? whenSilent;
}

/** The creation of an image is an event since 1.46. */
const isTold = ({ Type, Action }: EventMessage, apiVersion: ApiVersion): boolean =>
  apiVersion.atLeast('1.46') || Type !== 'image' || Action !== 'create';

function formatEvent({ timeNano, ...event }: EventMessage): string {
  const json = JSON.stringify({ ...flatFields(event), ...event });
  // A JSON number beyond 2^53: spliced in as text.
  return `${json.slice(0, -1)},"timeNano":${timeNano}}\n`;
}

/**
 * What events of containers and images were before 1.22. Docker dropped it in 1.52; docker-compose 1, which asks for the
 * newest version there is, cannot do without.
 */
function flatFields({ Type, Action, Actor }: Pick<EventMessage, 'Type' | 'Action' | 'Actor'>): object {
  if (Type === 'container') return { status: Action, id: Actor.ID, from: Actor.Attributes['image'] };
  return Type === 'image' ? { status: Action, id: Actor.ID } : {};
}
