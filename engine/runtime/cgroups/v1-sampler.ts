import type { Sample } from '../../stats/stats.ts';
import type { SampleReader } from '../cgroup.ts';
import {
  capMemoryLimit,
  CounterFiles,
  parseHostCpu,
  readNetworks,
  toBigint,
  toNumber,
} from './counter-files.ts';

interface V1SamplerInput {
  /** The container's directory in a controller's hierarchy. */
  directory: (controller: string) => string | undefined;
  procfs: string;
  pid: number;
}

export function openV1Sampler({ directory, procfs, pid }: V1SamplerInput): SampleReader {
  const files = new CounterFiles();
  const cpuacct = directory('cpuacct') ?? '';
  const cpu = directory('cpu') ?? '';
  const memory = directory('memory') ?? '';
  const blkio = directory('blkio') ?? '';
  const pids = directory('pids') ?? '';
  return {
    read: (): Sample => {
      const throttling = files.table(`${cpu}/cpu.stat`);
      return {
        readAt: Date.now(),
        cpu: {
          totalNs: files.bigint(`${cpuacct}/cpuacct.usage`),
          userNs: files.bigint(`${cpuacct}/cpuacct.usage_user`),
          systemNs: files.bigint(`${cpuacct}/cpuacct.usage_sys`),
          perCpuNs: files.read(`${cpuacct}/cpuacct.usage_percpu`).split(' ').filter(Boolean).map(toBigint),
          ...parseHostCpu(files.read(`${procfs}/stat`)),
          periods: throttling['nr_periods'] ?? 0,
          throttledPeriods: throttling['nr_throttled'] ?? 0,
          throttledNs: BigInt(throttling['throttled_time'] ?? 0),
        },
        memory: {
          usageBytes: files.number(`${memory}/memory.usage_in_bytes`),
          maxUsageBytes: files.number(`${memory}/memory.max_usage_in_bytes`),
          limitBytes: capMemoryLimit(files.number(`${memory}/memory.limit_in_bytes`)),
          failures: files.number(`${memory}/memory.failcnt`),
          stat: files.table(`${memory}/memory.stat`),
        },
        blockIo: {
          bytes: parseBlkio(files.read(`${blkio}/blkio.throttle.io_service_bytes_recursive`)),
          operations: parseBlkio(files.read(`${blkio}/blkio.throttle.io_serviced_recursive`)),
        },
        pids: { current: files.number(`${pids}/pids.current`), limit: files.number(`${pids}/pids.max`) },
        networks: readNetworks(procfs, pid),
      };
    },
    close: () => files.close(),
  };
}

/** Lines of `8:0 Read 4096`; the last, `Total N`, has no device. */
function parseBlkio(text: string): Sample['blockIo']['bytes'] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) return [];
    const [, major = '', minor = '', op = '', value = ''] = match;
    return [{ major: Number(major), minor: Number(minor), op, value: toNumber(value) }];
  });
}
