import type { Sample } from '../../stats/stats.ts';
import type { SampleReader } from '../cgroup.ts';
import { capMemoryLimit, CounterFiles, parseHostCpu, readNetworks, toNumber } from './counter-files.ts';

const NS_PER_US = 1000n;

interface V2SamplerInput {
  directory: string;
  procfs: string;
  pid: number;
}

export function openV2Sampler({ directory, procfs, pid }: V2SamplerInput): SampleReader {
  const files = new CounterFiles();
  return {
    read: (): Sample => {
      const cpu = files.table(`${directory}/cpu.stat`);
      const nanoseconds = (name: string): bigint => BigInt(cpu[name] ?? 0) * NS_PER_US;
      return {
        readAt: Date.now(),
        cpu: {
          totalNs: nanoseconds('usage_usec'),
          userNs: nanoseconds('user_usec'),
          systemNs: nanoseconds('system_usec'),
          perCpuNs: [],
          ...parseHostCpu(files.read(`${procfs}/stat`)),
          periods: cpu['nr_periods'] ?? 0,
          throttledPeriods: cpu['nr_throttled'] ?? 0,
          throttledNs: nanoseconds('throttled_usec'),
        },
        memory: {
          usageBytes: files.number(`${directory}/memory.current`),
          maxUsageBytes: undefined,
          limitBytes: capMemoryLimit(files.number(`${directory}/memory.max`)),
          failures: files.table(`${directory}/memory.events`)['oom'] ?? 0,
          stat: files.table(`${directory}/memory.stat`),
        },
        blockIo: parseIoStat(files.read(`${directory}/io.stat`)),
        pids: {
          current: files.number(`${directory}/pids.current`),
          limit: files.number(`${directory}/pids.max`),
        },
        networks: readNetworks(procfs, pid),
      };
    },
    close: () => files.close(),
  };
}

/** Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. */
function parseIoStat(text: string): Sample['blockIo'] {
  const result: Sample['blockIo'] = { bytes: [], operations: [] };
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const device = { major: Number(match[1]), minor: Number(match[2]) };
    const values = Object.fromEntries((match[3] ?? '').split(' ').map((pair) => pair.split('=')));
    const value = (name: string): number => toNumber(String(values[name] ?? ''));
    result.bytes.push(
      { ...device, op: 'read', value: value('rbytes') },
      { ...device, op: 'write', value: value('wbytes') },
    );
    result.operations.push(
      { ...device, op: 'read', value: value('rios') },
      { ...device, op: 'write', value: value('wios') },
    );
  }
  return result;
}
