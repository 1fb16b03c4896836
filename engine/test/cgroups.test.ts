import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostConfig } from '../wire/container.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';

/** One contract for both versions, with the kernel as judge: `npm run test:vm` runs it on v2. */
const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
const MB = 1024 * 1024;
/** Any will do: it is opened, never read. */
const disk = readdirSync('/sys/block')
  .map((name) => ({ name, number: readFileSync(`/sys/block/${name}/dev`, 'latin1').trim() }))
  .at(0);
if (disk === undefined) console.warn('this machine has no block device: tests of their limits are skipped');

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

interface Running {
  id: string;
  pid: number;
  file: (controller: string, name: string) => string;
}

async function running<T>(
  hostConfig: HostConfig,
  script: string,
  work: (container: Running) => Promise<T>,
): Promise<T> {
  const HostConfig = { NetworkMode: 'none', ...hostConfig };
  const body = { Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig };
  const { json, text } = await engine.api<{ Id: string }>('POST', '/containers/create', body);
  const id = json.Id;
  if (id === undefined) throw new Error(text);
  try {
    const started = await engine.api('POST', `/containers/${id}/start`);
    expect([started.status, started.text]).toEqual([204, '']);
    const inspected = await engine.api<{ State: { Pid: number } }>('GET', `/containers/${id}/json`);
    const file = (controller: string, name: string): string => {
      const hierarchy = isV2 ? '' : `${controller}/`;
      return readFileSync(`/sys/fs/cgroup/${hierarchy}${engine.cgroupParent}/${id}/${name}`, 'latin1').trim();
    };
    return await work({ id, pid: inspected.json.State.Pid, file });
  } finally {
    await engine.api('DELETE', `/containers/${id}?force=1`);
  }
}

const exec = (id: string, script: string): Promise<string> => engine.dockerOk('exec', id, 'sh', '-c', script);

