import type { HostConfig } from '../wire/container.ts';
import type { Sample } from '../stats/stats.ts';
import type { CgroupPlan } from './plan.ts';

/** Reads one container's counters with file descriptors kept open. */
export interface SampleReader {
  read(): Sample;
  close(): void;
}

/** cgroup v1 (also hybrid) and v2 behind one interface; one contract suite runs against both. */
export interface CgroupDriver {
  readonly version: 1 | 2;
  /** Limits → directories, writes and joins. What this host cannot do comes back as Docker's warnings. */
  plan(containerId: string, hostConfig: HostConfig): { plan: CgroupPlan; warnings: string[] };
  /** Resolves when every process is frozen. */
  freeze(containerId: string): Promise<void>;
  thaw(containerId: string): Promise<void>;
  /** Every pid of the container, as seen on the host. */
  processes(containerId: string): Promise<number[]>;
  openSampler(containerId: string, pid: number): SampleReader;
}
