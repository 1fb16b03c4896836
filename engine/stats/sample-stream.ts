import type { Sample } from './stats.ts';
import type { Stats } from './stats-sampler.ts';

/**
 * The samples of a container as they come, until the signal aborts. A consumer slower than the sampler gets the
 * newest one and misses those between: nothing queues up for a client that does not read.
 */
export async function* streamSamples(
  stats: Pick<Stats, 'subscribe'>,
  containerId: string,
  signal: AbortSignal,
): AsyncGenerator<Sample | undefined> {
  let newest: { sample: Sample | undefined } | undefined;
  let wake: () => void = () => undefined;
  const unsubscribe = stats.subscribe(containerId, (sample) => {
    newest = { sample };
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      if (newest === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (newest === undefined) continue;
      const { sample } = newest;
      newest = undefined;
      yield sample;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}
