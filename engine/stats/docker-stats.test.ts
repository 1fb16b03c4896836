import { describe, expect, test } from 'vitest';
import { toDockerStats } from './docker-stats.ts';
import type { Sample } from './stats.ts';

const sample: Sample = {
  readAt: Date.UTC(2026, 10, 21, 8, 0, 0, 123),
  cpu: {
    totalNs: 3_000_000n,
    userNs: 1_000_000n,
    systemNs: 2_000_000n,
    perCpuNs: [1_000_000n, 2_000_000n],
    hostTotalNs: 90_000_000_000n,
    onlineCpus: 2,
    periods: 4,
    throttledPeriods: 1,
    throttledNs: 5n,
  },
  memory: {
    usageBytes: 4096,
    maxUsageBytes: 8192,
    limitBytes: 65536,
    failures: 0,
    stat: { total_inactive_file: 7 },
  },
  blockIo: {
    bytes: [{ major: 8, minor: 0, op: 'Read', value: 512 }],
    operations: [{ major: 8, minor: 0, op: 'Read', value: 1 }],
  },
  pids: { current: 3, limit: 100 },
  networks: {
    eth0: {
      rxBytes: 1,
      rxPackets: 2,
      rxErrors: 3,
      rxDropped: 4,
      txBytes: 5,
      txPackets: 6,
      txErrors: 7,
      txDropped: 8,
    },
  },
};
const identity = { id: 'abc', name: '/web' };

describe("Docker's stats", () => {
  test('a v1 sample has the field names and units of the API', () => {
    const previous = { ...sample, readAt: sample.readAt - 1000 };
    expect(toDockerStats(sample, previous, identity)).toMatchObject({
      id: 'abc',
      name: '/web',
      read: '2026-11-21T08:00:00.123000000Z',
      preread: '2026-11-21T07:59:59.123000000Z',
      cpu_stats: {
        cpu_usage: {
          total_usage: 3_000_000,
          percpu_usage: [1_000_000, 2_000_000],
          usage_in_kernelmode: 2_000_000,
          usage_in_usermode: 1_000_000,
        },
        system_cpu_usage: 90_000_000_000,
        online_cpus: 2,
        throttling_data: { periods: 4, throttled_periods: 1, throttled_time: 5 },
      },
      precpu_stats: { system_cpu_usage: 90_000_000_000 },
      memory_stats: { usage: 4096, max_usage: 8192, limit: 65536, stats: { total_inactive_file: 7 } },
      pids_stats: { current: 3, limit: 100 },
      blkio_stats: {
        io_service_bytes_recursive: [{ major: 8, minor: 0, op: 'Read', value: 512 }],
        io_serviced_recursive: [{ major: 8, minor: 0, op: 'Read', value: 1 }],
        io_queue_recursive: [],
      },
      networks: {
        eth0: {
          rx_bytes: 1,
          rx_packets: 2,
          rx_errors: 3,
          rx_dropped: 4,
          tx_bytes: 5,
          tx_packets: 6,
          tx_errors: 7,
          tx_dropped: 8,
        },
      },
      num_procs: 0,
      storage_stats: {},
    });
  });

  test('a v2 sample has neither per-CPU times nor operations', () => {
    const stats = toDockerStats(
      {
        ...sample,
        cpu: { ...sample.cpu, perCpuNs: [] },
        memory: { ...sample.memory, maxUsageBytes: undefined },
        blockIo: { bytes: [{ major: 8, minor: 0, op: 'read', value: 512 }], operations: [] },
        pids: { current: 1, limit: 0 },
        networks: {},
      },
      undefined,
      identity,
    );
    expect(stats.cpu_stats.cpu_usage).not.toHaveProperty('percpu_usage');
    expect(stats.memory_stats).not.toHaveProperty('max_usage');
    expect(stats.pids_stats).toEqual({ current: 1 });
    expect(stats).not.toHaveProperty('networks');
    expect(stats.blkio_stats).toMatchObject({
      io_service_bytes_recursive: [{ op: 'read', value: 512 }],
      io_serviced_recursive: null,
      sectors_recursive: null,
    });
    expect(stats.preread).toBe('0001-01-01T00:00:00Z');
  });

  test('a stopped container is all zeros', () => {
    const stats = toDockerStats(undefined, undefined, identity);
    expect(stats).toMatchObject({ read: '0001-01-01T00:00:00Z', memory_stats: {}, pids_stats: {} });
    expect(stats.cpu_stats).toEqual(stats.precpu_stats);
    expect(stats.blkio_stats['io_service_bytes_recursive']).toBeNull();
  });
});
