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
