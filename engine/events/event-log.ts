import path from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { EventFile } from './event-file.ts';
import { matchesFilters } from './event-filters.ts';
import type { EventMessage, Events, EventSubscription } from './events.ts';

/** A subscriber that lets this many events pile up is cut off; it can come back with `since`. */
const MAXIMUM_BACKLOG = 10_000;

export function createEvents({ dataRoot, logger }: { dataRoot: string; logger: Logger }): Events {
  const file = new EventFile(path.join(dataRoot, 'events'));
  const followers = new Set<Follower>();
  let last = 0n;

  return {
    async start() {
      file.open();
      for await (const event of file.read()) last = event.timeNano;
    },
    publish({ type, action, actor }) {
      // Strictly increasing, even when the clock is set back: the time is the event's identity and order.
      const now = BigInt(Date.now()) * 1_000_000n;
      last = now > last ? now : last + 1n;
      const event: EventMessage = {
        Type: type,
        Action: action,
        Actor: { ID: actor.id, Attributes: { ...actor.attributes } },
        scope: 'local',
        time: Number(last / 1_000_000_000n),
        timeNano: last,
      };
      try {
        file.append(event);
      } catch (error) {
        logger.error('event not written', { error: messageOf(error) });
      }
      for (const follower of followers) follower.push(event);
    },
    subscribe: (subscription) => follow(subscription, file, followers, () => last),
    subscriberCount: () => followers.size,
    close() {
      for (const follower of followers) follower.end();
      file.close();
      return Promise.resolve();
    },
  };
}

/** Live events queue up from before the past is read; `boundary` keeps the two from overlapping. */
async function* follow(
  { since, until, filters, signal }: EventSubscription,
  file: EventFile,
  followers: Set<Follower>,
  newest: () => bigint,
): AsyncGenerator<EventMessage> {
  const follower = new Follower();
  followers.add(follower);
  const boundary = newest();
  const end = (): void => follower.end();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  const untilMs = until === undefined ? undefined : Math.max(0, Number(until / 1_000_000n) - Date.now());
  const timer = untilMs !== undefined && untilMs < 2 ** 31 ? setTimeout(end, untilMs) : undefined;
  const wanted = (event: EventMessage): boolean =>
    (since === undefined || event.timeNano >= since) &&
    (until === undefined || event.timeNano <= until) &&
    matchesFilters(event, filters);
  try {
    if (since !== undefined || until !== undefined) {
      for await (const event of file.read()) {
        if (signal.aborted || event.timeNano > boundary) break;
        if (wanted(event)) yield event;
      }
    }
    for await (const event of follower.events()) if (wanted(event)) yield event;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    followers.delete(follower);
  }
}

/** A queue between `publish`, which must not wait, and one reader, which may be slow. */
class Follower {
  #queue: EventMessage[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  push(event: EventMessage): void {
    if (this.#ended) return;
    this.#queue.push(event);
    if (this.#queue.length > MAXIMUM_BACKLOG) this.#ended = true;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What was queued before the end is still told. */
  async *events(): AsyncGenerator<EventMessage> {
    for (;;) {
      const batch = this.#queue;
      this.#queue = [];
      yield* batch;
      if (this.#queue.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
