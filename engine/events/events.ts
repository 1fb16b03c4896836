/** Docker's event message, reduced to what a domain has to say; the log adds time and scope. */
interface EventInput {
  type: 'builder' | 'container' | 'image' | 'volume' | 'network' | 'daemon';
  action: string;
  actor: { id: string; attributes: Record<string, string> };
}

/** The one ordered log that everything is told through. */
export interface EventPublisher {
  publish(event: EventInput): void;
}

/** An event as `GET /events` sends it, except for the time in nanoseconds, which a JSON number cannot hold. */
export interface EventMessage {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local';
  /** Unix seconds. */
  time: number;
  timeNano: bigint;
}

/** `filters` of `GET /events`: name → values, of which any one must fit; several names must all fit. */
export interface EventFilters {
  values(name: string): string[];
}

export interface EventSubscription {
  /** Nanoseconds since the epoch; with either of them the past is told first. */
  since: bigint | undefined;
  until: bigint | undefined;
  filters: EventFilters;
  signal: AbortSignal;
}

export interface Events extends EventPublisher {
  start(): Promise<void>;
  /** Ends every subscription once everything published is on disk. */
  close(): Promise<void>;
  /** In order, each event once, past and then live; ends at `until`, on abort and at close. */
  subscribe(subscription: EventSubscription): AsyncGenerator<EventMessage>;
  subscriberCount(): number;
}
