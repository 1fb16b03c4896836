import { existsSync, lstatSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { EngineError, errnoOf } from '../../lib/errors.ts';
import type { HostConfig } from '../../wire/container.ts';
import type { CgroupDriver, CgroupFeatures, CgroupName, GivenLimits, SampleReader } from '../cgroup.ts';
import { type DeviceRule, resolveDevices } from '../devices.ts';
import type { CgroupPlan, MountOperation } from '../plan.ts';
import { freeze, type Freezer, thaw, unifiedFreezer, v1Freezer } from './freeze.ts';
import { type DeviceValue, type Resources, resolveResources } from './resources.ts';
import {
  collectPids,
  makeDirectories,
  readText,
  relativeDirectory,
  removeIfEmpty,
  writeLimit,
} from './tree.ts';
import { openV1Sampler } from './v1-sampler.ts';

type Write = CgroupPlan['writes'][number];

interface V1Options {
  /** Where the hierarchies are mounted, `/sys/fs/cgroup`. */
  root: string;
  /** The engine's own directory in every hierarchy. */
  parent: string;
  procfs: string;
}

interface Hierarchy {
  /** Directory name below the root: `memory`, `cpu,cpuacct`, `systemd`. */
  name: string;
  /** Mount option: its controllers, or `name=systemd`. */
  options: string;
}

const CONTROLLERS = new Set(
  'cpu cpuacct cpuset memory devices freezer blkio pids hugetlb net_cls net_prio perf_event rdma misc'.split(
    ' ',
  ),
);

/**
 * One directory per hierarchy. On a hybrid host the unified tree is joined too: it has no controllers, but
 * cgroup.kill and cgroup.freeze work there for all processes at once.
 */
export class V1Driver implements CgroupDriver {
  readonly name = 'cgroupfs';
  readonly version = 1;
  readonly #root: string;
  readonly #parent: string;
  readonly #procfs: string;
  readonly #hierarchies: Hierarchy[];
  readonly #symlinks: { name: string; to: string }[];
  readonly #unified: boolean;
  #features: CgroupFeatures | undefined;

  constructor({ root, parent, procfs }: V1Options) {
    this.#root = root;
    this.#parent = parent;
    this.#procfs = procfs;
    const entries = readdirSync(root).toSorted();
    const isLink = (name: string): boolean => lstatSync(`${root}/${name}`).isSymbolicLink();
    this.#hierarchies = entries
      .filter((name) => !isLink(name) && existsSync(`${root}/${name}/cgroup.procs`))
      .filter((name) => !existsSync(`${root}/${name}/cgroup.controllers`))
      .map((name) => ({ name, options: optionsOf(name) }));
    this.#symlinks = entries
      .filter(isLink)
      .map((name) => ({ name, to: readlinkSync(`${root}/${name}`) }))
      .filter(({ to }) => this.#hierarchies.some((hierarchy) => hierarchy.name === to));
    this.#unified = existsSync(`${root}/unified/cgroup.controllers`);
  }

  features(): CgroupFeatures {
    this.#features ??= this.#detectFeatures();
    return this.#features;
  }

  plan(containerId: string, hostConfig: HostConfig, given: GivenLimits = {}): CgroupPlan {
    const cgroup = { id: containerId, parent: hostConfig.CgroupParent };
    this.#makeParents(this.#relative({ id: '', parent: hostConfig.CgroupParent }));
    const resources = given.resources ?? resolveResources(hostConfig, this.features());
    const rules = given.rules ?? resolveDevices(hostConfig).rules;
    const directories = this.#directories(cgroup);
    const unified = this.#unified ? `${this.#root}/unified${this.#relative(cgroup)}` : '';
    return {
      directories,
      writes: [
        ...this.#memory(cgroup, resources),
        ...this.#limits(cgroup, resources),
        ...this.#cpuset(cgroup, resources),
        ...this.#devices(cgroup, rules),
      ],
      join: directories.map((directory) => `${directory}/cgroup.procs`),
      killFile:
        unified !== '' && existsSync(`${this.#root}/unified/${this.#parent}/cgroup.kill`)
          ? `${unified}/cgroup.kill`
          : '',
      deviceProgram: null,
      oomFile: `${this.#directory('memory', cgroup) ?? ''}/memory.oom_control`,
    };
  }

  external(containerId: string, parent?: string): { cgroupsPath: string; hybridTree?: string } {
    const cgroupsPath = this.#relative({ id: containerId, parent });
    return this.#unified ? { cgroupsPath, hybridTree: `${this.#root}/unified` } : { cgroupsPath };
  }

  async update(containerId: string, hostConfig: HostConfig, parent?: string): Promise<void> {
    const cgroup = { id: containerId, parent };
    const resources = resolveResources(hostConfig, this.features());
    for (const write of this.#memoryInOrder(cgroup, resources)) await this.#writeMemory(cgroup, write);
    for (const write of this.#limits(cgroup, resources)) await writeLimit(write);
    const cpuset = this.#directory('cpuset', cgroup) ?? '';
    if (resources.cpus) await writeLimit({ file: `${cpuset}/cpuset.cpus`, value: resources.cpus });
    if (resources.memoryNodes) {
      await writeLimit({ file: `${cpuset}/cpuset.mems`, value: resources.memoryNodes });
    }
  }

  /** In the host's cgroup namespace the shim binds the container's own directory of each hierarchy instead. */
  mounts({ readonly }: { readonly: boolean }): MountOperation[] {
    const hierarchies = this.#hierarchies.map(({ name, options }) => ({
      name,
      options,
      hostMount: `${this.#root}/${name}`,
    }));
    return [{ kind: 'cgroup-v1', target: '/sys/fs/cgroup', readonly, hierarchies, symlinks: this.#symlinks }];
  }

  freeze(containerId: string, parent?: string): Promise<void> {
    return freeze(this.#freezer({ id: containerId, parent }));
  }

  thaw(containerId: string, parent?: string): Promise<void> {
    return thaw(this.#freezer({ id: containerId, parent }));
  }

  processes(containerId: string, parent?: string): Promise<number[]> {
    const cgroup = { id: containerId, parent };
    return collectPids(this.#directory('pids', cgroup) ?? this.#directories(cgroup)[0] ?? '');
  }

  openSampler(containerId: string, pid: number, parent?: string): SampleReader {
    const cgroup = { id: containerId, parent };
    return openV1Sampler({
      directory: (controller) => this.#directory(controller, cgroup),
      procfs: this.#procfs,
      pid,
    });
  }

  release(): void {
    for (const directory of this.#inEveryHierarchy(`/${this.#parent}`)) removeIfEmpty(directory);
  }

  #relative({ id, parent }: CgroupName): string {
    return relativeDirectory(this.#parent, id, parent);
  }

  #inEveryHierarchy(relative: string): string[] {
    const names = this.#hierarchies.map(({ name }) => name);
    return [...names, ...(this.#unified ? ['unified'] : [])].map(
      (name) => `${this.#root}/${name}${relative}`,
    );
  }

  #directories(cgroup: CgroupName): string[] {
    return this.#inEveryHierarchy(this.#relative(cgroup));
  }

  #directory(controller: string, cgroup: CgroupName): string | undefined {
    const hierarchy = this.#hierarchies.find(({ name }) => name.split(',').includes(controller));
    return hierarchy && `${this.#root}/${hierarchy.name}${this.#relative(cgroup)}`;
  }

  #freezer(cgroup: CgroupName): Freezer {
    const unified = `${this.#root}/unified${this.#relative(cgroup)}`;
    if (this.#unified && existsSync(`${unified}/cgroup.freeze`)) return unifiedFreezer(unified);
    return v1Freezer(this.#directory('freezer', cgroup) ?? '');
  }

  /** A cpuset directory is made empty and takes no process until it has CPUs and memory nodes: fill from above. */
  #makeParents(relative: string): void {
    for (const { name } of this.#hierarchies) {
      const isCpuset = name.split(',').includes('cpuset');
      makeDirectories(`${this.#root}/${name}`, relative, (directory) => {
        if (isCpuset) for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(directory, file);
      });
    }
    if (this.#unified) makeDirectories(`${this.#root}/unified`, relative, () => undefined);
  }

  /** The swap limit counts memory too and may not be below it: on a fresh cgroup memory goes first. */
  #memory(cgroup: CgroupName, { memoryBytes, memorySwapBytes }: Resources): Write[] {
    const directory = this.#directory('memory', cgroup) ?? '';
    const pairs: [string, number | undefined][] = [
      ['memory.limit_in_bytes', memoryBytes],
      ['memory.memsw.limit_in_bytes', memorySwapBytes],
    ];
    return pairs.flatMap(([file, value]) =>
      value === undefined ? [] : [{ file: `${directory}/${file}`, value: String(value) }],
    );
  }

  /** Neither may pass the other on the way: up, the sum goes first, and down, memory. */
  #memoryInOrder(cgroup: CgroupName, wanted: Resources): Write[] {
    const writes = this.#memory(cgroup, wanted);
    const current = Number(readText(`${this.#directory('memory', cgroup) ?? ''}/memory.limit_in_bytes`));
    const rises = wanted.memoryBytes === -1 || (wanted.memoryBytes ?? 0) > current;
    return rises ? writes.toReversed() : writes;
  }

  async #writeMemory(cgroup: CgroupName, write: Write): Promise<void> {
    try {
      await writeLimit(write);
    } catch (error) {
      if (!(error instanceof EngineError) || errnoOf(error.cause) !== 'EBUSY') throw error;
      const directory = this.#directory('memory', cgroup) ?? '';
      const [usage, peak] = ['usage', 'max_usage'].map((name) =>
        readText(`${directory}/memory.${name}_in_bytes`),
      );
      throw new EngineError(
        'internal',
        `unable to set memory limit to ${write.value} (current usage: ${usage}, peak usage: ${peak})`,
        { cause: error },
      );
    }
  }

  #limits(cgroup: CgroupName, wanted: Resources): Write[] {
    const at = (controller: string): string => this.#directory(controller, cgroup) ?? '';
    const writes: Write[] = [];
    const add = (controller: string, file: string, value: string | number | undefined): void => {
      if (value !== undefined) writes.push({ file: `${at(controller)}/${file}`, value: String(value) });
    };
    add('memory', 'memory.soft_limit_in_bytes', wanted.memoryReservationBytes);
    add('memory', 'memory.swappiness', wanted.memorySwappiness);
    add('memory', 'memory.oom_control', wanted.oomKillDisable ? 1 : undefined);
    add('cpu', 'cpu.shares', checkedShares(wanted.cpuShares));
    add('cpu', 'cpu.cfs_period_us', wanted.cpuPeriodUs);
    add('cpu', 'cpu.cfs_quota_us', wanted.cpuQuotaUs);
    add('cpu', 'cpu.rt_period_us', wanted.cpuRealtimePeriodUs);
    add('cpu', 'cpu.rt_runtime_us', wanted.cpuRealtimeRuntimeUs);
    add('pids', 'pids.max', wanted.pids === -1 ? 'max' : wanted.pids);
    const weightFile = this.#weightFile();
    add('blkio', weightFile, wanted.blkioWeight);
    const devices = (file: string, list: DeviceValue[]): void => {
      for (const { major, minor, value } of list) add('blkio', file, `${major}:${minor} ${value}`);
    };
    devices(`${weightFile}_device`, wanted.blkioWeightDevices);
    devices('blkio.throttle.read_bps_device', wanted.readBps);
    devices('blkio.throttle.write_bps_device', wanted.writeBps);
    devices('blkio.throttle.read_iops_device', wanted.readIops);
    devices('blkio.throttle.write_iops_device', wanted.writeIops);
    return writes;
  }

  #cpuset(cgroup: CgroupName, wanted: Resources): Write[] {
    const directory = this.#directory('cpuset', cgroup);
    if (directory === undefined) return [];
    const parent = directory.slice(0, directory.lastIndexOf('/'));
    return [
      { file: `${directory}/cpuset.cpus`, value: wanted.cpus || readText(`${parent}/cpuset.cpus`) },
      { file: `${directory}/cpuset.mems`, value: wanted.memoryNodes || readText(`${parent}/cpuset.mems`) },
    ];
  }

  #devices(cgroup: CgroupName, rules: readonly DeviceRule[]): Write[] {
    const directory = this.#directory('devices', cgroup);
    if (directory === undefined) return [];
    return rules.map(({ allow, type, major, minor, access }) => ({
      file: `${directory}/devices.${allow ? 'allow' : 'deny'}`,
      value: type === 'a' ? 'a' : `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`,
    }));
  }

  #weightFile(): string {
    const own = this.#directory('blkio', { id: '' }) ?? '';
    return existsSync(`${own}/blkio.bfq.weight`) ? 'blkio.bfq.weight' : 'blkio.weight';
  }

  /** Read in the engine's own directory: the root of a hierarchy lacks some of the files. */
  #detectFeatures(): CgroupFeatures {
    this.#makeParents(`/${this.#parent}`);
    const has = (controller: string, file: string): boolean => {
      const directory = this.#directory(controller, { id: '' });
      return directory !== undefined && existsSync(`${directory}/${file}`);
    };
    const cpuset = this.#directory('cpuset', { id: '' });
    const weight = this.#weightFile();
    return {
      memoryLimit: has('memory', 'memory.limit_in_bytes'),
      memoryReservation: has('memory', 'memory.soft_limit_in_bytes'),
      swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
      memorySwappiness: has('memory', 'memory.swappiness'),
      oomKillDisable: has('memory', 'memory.oom_control'),
      cpuShares: has('cpu', 'cpu.shares'),
      cpuQuota: has('cpu', 'cpu.cfs_quota_us'),
      cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
      cpuset: cpuset !== undefined,
      cpus: cpuset === undefined ? '' : readText(`${cpuset}/cpuset.cpus`),
      memoryNodes: cpuset === undefined ? '' : readText(`${cpuset}/cpuset.mems`),
      pidsLimit: has('pids', 'pids.max'),
      blkioWeight: has('blkio', weight),
      blkioWeightDevice: has('blkio', `${weight}_device`),
      blkioThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
    };
  }
}

function optionsOf(name: string): string {
  return name.split(',').every((part) => CONTROLLERS.has(part)) ? name : `name=${name}`;
}

function inherit(directory: string, file: string): void {
  if (readText(`${directory}/${file}`) !== '') return;
  const above = readText(`${directory.slice(0, directory.lastIndexOf('/'))}/${file}`);
  if (above !== '') writeFileSync(`${directory}/${file}`, above);
}

/** The kernel takes what is outside of its bounds (MIN_SHARES, MAX_SHARES) for the bound; runc refuses it. */
function checkedShares(shares: number | undefined): number | undefined {
  if (shares === undefined) return undefined;
  if (shares < 2) throw new EngineError('internal', 'the minimum allowed cpu-shares is 2');
  if (shares > 262_144) throw new EngineError('internal', 'the maximum allowed cpu-shares is 262144');
  return shares;
}
