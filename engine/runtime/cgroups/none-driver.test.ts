import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CgroupDriver } from '../cgroup.ts';
import { detectCgroups } from './detect.ts';
import { makeFakeTree, putV2, type FakeTree } from './fake-tree.ts';
import { verifyLimits } from '../resource-limits.ts';

let tree: FakeTree;
let driver: CgroupDriver;

beforeEach(() => {
  tree = makeFakeTree();
  putV2(tree, 'gantry');
  driver = detectCgroups({ root: tree.root, procfs: tree.procfs, rootless: true });
  mkdirSync(tree.procfs);
  writeFileSync(`${tree.procfs}/stat`, 'cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2\n');
});
afterEach(() => tree.remove());

/** Times of a process: its own user and system ticks, then those of its ended children. */
function putProcess(pid: number, parent: number, ticks: number[], children: number[] = []): void {
  const directory = `${tree.procfs}/${pid}/task/${pid}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/children`, `${children.join(' ')} `);
  const fields = ['S', parent, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...ticks, 20, 0, 2, 0, 0, 0, 3];
  writeFileSync(`${tree.procfs}/${pid}/stat`, `${pid} (a ) b) ${fields.join(' ')}`);
}

test('an ordinary user without delegated cgroups gets the driver that uses none', () => {
  expect([driver.name, driver.version]).toEqual(['none', 2]);
  expect(driver.mounts({ readonly: true })).toEqual([]);
});

test('limits are discarded with a warning for each', () => {
  const limits = { Memory: 1e8, CpuShares: 512, PidsLimit: 10 };
  expect(verifyLimits(limits, driver.features()).warnings).toHaveLength(3);
  expect(driver.plan('c', limits)).toMatchObject({
    directories: [],
    writes: [],
    join: [],
    deviceProgram: null,
  });
});

test('a container cannot be paused, and the answer says why', async () => {
  await expect(driver.freeze('c')).rejects.toThrow('cannot pause: this engine has no cgroups');
});

test('processes are those below the shim, execs and double-forked ones included', async () => {
  putProcess(10, 1, [0, 0, 0, 0], [11, 14]);
  putProcess(11, 10, [0, 0, 0, 0], [12]);
  putProcess(12, 11, [0, 0, 0, 0], [13]);
  putProcess(13, 12, [0, 0, 0, 0]);
  putProcess(14, 10, [0, 0, 0, 0]);
  expect((await driver.processes('c', '', 11)).toSorted((a, b) => a - b)).toEqual([11, 12, 13, 14]);
  await expect(driver.processes('c', '', 99)).rejects.toThrow('is gone');
});

test('counters are sums over the living and what they waited for, and never go back', () => {
  putProcess(10, 1, [100, 100, 1, 2], [11]);
  putProcess(11, 10, [3, 4, 5, 6], [12]);
  putProcess(12, 11, [7, 8, 0, 0]);
  const reader = driver.openSampler('c', 11);
  const ms = 10_000_000n;
  expect(reader.read()).toMatchObject({
    cpu: { userNs: 16n * ms, systemNs: 20n * ms, totalNs: 36n * ms },
    memory: { usageBytes: 2 * 3 * 4096, limitBytes: os.totalmem() },
    pids: { current: 4 },
  });
  writeFileSync(`${tree.procfs}/11/task/11/children`, '');
  expect(reader.read()).toMatchObject({ cpu: { totalNs: 36n * ms }, pids: { current: 2 } });
});
