import os from 'node:os';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { HostConfig } from '../wire/container.ts';
import type { CgroupFeatures } from './cgroup.ts';
import { parseCpuList } from './default-paths.ts';

const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

interface VerifiedLimits {
  /** The request without what this host discards. */
  hostConfig: HostConfig;
  /** Docker's words for what is discarded. */
  warnings: string[];
}

/** Warns, and takes out of the request what the host cannot do, when `applies`. */
type Discard = (applies: boolean, warning: string, without: Partial<HostConfig>) => void;

/**
 * The limits of a request at create, or of an update (where a swap limit may come without a memory limit). The order
 * of the checks is Docker's, since one that is discarded is not judged any more. Throws invalid-argument with Docker's
 * text.
 */
export function verifyLimits(
  request: HostConfig,
  host: CgroupFeatures,
  { update = false } = {},
): VerifiedLimits {
  const hostConfig = { ...request };
  const warnings: string[] = [];
  const discard: Discard = (applies, warning, without) => {
    if (!applies) return;
    warnings.push(warning);
    Object.assign(hostConfig, without);
  };
  verifyMemory(hostConfig, host, discard, update);
  verifyProcesses(hostConfig, host, discard);
  verifyCpu(hostConfig, host, discard);
  verifyCpuset(hostConfig, host, discard);
  verifyBlockIo(hostConfig, host, discard);
  return { hostConfig, warnings };
}

const missing = (subject: string, end: string): string =>
  `Your kernel does not support ${subject} or the cgroup is not mounted. ${end}`;

