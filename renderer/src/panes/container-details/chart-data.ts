import type { StatsPoint } from '../../../../electron/api/types.ts';

export interface ChartPoint {
  time: number;
  user: number;
  system: number;
  memory: number;
  cache: number;
  received: number;
  sent: number;
  read: number;
  written: number;
}

export function toChartPoints(points: readonly StatsPoint[]): ChartPoint[] {
  return points.map((point) => ({
    time: point.time,
    user: point.cpuUserPercent,
    system: point.cpuSystemPercent,
    memory: point.memoryBytes,
    cache: point.memoryCacheBytes,
    received: point.networkRxBytesPerSecond,
    sent: point.networkTxBytesPerSecond,
    read: point.blockReadBytesPerSecond,
    written: point.blockWriteBytesPerSecond,
  }));
}

/** A limit is drawn only when it is one: the engine reports the host's memory where there is none. */
export function memoryLimitLine(points: readonly StatsPoint[], limitBytes: number): number | undefined {
  if (limitBytes <= 0) return undefined;
  const used = Math.max(0, ...points.map((point) => point.memoryBytes));
  return used > limitBytes * 0.1 ? limitBytes : undefined;
}

export type SeriesKey = Exclude<keyof ChartPoint, 'time'>;

export function highestValue(
  data: readonly ChartPoint[],
  keys: readonly SeriesKey[],
  stacked: boolean,
): number {
  const tops = data.map((point) => {
    const values = keys.map((key) => point[key]);
    return stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
  });
  return Math.max(0, ...tops);
}

/** Even steps from 0 to a round value at or above `top`; `base` 1024 makes steps round in KiB, MiB, … */
export function evenTicks(top: number, base: 1000 | 1024): number[] {
  const unit = base ** Math.floor(Math.log(top) / Math.log(base));
  const wanted = top / unit / 4;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= wanted) ?? 10) * power * unit;
  return Array.from({ length: Math.ceil(top / step) + 1 }, (_, index) => index * step);
}
