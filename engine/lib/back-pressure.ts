import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Resolves when `out` has room again or is closed; leaves no listener on it, however often a slow reader is waited for. */
export async function roomOrEnd(out: Writable): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const ignore = (): undefined => undefined;
  await Promise.race([
    once(out, 'drain', { signal }).catch(ignore),
    once(out, 'close', { signal }).catch(ignore),
  ]);
  stop.abort();
}
