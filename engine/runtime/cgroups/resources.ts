import { statSync } from 'node:fs';
import { errnoOf, invalidArgument } from '../../lib/errors.ts';
import type { HostConfig } from '../../wire/container.ts';
import type { CgroupFeatures } from '../cgroup.ts';
import { splitDeviceNumber } from '../devices.ts';

const CPU_PERIOD_US = 100_000;

export interface DeviceValue {
  major: number;
  minor: number;
  value: number;
}

/** Limits in one form for both versions; undefined: not asked for, or not possible on this host. */
export interface Resources {
  memoryBytes: number | undefined;
  /** Memory plus swap; -1 is unlimited. */
  memorySwapBytes: number | undefined;
  memoryReservationBytes: number | undefined;
  memorySwappiness: number | undefined;
  oomKillDisable: boolean;
  cpuShares: number | undefined;
  cpuQuotaUs: number | undefined;
  cpuPeriodUs: number | undefined;
  cpuRealtimePeriodUs: number | undefined;
  cpuRealtimeRuntimeUs: number | undefined;
  cpus: string;
  memoryNodes: string;
  /** -1: unlimited. */
  pids: number | undefined;
  blkioWeight: number | undefined;
  blkioWeightDevices: DeviceValue[];
  readBps: DeviceValue[];
  writeBps: DeviceValue[];
  readIops: DeviceValue[];
  writeIops: DeviceValue[];
}

/**
 * `HostConfig` → what the drivers write, with what the host cannot do left out (`verifyLimits` told the user).
 * Reads device numbers of throttled devices. Throws invalid-argument for a device that is not there.
 */
export function resolveResources(hostConfig: HostConfig, features: CgroupFeatures): Resources {
  const quota = hostConfig.NanoCpus
    ? Math.trunc((hostConfig.NanoCpus * CPU_PERIOD_US) / 1e9)
    : hostConfig.CpuQuota || undefined;
  const throttle = (list: readonly { Path?: string; Rate?: number }[] | null | undefined): DeviceValue[] =>
    features.blkioThrottle
      ? (list ?? []).map(({ Path = '', Rate = 0 }) => ({ ...numbersOf(Path), value: Rate }))
      : [];
  const when = <T>(possible: boolean, value: T | null | undefined): T | undefined =>
    possible && value ? value : undefined;
  return {
    ...memoryOf(hostConfig, features),
    cpuShares: when(features.cpuShares, hostConfig.CpuShares),
    cpuQuotaUs: when(features.cpuQuota, quota),
    cpuPeriodUs: when(features.cpuQuota, hostConfig.NanoCpus ? CPU_PERIOD_US : hostConfig.CpuPeriod),
    cpuRealtimePeriodUs: when(features.cpuRealtime, hostConfig.CpuRealtimePeriod),
    cpuRealtimeRuntimeUs: when(features.cpuRealtime, hostConfig.CpuRealtimeRuntime),
    cpus: when(features.cpuset, hostConfig.CpusetCpus) ?? '',
    memoryNodes: when(features.cpuset, hostConfig.CpusetMems) ?? '',
    pids: features.pidsLimit && hostConfig.PidsLimit ? Math.max(-1, hostConfig.PidsLimit) : undefined,
    blkioWeight: when(features.blkioWeight, hostConfig.BlkioWeight),
    blkioWeightDevices: features.blkioWeightDevice
      ? (hostConfig.BlkioWeightDevice ?? []).map(({ Path = '', Weight = 0 }) => ({
          ...numbersOf(Path),
          value: Weight,
        }))
      : [],
    readBps: throttle(hostConfig.BlkioDeviceReadBps),
    writeBps: throttle(hostConfig.BlkioDeviceWriteBps),
    readIops: throttle(hostConfig.BlkioDeviceReadIOps),
    writeIops: throttle(hostConfig.BlkioDeviceWriteIOps),
  };
}

type MemoryKeys =
  'memoryBytes' | 'memorySwapBytes' | 'memoryReservationBytes' | 'memorySwappiness' | 'oomKillDisable';

function memoryOf(hostConfig: HostConfig, features: CgroupFeatures): Pick<Resources, MemoryKeys> {
  const memory = features.memoryLimit ? hostConfig.Memory || undefined : undefined;
  // Docker's default: as much swap as memory.
  const swap = hostConfig.MemorySwap || (memory === undefined ? undefined : memory * 2);
  const swappiness = hostConfig.MemorySwappiness ?? -1;
  return {
    memoryBytes: memory,
    memorySwapBytes: memory !== undefined && features.swapLimit ? swap : undefined,
    memoryReservationBytes: features.memoryReservation
      ? hostConfig.MemoryReservation || undefined
      : undefined,
    memorySwappiness: features.memorySwappiness && swappiness >= 0 ? swappiness : undefined,
    oomKillDisable: features.oomKillDisable && hostConfig.OomKillDisable === true,
  };
}

function numbersOf(file: string): { major: number; minor: number } {
  try {
    return splitDeviceNumber(BigInt(statSync(file).rdev));
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(error));
    throw invalidArgument(`stat ${file}: ${reason}`, { cause: error });
  }
}
