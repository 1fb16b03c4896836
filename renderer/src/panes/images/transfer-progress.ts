import type { TransferStep } from '../../../../electron/api/types.ts';

/** One layer of a pull or push under way. */
export interface LayerTransfer {
  id: string;
  /** Docker's words. */
  status: string;
  phase: 'waiting' | 'working' | 'done';
  current: number;
  /** 0 while it is not known. */
  total: number;
}

const done =
  /^(Pull complete|Already exists|Pushed|Layer already exists|Mounted from .*|Skipped foreign layer|Download complete)$/;
const waiting = /^(Pulling fs layer|Waiting|Preparing)$/;

/** The layers after one more step, in the order in which they came up. */
export function addStep(layers: readonly LayerTransfer[], step: TransferStep): readonly LayerTransfer[] {
  const { layer: id, status, current, total } = step;
  if (id === undefined) return layers;
  const index = layers.findIndex((known) => known.id === id);
  const known = layers[index];
  // A layer that is downloaded still has to be unpacked.
  const phase =
    done.test(status) && status !== 'Download complete'
      ? 'done'
      : waiting.test(status)
        ? 'waiting'
        : 'working';
  const next: LayerTransfer = {
    id,
    status,
    phase,
    total: total ?? known?.total ?? 0,
    current: phase === 'done' ? (total ?? known?.total ?? 0) : (current ?? known?.current ?? 0),
  };
  return known ? layers.with(index, next) : [...layers, next];
}

export interface TransferSummary {
  doneLayers: number;
  layers: number;
  currentBytes: number;
  totalBytes: number;
  /** 0 to 1; undefined while nothing can be said. */
  fraction: number | undefined;
}

/** How far the whole is: by bytes once every layer's are known, by layers until then. */
export function summarize(layers: readonly LayerTransfer[]): TransferSummary {
  const doneLayers = layers.filter(({ phase }) => phase === 'done').length;
  const currentBytes = layers.reduce((sum, { current }) => sum + current, 0);
  const totalBytes = layers.reduce((sum, { total }) => sum + total, 0);
  const allKnown = layers.every(({ phase, total }) => phase === 'done' || total > 0);
  const byLayers = layers.reduce((sum, layer) => sum + shareOf(layer), 0) / Math.max(1, layers.length);
  const fraction =
    layers.length === 0 ? undefined : allKnown && totalBytes > 0 ? currentBytes / totalBytes : byLayers;
  return { doneLayers, layers: layers.length, currentBytes, totalBytes, fraction };
}

function shareOf({ phase, current, total }: LayerTransfer): number {
  if (phase === 'done') return 1;
  return total > 0 ? current / total : 0;
}
