import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import path from 'node:path';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { ordinaryUser, whyNotRootless } from './ordinary-user.ts';

const ROOT = '/sys/fs/cgroup';
const isV2 = existsSync(`${ROOT}/cgroup.controllers`);
const reason = isV2 ? whyNotRootless() : 'this machine has cgroup v1, which cannot be delegated';
if (reason !== undefined) console.warn(`delegated cgroups are not tested: ${reason}`);

const MB = 1024 * 1024;
const CGROUP = `${ROOT}/gantry-test-user`;

describe.skipIf(reason !== undefined)('an ordinary user with a delegated cgroup', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    writeFileSync(`${ROOT}/cgroup.subtree_control`, '+cpu +memory +pids');
    engine = await startEngine({ starterImage: false, user: ordinaryUser({ cgroup: CGROUP }) });
    await engine.dockerOk('load', '-i', path.resolve('build/starter/busybox.tar'));
  });
  afterAll(async () => {
    await engine.stop();
    // Also proves that the engine has left it as it was.
    for (const scope of scopes()) {
      expect(readFileSync(`${scope}/cgroup.subtree_control`, 'utf8').trim()).toBe('');
      rmdirSync(scope);
    }
    rmdirSync(CGROUP);
  });

  const scopes = (): string[] =>
    readdirSync(CGROUP)
      .filter((name) => name.startsWith('scope-'))
      .map((name) => path.join(CGROUP, name));
  const file = (id: string, name: string): string => {
    const scope = scopes().find((directory) => existsSync(`${directory}/${engine.cgroupParent}/${id}`));
    return readFileSync(`${scope}/${engine.cgroupParent}/${id}/${name}`, 'utf8').trim();
  };

  test('has limits that the kernel keeps', async () => {
    expect(await engine.dockerOk('info', '--format', '{{.CgroupDriver}} {{.CgroupVersion}}')).toBe(
      'cgroupfs 2',
    );
    const flags = '-d --memory 16m --memory-swap 16m --cpus 0.5 --pids-limit 20'.split(' ');
    const id = await engine.dockerOk('run', ...flags, 'busybox', 'sleep', '1000');
    expect([file(id, 'memory.max'), file(id, 'cpu.max'), file(id, 'pids.max')]).toEqual([
      String(16 * MB),
      '50000 100000',
      '20',
    ]);
    expect((await engine.docker('exec', id, 'tail', '/dev/zero')).code).toBe(137);
    expect(file(id, 'memory.events')).toMatch(/^oom_kill [1-9]/m);
    await engine.dockerOk('rm', '-f', id);
  });

  test('pauses, counts and finds its containers again after a crash of the engine', async () => {
    const id = await engine.dockerOk('run', '-d', '-m', '32m', 'busybox', 'sleep', '1000');
    await engine.dockerOk('pause', id);
    expect(file(id, 'cgroup.events')).toContain('frozen 1');
    await engine.kill9();
    await engine.restart();
    await engine.dockerOk('unpause', id);
    expect(file(id, 'cgroup.events')).toContain('frozen 0');
    const stats = ['stats', '--no-stream', '--format', '{{.PIDs}} {{.MemUsage}}', id];
    expect(await engine.dockerOk(...stats)).toMatch(/^1 .* \/ 32MiB$/);
    expect(await engine.dockerOk('exec', id, 'cat', '/proc/self/cgroup')).toBe('0::/');
    await engine.dockerOk('rm', '-f', id);
  });
});
