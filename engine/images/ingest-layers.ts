import { contentError } from './content-error.ts';
import type { Layer, LayerStore } from './layer-store.ts';

/**
 * Ingests the layers of one image, `parallel` at a time. The first failure stops the others (`stop` is aborted), gives
 * up every reference that was taken, and is thrown; otherwise one reference on each is held.
 */
export async function ingestAll<T>(
  layers: LayerStore,
  parallel: number,
  signal: AbortSignal,
  items: readonly T[],
  ingest: (item: T, index: number, stop: AbortSignal) => Promise<Layer>,
): Promise<Layer[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const held: Layer[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && !stop.aborted) {
      const index = next++;
      try {
        held[index] = await ingest(items[index] as T, index, stop);
      } catch (error) {
        failures.push(error);
        failed.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, work));
  if (failures.length === 0 && !signal.aborted) return held;
  for (const layer of held) if (layer) await layers.release(layer.diffId);
  throw contentError(failures[0] ?? signal.reason, signal);
}
