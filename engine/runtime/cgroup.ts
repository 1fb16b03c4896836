import type { HostConfig } from '../wire/container.ts';
import type { Sample } from '../stats/stats.ts';
import type { Resources } from './cgroups/resources.ts';
import type { DeviceRule } from './devices.ts';
import type { CgroupPlan, MountOperation } from './plan.ts';

/** Reads one container's counters with file descriptors kept open. */
export interface SampleReader {
  read(): Sample;
  close(): void;
}

/** What this host's controllers can do (`/info`, create-time validation and its warnings). */
export interface CgroupFeatures {
  memoryLimit: boolean;
  memoryReservation: boolean;
  swapLimit: boolean;
  memorySwappiness: boolean;
  oomKillDisable: boolean;
  cpuShares: boolean;
  cpuQuota: boolean;
  cpuRealtime: boolean;
  cpuset: boolean;
  /** Usable CPUs and memory nodes in the kernel's list format, '' without cpuset. */
  cpus: string;
  memoryNodes: string;
  pidsLimit: boolean;
  blkioWeight: boolean;
  blkioWeightDevice: boolean;
  blkioThrottle: boolean;
}

/** A container's cgroup: `parent` is `HostConfig.CgroupParent`, empty or absent for the engine's own. */
export interface CgroupName {
  id: string;
  parent?: string | undefined;
}

/** Limits and device policy that come from elsewhere than a HostConfig. */
export interface GivenLimits {
  resources?: Resources;
  rules?: readonly DeviceRule[];
}

/** cgroup v1 (also hybrid) and v2 behind one interface; one contract suite runs against both. */
export interface CgroupDriver {
  /** Docker's `CgroupDriver`. */
  readonly name: 'cgroupfs' | 'none';
  readonly version: 1 | 2;
  features(): CgroupFeatures;
  /** Limits → directories, writes and joins. What this host cannot do is left out (`verifyLimits` tells at create). */
  plan(containerId: string, hostConfig: HostConfig, given?: GivenLimits): CgroupPlan;
  /**
   * For a runtime that makes the cgroup itself: its path in every hierarchy, and the tree of a hybrid host that has no
   * controllers, which crun refuses to see.
   */
  external(containerId: string, parent?: string): { cgroupsPath: string; hybridTree?: string };
  /**
   * Limits of a running container: those that `hostConfig` sets change, the others stay. Rejects with the kernel's
   * reason; what was written before stays written.
   */
  update(containerId: string, hostConfig: HostConfig, parent?: string): Promise<void>;
  /** What the container sees at /sys/fs/cgroup. */
  mounts(options: { readonly: boolean }): MountOperation[];
  /** Resolves when every process is frozen. */
  freeze(containerId: string, parent?: string): Promise<void>;
  thaw(containerId: string, parent?: string): Promise<void>;
  /** Every pid of the container, as seen on the host. `pid`: its PID 1, the one trace where there are no cgroups. */
  processes(containerId: string, parent?: string, pid?: number): Promise<number[]>;
  openSampler(containerId: string, pid: number, parent?: string): SampleReader;
  /** Removes the engine's own parent directories where no container is left in them. */
  release(): void;
}
