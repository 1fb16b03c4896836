import { api, streamed } from '../implementer.ts';

export const connection = {
  watch: api.connection.watch.handler(({ context, signal }) =>
    streamed(signal, context.connection.states(signal)),
  ),
};

export const events = {
  watch: api.events.watch.handler(({ context, signal }) =>
    streamed(signal, context.connection.events(signal)),
  ),
};
