import { EngineError, notFound, notImplemented } from '../../lib/errors.ts';
import type { CgroupDriver, CgroupFeatures, SampleReader } from '../cgroup.ts';
import type { CgroupPlan, MountOperation } from '../plan.ts';
import { openNoneSampler } from './none-sampler.ts';
import { descendants, readProcess } from './process-tree.ts';

const FEATURES: CgroupFeatures = {
  memoryLimit: false,
  memoryReservation: false,
  swapLimit: false,
  memorySwappiness: false,
  oomKillDisable: false,
  cpuShares: false,
  cpuQuota: false,
  cpuRealtime: false,
  cpuset: false,
  cpus: '',
  memoryNodes: '',
  pidsLimit: false,
  blkioWeight: false,
  blkioWeightDevice: false,
  blkioThrottle: false,
};

interface NoneOptions {
  /** What the host has, though this engine may not use it. */
  version: 1 | 2;
  procfs: string;
}

/**
 * For an engine that may not write to the host's cgroups: an ordinary user's, where the system delegates none. No
 * limit can be set and nothing paused; what is counted comes from /proc.
 */
export class NoneDriver implements CgroupDriver {
  readonly name = 'none';
  readonly version: 1 | 2;
  readonly #procfs: string;

  constructor({ version, procfs }: NoneOptions) {
    this.version = version;
    this.#procfs = procfs;
  }

  features(): CgroupFeatures {
    return FEATURES;
  }

  plan(): CgroupPlan {
    return { directories: [], writes: [], join: [], killFile: '', deviceProgram: null, oomFile: '' };
  }

  external(): { cgroupsPath: string } {
    throw notImplemented('an external runtime without cgroups');
  }

  /** Every limit is discarded when it is verified. */
  update(): Promise<void> {
    return Promise.resolve();
  }

  /** SECURITY: without a cgroup of its own a container sees none: /sys/fs/cgroup of its own sysfs is empty. */
  mounts(): MountOperation[] {
    return [];
  }

  freeze(): Promise<void> {
    return Promise.reject(
      new EngineError('conflict', 'cannot pause: this engine has no cgroups of its own (rootless)'),
    );
  }

  thaw(): Promise<void> {
    return Promise.resolve();
  }

  processes(containerId: string, _parent?: string, pid = 0): Promise<number[]> {
    const supervisor = readProcess(this.#procfs, pid)?.parent;
    return supervisor === undefined
      ? Promise.reject(notFound(`the container ${containerId} is gone`))
      : Promise.resolve(descendants(this.#procfs, supervisor));
  }

  openSampler(_containerId: string, pid: number): SampleReader {
    return openNoneSampler({ procfs: this.#procfs, pid });
  }

  release(): void {}
}
