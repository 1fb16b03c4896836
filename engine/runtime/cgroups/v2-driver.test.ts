import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { detectCgroups } from './detect.ts';
import { makeFakeTree } from './fake-tree.ts';
import { cpuWeight, ioWeight } from './v2-driver.ts';

test('CPU shares follow the curve on which 1024 is 100', () => {
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 100, 10_000]);
  expect(cpuWeight(512)).toBeLessThan(cpuWeight(2048));
});

test('block I/O weights are stretched from 10–1000 to 1–10000', () => {
  expect([10, 1000].map(ioWeight)).toEqual([1, 10_000]);
});

test('a controller is handed down from the root only when the root has it', () => {
  const tree = makeFakeTree();
  try {
    tree.put({ 'cgroup.controllers': 'memory rdma\n', 'cgroup.subtree_control': '' });
    detectCgroups({ parent: 'p', root: tree.root, procfs: tree.procfs }).features();
    expect(readFileSync(`${tree.root}/cgroup.subtree_control`, 'latin1')).toBe('+memory');
  } finally {
    tree.remove();
  }
});

test('a parent that is a path is refused', () => {
  for (const parent of ['', '..', 'a/b', '.hidden'])
    expect(() => detectCgroups({ parent })).toThrow('invalid cgroup parent');
});
