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
 * `HostConfig` → what the drivers write, with what the host cannot do left out (`limitWarnings` tells the user).
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

/** Docker's warnings at create for limits this host discards. */
export function limitWarnings(hostConfig: HostConfig, features: CgroupFeatures): string[] {
  const asked = hostConfig;
  const missing = (subject: string, end: string): string =>
    `Your kernel does not support ${subject} or the cgroup is not mounted. ${end}`;
  const any = (list: readonly unknown[] | null | undefined): boolean => (list ?? []).length > 0;
  const checks: [boolean, string][] = [
    [!!asked.Memory && !features.memoryLimit, missing('memory limit capabilities', 'Limitation discarded.')],
    [
      !!asked.Memory && asked.MemorySwap !== -1 && features.memoryLimit && !features.swapLimit,
      missing('swap limit capabilities', 'Memory limited without swap.'),
    ],
    [
      (asked.MemorySwappiness ?? -1) >= 0 && !features.memorySwappiness,
      missing('memory swappiness capabilities', 'Memory swappiness discarded.'),
    ],
    [
      !!asked.MemoryReservation && !features.memoryReservation,
      missing('memory soft limit capabilities', 'Limitation discarded.'),
    ],
    [
      asked.OomKillDisable === true && !features.oomKillDisable,
      'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    ],
    [
      asked.OomKillDisable === true && features.oomKillDisable && !asked.Memory,
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    ],
    [
      (asked.PidsLimit ?? 0) > 0 && !features.pidsLimit,
      missing('PIDs limit capabilities', 'PIDs limit discarded.'),
    ],
    [!!asked.CpuShares && !features.cpuShares, missing('CPU shares', 'Shares discarded.')],
    [
      (!!asked.CpuPeriod || !!asked.CpuQuota) && !features.cpuQuota,
      'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    ],
    [(!!asked.CpusetCpus || !!asked.CpusetMems) && !features.cpuset, missing('cpuset', 'Cpuset discarded.')],
    [!!asked.BlkioWeight && !features.blkioWeight, missing('Block I/O weight', 'Weight discarded.')],
    [
      any(asked.BlkioWeightDevice) && !features.blkioWeightDevice,
      missing('Block I/O weight_device', 'Weight-device discarded.'),
    ],
    [
      any(asked.BlkioDeviceReadBps) && !features.blkioThrottle,
      missing('BPS Block I/O read limit', 'Block I/O BPS read limit discarded.'),
    ],
    [
      any(asked.BlkioDeviceWriteBps) && !features.blkioThrottle,
      missing('BPS Block I/O write limit', 'Block I/O BPS write limit discarded.'),
    ],
    [
      any(asked.BlkioDeviceReadIOps) && !features.blkioThrottle,
      missing('IOPS Block read limit', 'Block I/O IOPS read limit discarded.'),
    ],
    [
      any(asked.BlkioDeviceWriteIOps) && !features.blkioThrottle,
      missing('IOPS Block write limit', 'Block I/O IOPS write limit discarded.'),
    ],
  ];
  return checks.filter(([applies]) => applies).map(([, text]) => text);
}
