import type { LayerStore } from '../layer-store.ts';

/** How long the whole layers of a pull that did not end wait for another try. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Layers that an interrupted pull had finished: held for a while, so that the next try need not fetch them again. A
 * restart of the engine gives them up.
 */
export class KeptLayers {
  readonly #layers: LayerStore;
  readonly #timers = new Map<NodeJS.Timeout, string[]>();

  constructor(layers: LayerStore) {
    this.#layers = layers;
  }

  /** Takes over one reference on each. */
  keep(diffIds: string[]): void {
    if (diffIds.length === 0) return;
    const timer = setTimeout(() => void this.#giveUp(timer), PATIENCE_MS);
    timer.unref();
    this.#timers.set(timer, diffIds);
  }

  /** Prune asked for the space, or the engine closes. */
  async clear(): Promise<void> {
    for (const timer of this.#timers.keys()) await this.#giveUp(timer);
  }

  async #giveUp(timer: NodeJS.Timeout): Promise<void> {
    clearTimeout(timer);
    const diffIds = this.#timers.get(timer) ?? [];
    this.#timers.delete(timer);
    for (const diffId of diffIds) await this.#layers.release(diffId);
  }
}
