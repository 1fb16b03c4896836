/** Docker's event message, reduced to what a domain has to say; the log adds time and scope. */
export interface EventInput {
  type: 'container' | 'image' | 'volume' | 'network' | 'daemon';
  action: string;
  actor: { id: string; attributes: Record<string, string> };
}

/** The one ordered log that everything is told through. */
export interface EventPublisher {
  publish(event: EventInput): void;
}
