import type { StatsPoint } from '../types.ts';

/** The parts of Docker's stats message (cgroup v1 and v2 spellings) that are drawn. */
export interface StatsMessage {
  read: string;
  cpu_stats?: {
    cpu_usage?: { total_usage?: number; usage_in_kernelmode?: number; usage_in_usermode?: number };
    system_cpu_usage?: number;
    online_cpus?: number;
    throttling_data?: { periods?: number; throttled_periods?: number };
  };
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  networks?: Record<string, { rx_bytes?: number; tx_bytes?: number }> | null;
  blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
  pids_stats?: { current?: number };
}

/**
 * One point from two messages in a row; undefined where no time passed between them. CPU as `docker stats` counts
 * it, in percent of one core: container time ÷ host time × online CPUs.
 */
export function toStatsPoint(previous: StatsMessage, current: StatsMessage): StatsPoint | undefined {
  const seconds = (Date.parse(current.read) - Date.parse(previous.read)) / 1000;
  if (!(seconds > 0)) return undefined;
  const memory = current.memory_stats ?? {};
  const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  const usage = memory.usage ?? 0;
  const rate = (read: (message: StatsMessage) => number) =>
    Math.max(0, (read(current) - read(previous)) / seconds);
  return {
    time: Date.parse(current.read),
    ...toCpu(previous, current),
    memoryBytes: cache < usage ? usage - cache : usage,
    memoryCacheBytes:
      memory.stats?.['total_cache'] ?? memory.stats?.['cache'] ?? memory.stats?.['file'] ?? cache,
    memoryLimitBytes: memory.limit ?? 0,
    networkRxBytesPerSecond: rate((message) => sumNetworks(message, 'rx_bytes')),
    networkTxBytesPerSecond: rate((message) => sumNetworks(message, 'tx_bytes')),
    interfaces: Object.keys(current.networks ?? {}).map((name) => {
      // An interface that has just come would seem to have moved all its bytes at once.
      const known = previous.networks?.[name] !== undefined;
      const one = (key: 'rx_bytes' | 'tx_bytes') =>
        known ? rate((message) => message.networks?.[name]?.[key] ?? 0) : 0;
      return { name, rxBytesPerSecond: one('rx_bytes'), txBytesPerSecond: one('tx_bytes') };
    }),
    blockReadBytesPerSecond: rate((message) => sumBlockIo(message, 'read')),
    blockWriteBytesPerSecond: rate((message) => sumBlockIo(message, 'write')),
    pids: current.pids_stats?.current ?? 0,
  };
}

function toCpu(previous: StatsMessage, current: StatsMessage) {
  const before = previous.cpu_stats ?? {};
  const now = current.cpu_stats ?? {};
  const onlineCpus = now.online_cpus ?? 1;
  const host = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const percent = (used: number) => (host > 0 && used > 0 ? (used / host) * onlineCpus * 100 : 0);
  const used = (field: 'total_usage' | 'usage_in_kernelmode' | 'usage_in_usermode') =>
    (now.cpu_usage?.[field] ?? 0) - (before.cpu_usage?.[field] ?? 0);
  const periods = (now.throttling_data?.periods ?? 0) - (before.throttling_data?.periods ?? 0);
  const throttled =
    (now.throttling_data?.throttled_periods ?? 0) - (before.throttling_data?.throttled_periods ?? 0);
  return {
    cpuPercent: percent(used('total_usage')),
    cpuUserPercent: percent(used('usage_in_usermode')),
    cpuSystemPercent: percent(used('usage_in_kernelmode')),
    onlineCpus,
    throttledPercent: periods > 0 ? (throttled / periods) * 100 : 0,
  };
}

function sumNetworks(message: StatsMessage, field: 'rx_bytes' | 'tx_bytes'): number {
  return Object.values(message.networks ?? {}).reduce((sum, network) => sum + (network[field] ?? 0), 0);
}

/** v1 kernels write `Read`, v2 `read`. */
function sumBlockIo(message: StatsMessage, op: 'read' | 'write'): number {
  const entries = message.blkio_stats?.io_service_bytes_recursive ?? [];
  return entries.reduce((sum, entry) => sum + (entry.op.toLowerCase() === op ? entry.value : 0), 0);
}
