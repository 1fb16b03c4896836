import { messageOf } from '../lib/errors.ts';

/** Docker's stream protocol: after the head is sent, an error is a line. */
export function errorLine(error: unknown): object {
  const message = messageOf(error);
  return { errorDetail: { message }, error: message };
}
