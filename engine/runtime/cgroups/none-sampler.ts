import { readFileSync } from 'node:fs';
import type { Sample } from '../../stats/stats.ts';
import type { SampleReader } from '../cgroup.ts';
import { capMemoryLimit, NS_PER_TICK, parseHostCpu, readNetworks } from './counter-files.ts';
import { descendants, readProcess, type ProcessCounters } from './process-tree.ts';

/** Of every architecture that Gantry runs on. */
const PAGE_BYTES = 4096;

interface NoneSamplerInput {
  procfs: string;
  /** PID 1 of the container; its parent is the shim. */
  pid: number;
}

/**
 * The sum over the container's processes. Memory is what is resident, pages that processes share counted for each;
 * of block devices nothing is known.
 */
export function openNoneSampler({ procfs, pid }: NoneSamplerInput): SampleReader {
  let highest = { userNs: 0n, systemNs: 0n };
  return {
    read: (): Sample => {
      const supervisor = readProcess(procfs, pid)?.parent;
      const living = supervisor === undefined ? [] : descendants(procfs, supervisor);
      const processes = living
        .map((process) => readProcess(procfs, process))
        .filter((counters) => counters !== undefined);
      // What ended in the shim's care (execs) counts on.
      const ended = supervisor === undefined ? undefined : readProcess(procfs, supervisor);
      highest = growing(highest, cpuTimes(processes, ended));
      return {
        readAt: Date.now(),
        cpu: {
          totalNs: highest.userNs + highest.systemNs,
          ...highest,
          perCpuNs: [],
          ...parseHostCpu(readFileSync(`${procfs}/stat`, 'latin1')),
          periods: 0,
          throttledPeriods: 0,
          throttledNs: 0n,
        },
        memory: {
          usageBytes: sum(processes, ({ residentPages }) => residentPages) * PAGE_BYTES,
          maxUsageBytes: undefined,
          limitBytes: capMemoryLimit(0),
          failures: 0,
          stat: {},
        },
        blockIo: { bytes: [], operations: [] },
        pids: { current: sum(processes, ({ threads }) => threads), limit: 0 },
        networks: readNetworks(procfs, pid),
      };
    },
    close: () => undefined,
  };
}

interface CpuTimes {
  userNs: bigint;
  systemNs: bigint;
}

function cpuTimes(living: ProcessCounters[], supervisor: ProcessCounters | undefined): CpuTimes {
  let [user, system] = [supervisor?.endedUserTicks ?? 0n, supervisor?.endedSystemTicks ?? 0n];
  for (const { userTicks, endedUserTicks, systemTicks, endedSystemTicks } of living) {
    user += userTicks + endedUserTicks;
    system += systemTicks + endedSystemTicks;
  }
  return { userNs: user * NS_PER_TICK, systemNs: system * NS_PER_TICK };
}

/** A parent that never waits loses its children's times: a counter must not go back for that. */
function growing(before: CpuTimes, now: CpuTimes): CpuTimes {
  const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  return { userNs: larger(before.userNs, now.userNs), systemNs: larger(before.systemNs, now.systemNs) };
}

function sum(processes: ProcessCounters[], value: (counters: ProcessCounters) => number): number {
  return processes.reduce((total, counters) => total + value(counters), 0);
}