function verifyMemory(limits: HostConfig, host: CgroupFeatures, discard: Discard, update: boolean): void {
  // -1 is what old clients send for "not set".
  if (limits.MemorySwappiness === -1) limits.MemorySwappiness = null;
  if (limits.Memory && limits.Memory < MIN_MEMORY_BYTES) {
    throw invalidArgument('Minimum memory limit allowed is 6MB');
  }
  discard(
    !!limits.Memory && !host.memoryLimit,
    missing('memory limit capabilities', 'Limitation discarded.'),
    { Memory: 0, MemorySwap: -1 },
  );
  discard(
    !!limits.Memory && limits.MemorySwap !== -1 && !host.swapLimit,
    missing('swap limit capabilities', 'Memory limited without swap.'),
    { MemorySwap: -1 },
  );
  const { Memory: memory = 0, MemorySwap: swap = 0 } = limits;
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalidArgument('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0 && !update) {
    throw invalidArgument('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  discard(
    (limits.MemorySwappiness ?? null) !== null && !host.memorySwappiness,
    missing('memory swappiness capabilities', 'Memory swappiness discarded.'),
    { MemorySwappiness: null },
  );
  const swappiness = limits.MemorySwappiness ?? 0;
  if (swappiness < 0 || swappiness > 100) {
    throw invalidArgument(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  discard(
    (limits.MemoryReservation ?? 0) > 0 && !host.memoryReservation,
    missing('memory soft limit capabilities', 'Limitation discarded.'),
    { MemoryReservation: 0 },
  );
  const reservation = limits.MemoryReservation ?? 0;
  if (reservation > 0 && reservation < MIN_MEMORY_BYTES) {
    throw invalidArgument('Minimum memory reservation allowed is 6MB');
  }
  if (memory > 0 && reservation > memory) {
    throw invalidArgument('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  verifyKernelMemory(limits, discard);
}

/** No kernel that Gantry runs on has these limits any more (5.4 deprecated, 6.1 removed them). */
function verifyKernelMemory(limits: HostConfig, discard: Discard): void {
  for (const [field, name] of [
    ['KernelMemory', 'kernel memory'],
    ['KernelMemoryTCP', 'kernel memory TCP'],
  ] as const) {
    discard((limits[field] ?? 0) > 0, missing(`${name} limit capabilities`, 'Limitation discarded.'), {
      [field]: 0,
    });
  }
}

function verifyProcesses(limits: HostConfig, host: CgroupFeatures, discard: Discard): void {
  discard(
    limits.OomKillDisable === true && !host.oomKillDisable,
    'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    { OomKillDisable: null },
  );
  discard(
    limits.OomKillDisable === true && !limits.Memory,
    'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    {},
  );
  discard(
    (limits.PidsLimit ?? 0) > 0 && !host.pidsLimit,
    missing('PIDs limit capabilities', 'PIDs limit discarded.'),
    { PidsLimit: null },
  );
}

function verifyCpu(limits: HostConfig, host: CgroupFeatures, discard: Discard): void {
  const nanoCpus = limits.NanoCpus ?? 0;
  if (nanoCpus > 0 && (limits.CpuPeriod ?? 0) > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (nanoCpus > 0 && (limits.CpuQuota ?? 0) > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (nanoCpus > 0 && !host.cpuQuota) {
    throw invalidArgument(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  const count = os.availableParallelism();
  if (nanoCpus < 0 || nanoCpus > count * 1e9) {
    throw invalidArgument(
      `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
    );
  }
  discard((limits.CpuShares ?? 0) > 0 && !host.cpuShares, missing('CPU shares', 'Shares discarded.'), {
    CpuShares: 0,
  });
  discard(
    (!!limits.CpuPeriod || !!limits.CpuQuota) && !host.cpuQuota,
    'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    { CpuPeriod: 0, CpuQuota: 0 },
  );
  const { CpuPeriod: period = 0, CpuQuota: quota = 0 } = limits;
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalidArgument(
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (quota > 0 && quota < 1000) {
    throw invalidArgument('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  discard((limits.CpuPercent ?? 0) > 0, 'linux does not support CPU percent. Percent discarded.', {
    CpuPercent: 0,
  });
}

function verifyCpuset(limits: HostConfig, host: CgroupFeatures, discard: Discard): void {
  discard(
    (!!limits.CpusetCpus || !!limits.CpusetMems) && !host.cpuset,
    missing('cpuset', 'Cpuset discarded.'),
    { CpusetCpus: '', CpusetMems: '' },
  );
  const check = (requested: string, available: string, field: string, subject: string): void => {
    if (requested === '') return;
    let numbers: number[];
    try {
      numbers = parseCpuList(requested);
    } catch (error) {
      throw invalidArgument(`Invalid value ${requested} for cpuset ${field}: ${messageOf(error)}`);
    }
    const known = new Set(parseCpuList(available));
    if (numbers.some((number) => !known.has(number))) {
      throw invalidArgument(
        `Requested ${subject} are not available - requested ${requested}, available: ${available}`,
      );
    }
  };
  check(limits.CpusetCpus ?? '', host.cpus, 'cpus', 'CPUs');
  check(limits.CpusetMems ?? '', host.memoryNodes, 'mems', 'memory nodes');
}

const isWeight = (weight: number): boolean => weight === 0 || (weight >= 10 && weight <= 1000);

function verifyBlockIo(limits: HostConfig, host: CgroupFeatures, discard: Discard): void {
  discard(
    (limits.BlkioWeight ?? 0) > 0 && !host.blkioWeight,
    missing('Block I/O weight', 'Weight discarded.'),
    { BlkioWeight: 0 },
  );
  discard(
    hasAny(limits.BlkioWeightDevice) && !host.blkioWeightDevice,
    missing('Block I/O weight_device', 'Weight-device discarded.'),
    { BlkioWeightDevice: [] },
  );
  const weights = [
    limits.BlkioWeight ?? 0,
    ...(limits.BlkioWeightDevice ?? []).map(({ Weight = 0 }) => Weight),
  ];
  if (!weights.every(isWeight)) throw invalidArgument('Range of blkio weight is from 10 to 1000');
  for (const [field, kind, name] of [
    ['BlkioDeviceReadBps', 'BPS Block I/O read', 'Block I/O BPS read'],
    ['BlkioDeviceWriteBps', 'BPS Block I/O write', 'Block I/O BPS write'],
    ['BlkioDeviceReadIOps', 'IOPS Block read', 'Block I/O IOPS read'],
    ['BlkioDeviceWriteIOps', 'IOPS Block write', 'Block I/O IOPS write'],
  ] as const) {
    discard(
      hasAny(limits[field]) && !host.blkioThrottle,
      missing(`${kind} limit`, `${name} limit discarded.`),
      { [field]: [] },
    );
  }
}

const hasAny = (list: readonly unknown[] | null | undefined): boolean => (list ?? []).length > 0;
