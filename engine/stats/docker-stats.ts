import type { Sample } from './stats.ts';

interface StatsIdentity {
  id: string;
  /** With the leading slash, as in inspect. */
  name: string;
}

interface CpuStats {
  cpu_usage: {
    total_usage: number;
    percpu_usage?: number[];
    usage_in_kernelmode: number;
    usage_in_usermode: number;
  };
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

interface NetworkStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** The body of `GET /containers/{id}/stats`. Counters in bytes and nanoseconds; what is zero or unknown is left out. */
export interface DockerStats {
  id: string;
  name: string;
  os_type: 'linux';
  read: string;
  cpu_stats: CpuStats;
  memory_stats: {
    usage?: number;
    max_usage?: number;
    stats?: Record<string, number>;
    failcnt?: number;
    limit?: number;
  };
  networks?: Record<string, NetworkStats>;
  pids_stats: { current?: number; limit?: number };
  blkio_stats: Record<string, BlkioEntry[] | null>;
  num_procs: number;
  storage_stats: object;
  preread: string;
  precpu_stats: CpuStats;
}

/** Go's zero time: no sample. */
const NEVER = '0001-01-01T00:00:00Z';

/**
 * One sample in Docker's form. Without a sample (a stopped container) everything is zero; without a previous one
 * `preread` and `precpu_stats` are.
 */
export function toDockerStats(
  sample: Sample | undefined,
  previous: Sample | undefined,
  { id, name }: StatsIdentity,
): DockerStats {
  return {
    id,
    name,
    os_type: 'linux',
    read: timeOf(sample),
    cpu_stats: cpuStats(sample),
    memory_stats: memoryStats(sample),
    ...networkStats(sample),
    pids_stats: dropZeros({ current: sample?.pids.current ?? 0, limit: sample?.pids.limit ?? 0 }),
    blkio_stats: blkioStats(sample),
    num_procs: 0,
    storage_stats: {},
    preread: timeOf(previous),
    precpu_stats: cpuStats(previous),
  };
}

/** RFC 3339 with nanoseconds; the clock behind a sample counts milliseconds. */
const timeOf = (sample: Sample | undefined): string =>
  sample === undefined ? NEVER : new Date(sample.readAt).toISOString().replace('Z', '000000Z');

function cpuStats(sample: Sample | undefined): CpuStats {
  if (sample === undefined) {
    return {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    };
  }
  const { cpu } = sample;
  return {
    cpu_usage: {
      total_usage: Number(cpu.totalNs),
      ...(cpu.perCpuNs.length > 0 ? { percpu_usage: cpu.perCpuNs.map(Number) } : {}),
      usage_in_kernelmode: Number(cpu.systemNs),
      usage_in_usermode: Number(cpu.userNs),
    },
    ...dropZeros({ system_cpu_usage: Number(cpu.hostTotalNs), online_cpus: cpu.onlineCpus }),
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: Number(cpu.throttledNs),
    },
  };
}

function memoryStats(sample: Sample | undefined): DockerStats['memory_stats'] {
  if (sample === undefined) return {};
  const { memory } = sample;
  return {
    ...dropZeros({
      usage: memory.usageBytes,
      max_usage: memory.maxUsageBytes ?? 0,
      failcnt: memory.failures,
      limit: memory.limitBytes,
    }),
    ...(Object.keys(memory.stat).length > 0 ? { stats: memory.stat } : {}),
  };
}

function networkStats(sample: Sample | undefined): Pick<DockerStats, 'networks'> {
  const entries = Object.entries(sample?.networks ?? {});
  if (entries.length === 0) return {};
  const networks = entries.map(([name, counters]): [string, NetworkStats] => [
    name,
    {
      rx_bytes: counters.rxBytes,
      rx_packets: counters.rxPackets,
      rx_errors: counters.rxErrors,
      rx_dropped: counters.rxDropped,
      tx_bytes: counters.txBytes,
      tx_packets: counters.txPackets,
      tx_errors: counters.txErrors,
      tx_dropped: counters.txDropped,
    },
  ]);
  return { networks: Object.fromEntries(networks) };
}

/** cgroup v1 writes `Read` and has the number of operations; v2 `read`, and Docker fills only the bytes. */
function blkioStats(sample: Sample | undefined): DockerStats['blkio_stats'] {
  const bytes = sample?.blockIo.bytes ?? [];
  const isV2 = bytes.some(({ op }) => op === 'read');
  const known = (list: BlkioEntry[]): BlkioEntry[] | null => (sample === undefined ? null : list);
  const empty = sample === undefined || isV2 ? null : [];
  return {
    io_service_bytes_recursive: known(bytes),
    io_serviced_recursive: isV2 ? null : known(sample?.blockIo.operations ?? []),
    io_queue_recursive: empty,
    io_service_time_recursive: empty,
    io_wait_time_recursive: empty,
    io_merged_recursive: empty,
    io_time_recursive: empty,
    sectors_recursive: empty,
  };
}

/** Go's `omitempty`. */
function dropZeros<T extends Record<string, number>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)) as Partial<T>;
}
