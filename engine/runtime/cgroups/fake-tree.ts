import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CgroupPlan } from '../plan.ts';

/** A directory that looks like cgroupfs, for tests: control files are plain files. */
export interface FakeTree {
  root: string;
  procfs: string;
  /** Writes files below the root, making directories. */
  put(files: Record<string, string>): void;
  /** Does what the shim does with a plan: makes the directories, writes the values. */
  apply(plan: CgroupPlan): void;
  remove(): void;
}

export function makeFakeTree(): FakeTree {
  const base = mkdtempSync(path.join(tmpdir(), 'gantry-cgroups-'));
  const root = path.join(base, 'cgroup');
  const procfs = path.join(base, 'proc');
  mkdirSync(root);
  const put = (files: Record<string, string>): void => {
    for (const [file, text] of Object.entries(files)) {
      const full = path.join(root, file);
      mkdirSync(path.dirname(full), { recursive: true });
      writeFileSync(full, text);
    }
  };
  return {
    root,
    procfs,
    put,
    apply: (plan) => {
      for (const directory of plan.directories) mkdirSync(directory);
      for (const { file, value } of plan.writes) writeFileSync(file, value);
    },
    remove: () => rmSync(base, { recursive: true }),
  };
}

const V1_FILES: Readonly<Record<string, readonly string[]>> = {
  memory: [
    'memory.limit_in_bytes',
    'memory.soft_limit_in_bytes',
    'memory.memsw.limit_in_bytes',
    'memory.swappiness',
    'memory.oom_control',
  ],
  'cpu,cpuacct': ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
  pids: ['pids.max'],
  blkio: ['blkio.weight', 'blkio.weight_device', 'blkio.throttle.read_bps_device'],
  devices: ['devices.allow'],
  freezer: ['freezer.state'],
};

/** The hierarchies of a systemd host in hybrid mode; `parent` has the files a kernel would have made. */
export function putV1(tree: FakeTree, parent: string): void {
  const files: Record<string, string> = {
    'cpuset/cgroup.procs': '',
    'cpuset/cpuset.cpus': '0-1\n',
    'cpuset/cpuset.mems': '0\n',
    'systemd/cgroup.procs': '',
    'unified/cgroup.procs': '',
    'unified/cgroup.controllers': '\n',
    [`unified/${parent}/cgroup.kill`]: '',
  };
  for (const [hierarchy, names] of Object.entries(V1_FILES)) {
    files[`${hierarchy}/cgroup.procs`] = '';
    for (const name of names) files[`${hierarchy}/${parent}/${name}`] = '';
  }
  tree.put(files);
}

export function putV2(tree: FakeTree, parent: string): void {
  tree.put({
    'cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma\n',
    'cgroup.subtree_control': '',
    'cgroup.procs': '',
    [`${parent}/cgroup.controllers`]: 'cpuset cpu io memory pids\n',
    [`${parent}/cgroup.subtree_control`]: 'cpuset cpu io memory pids\n',
    [`${parent}/cgroup.kill`]: '',
    [`${parent}/cpuset.cpus.effective`]: '0-1\n',
    [`${parent}/cpuset.mems.effective`]: '0\n',
  });
  const names = [
    'memory.max',
    'memory.low',
    'memory.swap.max',
    'cpu.weight',
    'cpu.max',
    'cpuset.cpus',
    'pids.max',
  ];
  for (const name of [...names, 'io.max', 'io.weight']) tree.put({ [`${parent}/${name}`]: '' });
}