describe(`cgroup v${isV2 ? 2 : 1}`, () => {
  test('keeps memory within its limit and says who was killed for it', async () => {
    const hostConfig = { Memory: 16 * MB, MemorySwap: 16 * MB };
    await running(hostConfig, 'sleep 1000', async ({ id, file }) => {
      expect(file('memory', isV2 ? 'memory.max' : 'memory.limit_in_bytes')).toBe(String(16 * MB));
      const greedy = await engine.docker('exec', id, 'tail', '/dev/zero');
      expect(greedy.code).toBe(137);
      const events = isV2 ? file('memory', 'memory.events') : file('memory', 'memory.oom_control');
      expect(Number(/^oom_kill (\d+)$/m.exec(events)?.[1])).toBeGreaterThan(0);
    });
  });

  test('lets no more processes be born than allowed', async () => {
    await running({ PidsLimit: 6 }, 'sleep 1000', async ({ id, file }) => {
      expect(file('pids', 'pids.max')).toBe('6');
      const many = await engine.docker('exec', id, 'sh', '-c', 'for i in 1 2 3 4 5 6 7; do sleep 9 & done');
      expect(many.stderr).toContain("can't fork");
    });
  });

  test('takes the processor away when the quota is used up', async () => {
    await running({ NanoCpus: 1e8 }, 'while :; do :; done', async ({ file }) => {
      if (isV2) expect(file('cpu', 'cpu.max')).toBe('10000 100000');
      else expect(file('cpu', 'cpu.cfs_quota_us')).toBe('10000');
      const throttled = (): number => Number(/^nr_throttled (\d+)$/m.exec(file('cpu', 'cpu.stat'))?.[1]);
      await expect.poll(throttled).toBeGreaterThan(2);
    });
  });

  test.skipIf(disk === undefined)('holds the rates of block devices', async () => {
    const number = disk?.number ?? '';
    const node = path.join(engine.directory, 'disk');
    execFileSync('mknod', [node, 'b', ...number.split(':')]);
    const hostConfig = {
      BlkioDeviceReadBps: [{ Path: node, Rate: 1 * MB }],
      BlkioDeviceWriteBps: [{ Path: node, Rate: 2 * MB }],
      BlkioDeviceReadIOps: [{ Path: node, Rate: 30 }],
      BlkioDeviceWriteIOps: [{ Path: node, Rate: 40 }],
    };
    await running(hostConfig, 'sleep 1000', async ({ file }) => {
      if (isV2) {
        expect(file('io', 'io.max')).toBe(`${number} rbps=${MB} wbps=${2 * MB} riops=30 wiops=40`);
        return;
      }
      expect(file('blkio', 'blkio.throttle.read_bps_device')).toBe(`${number} ${MB}`);
      expect(file('blkio', 'blkio.throttle.write_iops_device')).toBe(`${number} 40`);
    });
  });

  test.skipIf(disk === undefined)('opens the devices of the rules and no other', async () => {
    const [major, minor] = (disk?.number ?? '').split(':');
    const script = `mkdir -p /tmp; mknod /tmp/disk b ${major} ${minor}; : < /tmp/disk && echo opened`;
    const attempt = async (...rules: string[]): Promise<string> =>
      running({ DeviceCgroupRules: rules }, 'sleep 1000', async ({ id }) => {
        const { stdout, stderr } = await engine.docker('exec', id, 'sh', '-c', script);
        return stdout + stderr;
      });
    const refused = expect.stringContaining('Operation not permitted') as string;
    expect(await attempt()).toEqual(refused);
    expect(await attempt(`b ${major}:${minor} r`)).toBe('opened\n');
    expect(await attempt(`b ${major}:${minor} w`)).toEqual(refused);
    expect(await attempt(`c ${major}:${minor} rwm`)).toEqual(refused);
    expect(await attempt(`b ${major}:* rm`)).toBe('opened\n');
  });

  test('stops every process of a paused container, and a kill ends it all the same', async () => {
    await running({}, 'setsid sleep 1000 & sleep 1000', async ({ id, pid }) => {
      expect((await engine.api('POST', `/containers/${id}/pause`)).status).toBe(204);
      const { json } = await engine.api<{ State: { Status: string } }>('GET', `/containers/${id}/json`);
      expect(json.State.Status).toBe('paused');
      expect((await engine.api('POST', `/containers/${id}/kill`)).status).toBe(204);
      await expect.poll(() => isAlive(pid)).toBe(false);
    });
  });

  test("ends a whole process tree in the host's pid namespace", async () => {
    const script = 'setsid sleep 1000 & (setsid sleep 1000 &) ; exec sleep 1000';
    await running({ PidMode: 'host' }, script, async ({ id }) => {
      const top = async (): Promise<string[]> =>
        (
          await engine.api<{ Processes: string[][] }>(
            'GET',
            `/containers/${id}/top?ps_args=-o pid,args`.replaceAll(' ', '%20'),
          )
        ).json.Processes.map(([number = '']) => number);
      await expect.poll(async () => (await top()).length).toBe(3);
      const pids = (await top()).map(Number);
      expect((await engine.api('POST', `/containers/${id}/kill`)).status).toBe(204);
      await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    });
  });

  test('takes other limits while the container runs', async () => {
    await running(
      { Memory: 64 * MB, MemorySwap: 64 * MB, PidsLimit: 20 },
      'sleep 1000',
      async ({ id, file }) => {
        const change = { Memory: 32 * MB, MemorySwap: 32 * MB, PidsLimit: 9, NanoCpus: 5e8 };
        const { status, text } = await engine.api('POST', `/containers/${id}/update`, change);
        expect([status, text]).toEqual([200, expect.stringContaining('Warnings')]);
        expect(file('memory', isV2 ? 'memory.max' : 'memory.limit_in_bytes')).toBe(String(32 * MB));
        expect(file('pids', 'pids.max')).toBe('9');
        if (isV2) expect(file('cpu', 'cpu.max')).toBe('50000 100000');
        else expect(file('cpu', 'cpu.cfs_quota_us')).toBe('50000');
      },
    );
  });

  test('counts what a container uses', async () => {
    interface Stats {
      memory_stats: { usage: number; limit: number };
      pids_stats: { current: number };
      cpu_stats: { cpu_usage: { total_usage: number } };
    }
    await running({ Memory: 32 * MB }, 'while :; do :; done', async ({ id }) => {
      const read = async (): Promise<Stats> =>
        (await engine.api<Stats>('GET', `/containers/${id}/stats?stream=0&one-shot=1`)).json;
      expect(await read()).toMatchObject({ memory_stats: { limit: 32 * MB }, pids_stats: { current: 1 } });
      const before = (await read()).cpu_stats.cpu_usage.total_usage;
      await expect.poll(async () => (await read()).cpu_stats.cpu_usage.total_usage).toBeGreaterThan(before);
    });
  });

  test.skipIf(!isV2)('lets a container divide its own cgroup, and a command be executed beside', async () => {
    const script = `cd /sys/fs/cgroup && mkdir init && echo 1 > init/cgroup.procs &&
echo +memory > cgroup.subtree_control && touch /divided; exec sleep 1000`;
    await running({ Privileged: true }, script, async ({ id }) => {
      await expect.poll(() => engine.docker('exec', id, 'test', '-e', '/divided')).toMatchObject({ code: 0 });
      // No process may be where controllers are handed down (cgroup-v2.rst, no internal processes).
      expect(await exec(id, 'cat /proc/self/cgroup')).toBe('0::/init');
    });
  });

  test('is left empty', () => {
    const root = isV2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
    const own = path.join(root, engine.cgroupParent);
    const left = existsSync(own) ? readdirSync(own, { withFileTypes: true }) : [];
    expect(left.filter((entry) => entry.isDirectory()).map(({ name }) => name)).toEqual([]);
  });
});
