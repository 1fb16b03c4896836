import { access, readFile } from 'node:fs/promises';

/** Which limits the host's cgroups can set; names are those of `GET /info`. */
export interface LimitSupport {
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  OomKillDisable: boolean;
}

const ROOT = '/sys/fs/cgroup';

export async function probeLimits(cgroupVersion: 1 | 2): Promise<LimitSupport> {
  if (cgroupVersion === 1) return probeV1();
  const controllers = (await readFile(`${ROOT}/cgroup.controllers`, 'utf8').catch(() => ''))
    .trim()
    .split(' ');
  const memory = controllers.includes('memory');
  const cpu = controllers.includes('cpu');
  return {
    MemoryLimit: memory,
    // The root cgroup has no memory.swap.max; the kernel has swap accounting whenever it has swaps.
    SwapLimit: memory && (await exists('/proc/swaps')),
    CpuCfsPeriod: cpu,
    CpuCfsQuota: cpu,
    CPUShares: cpu,
    CPUSet: controllers.includes('cpuset'),
    PidsLimit: controllers.includes('pids'),
    OomKillDisable: false,
  };
}

async function probeV1(): Promise<LimitSupport> {
  const has = (file: string): Promise<boolean> => exists(`${ROOT}/${file}`);
  const [memory, swap, period, quota, shares, cpuset, pids, oom] = await Promise.all([
    has('memory/memory.limit_in_bytes'),
    has('memory/memory.memsw.limit_in_bytes'),
    has('cpu/cpu.cfs_period_us'),
    has('cpu/cpu.cfs_quota_us'),
    has('cpu/cpu.shares'),
    has('cpuset/cpuset.cpus'),
    has('pids'),
    has('memory/memory.oom_control'),
  ]);
  return {
    MemoryLimit: memory,
    SwapLimit: swap,
    CpuCfsPeriod: period,
    CpuCfsQuota: quota,
    CPUShares: shares,
    CPUSet: cpuset,
    PidsLimit: pids,
    OomKillDisable: oom,
  };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
