import { EVENT_FILTERS } from '../../events/event-filters.ts';
import type { EventMessage, Events } from '../../events/events.ts';
import { roomOrEnd } from '../../lib/back-pressure.ts';
import { invalidArgument } from '../../lib/errors.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import type { Route } from '../route.ts';

export function eventRoutes({ events }: { events: Events }): Route[] {
  return [
    {
      method: 'GET',
      path: '/events',
      async handler({ query, reply, signal }) {
        const since = parseTimestamp(query.string('since'));
        const until = parseTimestamp(query.string('until'));
        if (since !== undefined && until !== undefined && until < since) {
          throw invalidArgument(
            `\`since\` time (${query.string('since')}) cannot be after \`until\` time (${query.string('until')})`,
          );
        }
        const subscription = { since, until, filters: query.filters(EVENT_FILTERS), signal };
        const body = reply.stream(200, { 'Content-Type': 'application/json' });
        for await (const event of events.subscribe(subscription)) {
          if (!body.write(formatEvent(event))) await roomOrEnd(body);
        }
        body.end();
      },
    },
  ];
}

/** Container and image events carry the flat fields of API 1.21 as well, which old clients still read. */
function formatEvent({ timeNano, ...event }: EventMessage): string {
  const { Type, Action, Actor } = event;
  const legacy =
    Type === 'container'
      ? { status: Action, id: Actor.ID, from: Actor.Attributes['image'] }
      : Type === 'image'
        ? { status: Action, id: Actor.ID }
        : {};
  const json = JSON.stringify({ ...legacy, ...event });
  // A JSON number beyond 2^53: spliced in as text.
  return `${json.slice(0, -1)},"timeNano":${timeNano}}\n`;
}
