import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CgroupDriver } from '../cgroup.ts';
import type { HostConfig } from '../../wire/container.ts';
import { detectCgroups } from './detect.ts';
import { type FakeTree, makeFakeTree, putV1, putV2 } from './fake-tree.ts';
import { verifyLimits } from '../resource-limits.ts';

const PARENT = 'gantry-test';
const ID = 'c0ffee';
const MB = 1024 * 1024;

interface Case {
  version: 1 | 2;
  prepare: (tree: FakeTree, parent: string) => void;
  /** Where a container's file is. */
  at: (controller: string) => string;
}

const cases: Case[] = [
  { version: 1, prepare: putV1, at: (controller) => `${controller}/${PARENT}/${ID}` },
  { version: 2, prepare: putV2, at: () => `${PARENT}/${ID}` },
];

for (const { version, prepare, at } of cases) {
  describe(`the cgroup v${version} driver`, () => {
    let tree: FakeTree;
    let driver: CgroupDriver;

    beforeEach(() => {
      tree = makeFakeTree();
      prepare(tree, PARENT);
      driver = detectCgroups({ parent: PARENT, root: tree.root, procfs: tree.procfs });
    });
    afterEach(() => tree.remove());

    const read = (file: string): string => readFileSync(`${tree.root}/${file}`, 'latin1').trim();
    const limited = (hostConfig: HostConfig): string[] => {
      tree.apply(driver.plan(ID, hostConfig));
      return verifyLimits(hostConfig, driver.features()).warnings;
    };

    test('is the one that is detected', () => {
      expect(driver.version).toBe(version);
    });

    test('writes the limits of a HostConfig', () => {
      limited({
        Memory: 64 * MB,
        MemorySwap: 96 * MB,
        MemoryReservation: 32 * MB,
        PidsLimit: 50,
        NanoCpus: 5e8,
        CpusetCpus: '1',
      });
      const memory = at('memory');
      expect(read(version === 1 ? `${memory}/memory.limit_in_bytes` : `${memory}/memory.max`)).toBe(
        String(64 * MB),
      );
      expect(
        read(version === 1 ? `${memory}/memory.memsw.limit_in_bytes` : `${memory}/memory.swap.max`),
      ).toBe(String((version === 1 ? 96 : 32) * MB));
      expect(read(`${at('pids')}/pids.max`)).toBe('50');
      expect(read(`${at('cpuset')}/cpuset.cpus`)).toBe('1');
      const cpu = at('cpu,cpuacct');
      if (version === 1)
        expect([read(`${cpu}/cpu.cfs_quota_us`), read(`${cpu}/cpu.cfs_period_us`)]).toEqual([
          '50000',
          '100000',
        ]);
      else expect(read(`${cpu}/cpu.max`)).toBe('50000 100000');
    });

    test('writes the limits of block devices', () => {
      const device = '/dev/null';
      const wrote = driver
        .plan(ID, {
          BlkioWeight: 500,
          BlkioWeightDevice: [{ Path: device, Weight: 10 }],
          BlkioDeviceReadBps: [{ Path: device, Rate: 1024 }],
          BlkioDeviceWriteIOps: [{ Path: device, Rate: 0 }],
        })
        .writes.filter(({ file }) => /\/(blkio|io)\./.test(file))
        .map(({ file, value }) => [file.slice(file.lastIndexOf('/') + 1), value]);
      expect(wrote).toEqual(
        version === 1
          ? [
              ['blkio.weight', '500'],
              ['blkio.weight_device', '1:3 10'],
              ['blkio.throttle.read_bps_device', '1:3 1024'],
              ['blkio.throttle.write_iops_device', '1:3 0'],
            ]
          : [
              ['io.weight', '4950'],
              ['io.weight', '1:3 1'],
              ['io.max', '1:3 rbps=1024'],
              ['io.max', '1:3 wiops=max'],
            ],
      );
      expect(() => driver.plan(ID, { BlkioDeviceReadBps: [{ Path: '/dev/none', Rate: 1 }] })).toThrow(
        'stat /dev/none: no such file or directory',
      );
    });

    test('keeps CPU shares within what the kernel knows, as runc does', () => {
      const write = (CpuShares: number) =>
        driver.plan(ID, { CpuShares }).writes.find(({ file }) => /cpu\.(shares|weight)$/.test(file))?.value;
      expect([write(2), write(262_144)]).toEqual(version === 1 ? ['2', '262144'] : ['1', '10000']);
      if (version === 1) {
        expect(() => write(1)).toThrow('the minimum allowed cpu-shares is 2');
        expect(() => write(262_145)).toThrow('the maximum allowed cpu-shares is 262144');
      } else expect([write(1), write(262_145)]).toEqual(['1', '10000']);
    });

    test('gives as much swap as memory unless told otherwise', () => {
      limited({ Memory: 64 * MB });
      const memory = at('memory');
      expect(
        read(version === 1 ? `${memory}/memory.memsw.limit_in_bytes` : `${memory}/memory.swap.max`),
      ).toBe(String((version === 1 ? 128 : 64) * MB));
    });

    test('writes nothing for limits that are not asked for', () => {
      const none = { Memory: 0, MemorySwap: 0, PidsLimit: 0, CpuShares: 0, MemorySwappiness: -1 };
      const files = driver.plan(ID, none).writes.map(({ file }) => file.slice(file.lastIndexOf('/') + 1));
      expect(files.filter((file) => !/^(cpuset|devices)\./.test(file))).toEqual([]);
      expect(verifyLimits(none, driver.features()).warnings).toEqual([]);
    });

    test('updates what is asked for and nothing else', async () => {
      limited({ Memory: 64 * MB, MemorySwap: 96 * MB, PidsLimit: 50, CpuShares: 512 });
      const memory = at('memory');
      const pair = (): string[] =>
        version === 1
          ? [read(`${memory}/memory.limit_in_bytes`), read(`${memory}/memory.memsw.limit_in_bytes`)]
          : [read(`${memory}/memory.max`), read(`${memory}/memory.swap.max`)];
      await driver.update(ID, { Memory: 32 * MB, MemorySwap: -1, PidsLimit: -1 });
      expect(pair()).toEqual([String(32 * MB), version === 1 ? '-1' : 'max']);
      expect(read(`${at('pids')}/pids.max`)).toBe('max');
      await driver.update(ID, { CpuPeriod: 50_000, CpuQuota: 20_000 });
      const cpu = at('cpu,cpuacct');
      if (version === 1) expect(read(`${cpu}/cpu.cfs_quota_us`)).toBe('20000');
      else expect(read(`${cpu}/cpu.max`)).toBe('20000 50000');
      expect(read(version === 1 ? `${cpu}/cpu.shares` : `${cpu}/cpu.weight`)).toBe(
        version === 1 ? '512' : '59',
      );
      expect(pair()[0]).toBe(String(32 * MB));
      await expect(driver.update('gone', { PidsLimit: 5 })).rejects.toThrow('no such file or directory');
    });

    test('says what the host cannot do and leaves it out', () => {
      const bare = makeFakeTree();
      try {
        bare.put(version === 1 ? { 'pids/cgroup.procs': '' } : { 'cgroup.controllers': '' });
        const poor = detectCgroups({ parent: PARENT, root: bare.root, procfs: bare.procfs });
        const limits = { Memory: 64 * MB, CpuShares: 512, PidsLimit: 10 };
        const { warnings } = verifyLimits(limits, poor.features());
        expect(warnings).toHaveLength(3);
        expect(warnings[0]).toContain('Your kernel does not support memory limit capabilities');
        expect(poor.plan(ID, limits).writes).toEqual([]);
      } finally {
        bare.remove();
      }
    });

    test('joins every directory it makes, and keeps a requested parent inside the hierarchy', () => {
      const plan = driver.plan(ID, { CgroupParent: '../../../etc/../outside' });
      expect(plan.directories.every((directory) => directory.endsWith(`/outside/${ID}`))).toBe(true);
      expect(plan.directories.every((directory) => directory.startsWith(`${tree.root}/`))).toBe(true);
      expect(plan.join).toEqual(plan.directories.map((directory) => `${directory}/cgroup.procs`));
      for (const directory of plan.directories)
        expect(existsSync(directory.slice(0, -ID.length - 1))).toBe(true);
    });

    test('kills through cgroup.kill and knows where OOM kills are counted', () => {
      const plan = driver.plan(ID, {});
      expect(plan.killFile).toBe(
        `${tree.root}/${version === 1 ? 'unified/' : ''}${PARENT}/${ID}/cgroup.kill`,
      );
      expect(plan.oomFile).toMatch(version === 1 ? /memory\.oom_control$/ : /memory\.events$/);
    });

    test('holds the device policy', () => {
      const plan = driver.plan(ID, {});
      const devices = plan.writes.filter(({ file }) => file.includes('/devices.')).map(({ value }) => value);
      if (version === 1) expect(devices).toEqual(expect.arrayContaining(['a', 'c 1:3 rwm', 'c 136:* rwm']));
      else expect(plan.deviceProgram?.instructions.length).toBeGreaterThan(0);
      const open = driver.plan(ID, { Privileged: true });
      expect(version === 1 ? open.writes.at(-1) : open.deviceProgram).toEqual(
        version === 1 ? { file: `${tree.root}/devices/${PARENT}/${ID}/devices.allow`, value: 'a' } : null,
      );
    });

    test('lists the processes of the container and of the cgroups it made itself', async () => {
      limited({});
      tree.put({ [`${at('pids')}/cgroup.procs`]: '1\n2\n', [`${at('pids')}/inner/cgroup.procs`]: '3\n' });
      expect(await driver.processes(ID)).toEqual([1, 2, 3]);
      await expect(driver.processes('gone')).rejects.toThrow('is gone');
    });

    test('freezes until the kernel says frozen, and thaws', async () => {
      limited({});
      const directory = version === 1 ? `unified/${PARENT}/${ID}` : at('');
      tree.put({
        [`${directory}/cgroup.freeze`]: '0\n',
        [`${directory}/cgroup.events`]: 'populated 1\nfrozen 0\n',
      });
      const freezing = driver.freeze(ID);
      await expect.poll(() => read(`${directory}/cgroup.freeze`)).toBe('1');
      writeFileSync(`${tree.root}/${directory}/cgroup.events`, 'populated 1\nfrozen 1\n');
      await freezing;
      await driver.thaw(ID);
      expect(read(`${directory}/cgroup.freeze`)).toBe('0');
    });

    test('samples what is there and zeros what is not', () => {
      limited({});
      putCounters(tree, version, at);
      mkdirSync(`${tree.procfs}/7/net`, { recursive: true });
      mkdirSync(`${tree.procfs}/7/ns`);
      mkdirSync(`${tree.procfs}/self/ns`, { recursive: true });
      symlinkSync('net:[1]', `${tree.procfs}/self/ns/net`);
      symlinkSync('net:[2]', `${tree.procfs}/7/ns/net`);
      writeFileSync(`${tree.procfs}/stat`, 'cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2\ncpu1 1 2\nintr 0\n');
      writeFileSync(
        `${tree.procfs}/7/net/dev`,
        'a\nb\n    lo: 9 9\n  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n',
      );
      const reader = driver.openSampler(ID, 7);
      const sample = reader.read();
      expect(sample.cpu).toMatchObject({
        totalNs: 3_000_000n,
        userNs: 1_000_000n,
        systemNs: 2_000_000n,
        hostTotalNs: 280_000_000n,
        onlineCpus: 2,
        throttledPeriods: 2,
      });
      expect(sample.memory).toMatchObject({
        usageBytes: 4096,
        limitBytes: 65536,
        failures: 3,
        stat: { inactive_file: 7 },
      });
      expect(sample.pids).toEqual({ current: 4, limit: 0 });
      expect(sample.blockIo.bytes[0]).toMatchObject({ major: 8, minor: 0, value: 512 });
      expect(Object.keys(sample.networks)).toEqual(['eth0']);
      expect(sample.networks['eth0']).toMatchObject({ rxBytes: 1, rxDropped: 4, txBytes: 5, txDropped: 8 });
      tree.put({ [`${at('pids')}/pids.current`]: '5\n' });
      expect(reader.read().pids.current).toBe(5);
      reader.close();
      const empty = driver.openSampler('other', 8).read();
      expect(empty).toMatchObject({ cpu: { totalNs: 0n }, pids: { current: 0 }, networks: {} });
      expect(empty.memory.limitBytes).toBe(os.totalmem());
    });

    test('shows its cgroups read-only unless told otherwise', () => {
      expect(driver.mounts({ readonly: true })).toMatchObject([
        version === 1
          ? { kind: 'cgroup-v1', readonly: true }
          : { type: 'cgroup2', flags: ['ro', 'nosuid', 'nodev', 'noexec'] },
      ]);
      expect(driver.mounts({ readonly: false })).toMatchObject([
        version === 1
          ? { kind: 'cgroup-v1', readonly: false }
          : { type: 'cgroup2', flags: ['nosuid', 'nodev', 'noexec'] },
      ]);
    });
  });
}

