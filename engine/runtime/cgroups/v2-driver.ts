import { existsSync } from 'node:fs';
import type { HostConfig } from '../../wire/container.ts';
import type { CgroupDriver, CgroupFeatures, CgroupName, GivenLimits, SampleReader } from '../cgroup.ts';
import { resolveDevices } from '../devices.ts';
import type { CgroupPlan, MountOperation } from '../plan.ts';
import { compileDeviceProgram } from './device-program.ts';
import { freeze, thaw, unifiedFreezer } from './freeze.ts';
import { type DeviceValue, type Resources, resolveResources } from './resources.ts';
import {
  collectPids,
  enableControllers,
  makeDirectories,
  readText,
  relativeDirectory,
  removeIfEmpty,
  writeLimit,
} from './tree.ts';
import { openV2Sampler } from './v2-sampler.ts';

type Write = CgroupPlan['writes'][number];

interface V2Options {
  /** Where the unified hierarchy is mounted, `/sys/fs/cgroup`, or a directory in it that was delegated. */
  root: string;
  parent: string;
  procfs: string;
  /** false: no device programs, which an ordinary user may not load; there device nodes are the host's own. */
  devices?: boolean;
}

/** The unified hierarchy (Documentation/admin-guide/cgroup-v2.rst). */
export class V2Driver implements CgroupDriver {
  readonly name = 'cgroupfs';
  readonly version = 2;
  readonly #root: string;
  readonly #parent: string;
  readonly #procfs: string;
  readonly #devices: boolean;
  #features: CgroupFeatures | undefined;

  constructor({ root, parent, procfs, devices = true }: V2Options) {
    this.#root = root;
    this.#parent = parent;
    this.#procfs = procfs;
    this.#devices = devices;
  }

  features(): CgroupFeatures {
    this.#features ??= this.#detectFeatures();
    return this.#features;
  }

  plan(containerId: string, hostConfig: HostConfig, given: GivenLimits = {}): CgroupPlan {
    const directory = this.#directory({ id: containerId, parent: hostConfig.CgroupParent });
    this.#makeParents(directory.slice(this.#root.length, directory.lastIndexOf('/')));
    const rules = given.rules ?? resolveDevices(hostConfig).rules;
    const instructions = this.#devices ? compileDeviceProgram(rules) : new Uint8Array();
    return {
      directories: [directory],
      writes: limits(
        directory,
        given.resources ?? resolveResources(hostConfig, this.features()),
        this.#weightFile(),
      ),
      join: [`${directory}/cgroup.procs`],
      killFile: existsSync(`${this.#root}/${this.#parent}/cgroup.kill`) ? `${directory}/cgroup.kill` : '',
      deviceProgram: instructions.length === 0 ? null : { directory, instructions },
      oomFile: `${directory}/memory.events`,
    };
  }