function putCounters(tree: FakeTree, version: 1 | 2, at: Case['at']): void {
  if (version === 2) {
    tree.put({
      [`${at('')}/cpu.stat`]:
        'usage_usec 3000\nuser_usec 1000\nsystem_usec 2000\nnr_periods 5\nnr_throttled 2\nthrottled_usec 9\n',
      [`${at('')}/memory.current`]: '4096\n',
      [`${at('')}/memory.max`]: '65536\n',
      [`${at('')}/memory.events`]: 'low 0\noom 3\n',
      [`${at('')}/memory.stat`]: 'anon 1\ninactive_file 7\n',
      [`${at('')}/io.stat`]: '8:0 rbytes=512 wbytes=1024 rios=1 wios=2 dbytes=0 dios=0\n',
      [`${at('')}/pids.current`]: '4\n',
      [`${at('')}/pids.max`]: 'max\n',
    });
    return;
  }
  tree.put({
    [`${at('cpu,cpuacct')}/cpuacct.usage`]: '3000000\n',
    [`${at('cpu,cpuacct')}/cpuacct.usage_user`]: '1000000\n',
    [`${at('cpu,cpuacct')}/cpuacct.usage_sys`]: '2000000\n',
    [`${at('cpu,cpuacct')}/cpu.stat`]: 'nr_periods 5\nnr_throttled 2\nthrottled_time 9000\n',
    [`${at('memory')}/memory.usage_in_bytes`]: '4096\n',
    [`${at('memory')}/memory.limit_in_bytes`]: '65536\n',
    [`${at('memory')}/memory.failcnt`]: '3\n',
    [`${at('memory')}/memory.stat`]: 'cache 1\ninactive_file 7\n',
    [`${at('blkio')}/blkio.throttle.io_service_bytes_recursive`]: '8:0 Read 512\n8:0 Total 512\nTotal 512\n',
    [`${at('pids')}/pids.current`]: '4\n',
    [`${at('pids')}/pids.max`]: 'max\n',
  });
}