  external(containerId: string, parent?: string): { cgroupsPath: string } {
    return { cgroupsPath: relativeDirectory(this.#parent, containerId, parent) };
  }

  async update(containerId: string, hostConfig: HostConfig, parent?: string): Promise<void> {
    const directory = this.#directory({ id: containerId, parent });
    for (const write of limits(
      directory,
      resolveResources(hostConfig, this.features()),
      this.#weightFile(),
    )) {
      await writeLimit(write);
    }
  }

  mounts({ readonly }: { readonly: boolean }): MountOperation[] {
    const flags = [...(readonly ? (['ro'] as const) : []), 'nosuid', 'nodev', 'noexec'] as const;
    return [{ kind: 'filesystem', type: 'cgroup2', target: '/sys/fs/cgroup', flags: [...flags], data: '' }];
  }

  freeze(containerId: string, parent?: string): Promise<void> {
    return freeze(unifiedFreezer(this.#directory({ id: containerId, parent })));
  }

  thaw(containerId: string, parent?: string): Promise<void> {
    return thaw(unifiedFreezer(this.#directory({ id: containerId, parent })));
  }

  processes(containerId: string, parent?: string): Promise<number[]> {
    return collectPids(this.#directory({ id: containerId, parent }));
  }

  openSampler(containerId: string, pid: number, parent?: string): SampleReader {
    return openV2Sampler({
      directory: this.#directory({ id: containerId, parent }),
      procfs: this.#procfs,
      pid,
    });
  }

  release(): void {
    removeIfEmpty(`${this.#root}/${this.#parent}`);
  }

  #directory({ id, parent }: CgroupName): string {
    return `${this.#root}${relativeDirectory(this.#parent, id, parent)}`;
  }

  /** A controller works in a directory only when every directory above hands it down. */
  #makeParents(relative: string): void {
    enableControllers(this.#root);
    makeDirectories(this.#root, relative, enableControllers);
  }

  #weightFile(): 'io.bfq.weight' | 'io.weight' {
    return existsSync(`${this.#root}/${this.#parent}/io.bfq.weight`) ? 'io.bfq.weight' : 'io.weight';
  }

  #detectFeatures(): CgroupFeatures {
    this.#makeParents(`/${this.#parent}`);
    const own = `${this.#root}/${this.#parent}`;
    const has = (file: string): boolean => existsSync(`${own}/${file}`);
    const weight = has(this.#weightFile());
    return {
      memoryLimit: has('memory.max'),
      memoryReservation: has('memory.low'),
      swapLimit: has('memory.swap.max'),
      memorySwappiness: false,
      oomKillDisable: false,
      cpuShares: has('cpu.weight'),
      cpuQuota: has('cpu.max'),
      cpuRealtime: false,
      cpuset: has('cpuset.cpus'),
      cpus: readText(`${own}/cpuset.cpus.effective`),
      memoryNodes: readText(`${own}/cpuset.mems.effective`),
      pidsLimit: has('pids.max'),
      blkioWeight: weight,
      blkioWeightDevice: weight,
      blkioThrottle: has('io.max'),
    };
  }
}

function limits(directory: string, wanted: Resources, weightFile: string): Write[] {
  const writes: Write[] = [];
  const add = (file: string, value: string | number | undefined): void => {
    if (value !== undefined) writes.push({ file: `${directory}/${file}`, value: String(value) });
  };
  add('memory.max', wanted.memoryBytes === -1 ? 'max' : wanted.memoryBytes);
  add('memory.swap.max', swapMax(wanted));
  add('memory.low', wanted.memoryReservationBytes);
  add('cpu.weight', wanted.cpuShares === undefined ? undefined : cpuWeight(wanted.cpuShares));
  if (wanted.cpuQuotaUs !== undefined || wanted.cpuPeriodUs !== undefined) {
    const quota = wanted.cpuQuotaUs !== undefined && wanted.cpuQuotaUs > 0 ? wanted.cpuQuotaUs : 'max';
    add('cpu.max', `${quota} ${wanted.cpuPeriodUs ?? 100_000}`);
  }
  add('cpuset.cpus', wanted.cpus || undefined);
  add('cpuset.mems', wanted.memoryNodes || undefined);
  add('pids.max', wanted.pids === -1 ? 'max' : wanted.pids);
  const weightOf = (weight: number): number => (weightFile === 'io.weight' ? ioWeight(weight) : weight);
  if (wanted.blkioWeight !== undefined) add(weightFile, weightOf(wanted.blkioWeight));
  for (const { major, minor, value } of wanted.blkioWeightDevices) {
    add(weightFile, `${major}:${minor} ${weightOf(value)}`);
  }
  const throttle = (key: string, list: DeviceValue[]): void => {
    for (const { major, minor, value } of list) add('io.max', `${major}:${minor} ${key}=${value || 'max'}`);
  };
  throttle('rbps', wanted.readBps);
  throttle('wbps', wanted.writeBps);
  throttle('riops', wanted.readIops);
  throttle('wiops', wanted.writeIops);
  return writes;
}

/** Docker counts memory and swap together, cgroup v2 swap alone. */
function swapMax({ memoryBytes, memorySwapBytes }: Resources): string | number | undefined {
  if (memoryBytes === undefined || memorySwapBytes === undefined) return undefined;
  return memorySwapBytes === -1 || memoryBytes === -1 ? 'max' : memorySwapBytes - memoryBytes;
}

/** shares 2…262144 → weight 1…10000 with 1024 → 100, the curve runc and crun share since 2025. */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** 10…1000 → 1…10000. */
export const ioWeight = (weight: number): number => Math.floor(1 + ((weight - 10) * 9999) / 990);
