import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DockerStats } from '../stats/docker-stats.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { testProgram } from './test-program.ts';

/** What a container may do and use, as the kernel sees it. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const MB = 1024 * 1024;
const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
const run = (...args: string[]): Promise<string> => engine.dockerOk('run', '--rm', ...args);
const status = (field: string, text: string): string =>
  new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
const showStatus = ['busybox', 'cat', '/proc/self/status'];

async function inBackground<T>(args: string[], work: (id: string) => Promise<T>): Promise<T> {
  const id = await engine.dockerOk('run', '-d', ...args);
  try {
    return await work(id);
  } finally {
    await engine.dockerOk('rm', '-f', id);
  }
}

function cgroupFile(id: string, controller: string, file: string): string {
  const hierarchy = isV2 ? '' : `${controller}/`;
  return readFileSync(`/sys/fs/cgroup/${hierarchy}${engine.cgroupParent}/${id}/${file}`, 'latin1').trim();
}

describe('limits', () => {
  test('of memory, CPU and processes are in the cgroup files', async () => {
    const flags =
      '--memory 64m --memory-swap 96m --cpus 0.5 --cpu-shares 512 --pids-limit 50 --cpuset-cpus 0'.split(' ');
    await inBackground([...flags, 'busybox', 'sleep', '1000'], async (id) => {
      const expected: [string, string, string, string, string][] = [
        ['memory', 'memory.limit_in_bytes', String(64 * MB), 'memory.max', String(64 * MB)],
        ['memory', 'memory.memsw.limit_in_bytes', String(96 * MB), 'memory.swap.max', String(32 * MB)],
        ['cpu', 'cpu.cfs_quota_us', '50000', 'cpu.max', '50000 100000'],
        ['pids', 'pids.max', '50', 'pids.max', '50'],
        ['cpuset', 'cpuset.cpus', '0', 'cpuset.cpus', '0'],
      ];
      for (const [controller, v1File, v1Value, v2File, v2Value] of expected) {
        expect(cgroupFile(id, controller, isV2 ? v2File : v1File)).toBe(isV2 ? v2Value : v1Value);
      }
    });
  });

  test('of memory end the container with 137 and OOMKilled', async () => {
    const id = await engine.dockerOk(
      'create',
      '--memory',
      '16m',
      '--memory-swap',
      '16m',
      'busybox',
      'tail',
      '/dev/zero',
    );
    await engine.docker('start', '-a', id);
    const state = await engine.dockerOk('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}}', id);
    expect(state).toBe('137 true');
    await engine.dockerOk('rm', id);
  });

  test('of processes stop a fork loop', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done';
    const { stderr } = await engine.docker('run', '--rm', '--pids-limit', '8', 'busybox', 'sh', '-c', script);
    expect(stderr).toContain("can't fork");
  });

  test('of shared memory and open files hold inside', async () => {
    const flags = ['--shm-size', '8m', '--ulimit', 'nofile=100:200', '--oom-score-adj', '300'];
    const script = 'df -k /dev/shm | tail -1; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj';
    const lines = (await run(...flags, 'busybox', 'sh', '-c', script)).split('\n');
    expect(lines[0]).toMatch(/\s8192\s/);
    expect(lines.slice(1)).toEqual(['100', '200', '300']);
  });

  test("that make no sense are refused with Docker's words", async () => {
    const refused = async (...flags: string[]): Promise<string> =>
      (await engine.docker('create', ...flags, 'busybox')).stderr;
    expect(await refused('--memory', '1m')).toContain('Minimum memory limit allowed is 6MB');
    expect(await refused('--cpus', '1000')).toMatch(/range of CPUs is from 0\.01 to \d+\.00/);
    expect(await refused('--cpuset-cpus', '900')).toContain(
      'Requested CPUs are not available - requested 900',
    );
    expect(await refused('--cap-add', 'FOO')).toContain('invalid CapAdd: unknown capability: "CAP_FOO"');
    expect(await refused('--sysctl', 'net.ipv4.ip_forward=1', '--network', 'host')).toContain(
      'not allowed in host network namespace',
    );
    expect(await refused('--rm', '--restart', 'always')).not.toBe('');
    expect(await engine.dockerOk('ps', '-aq')).toBe('');
  });
});

describe('confinement', () => {
  test("has Docker's default capabilities and a seccomp filter", async () => {
    const text = await run(...showStatus);
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status(set, text)).toBe('00000000a80425fb');
    for (const set of ['CapInh', 'CapAmb']) expect(status(set, text)).toBe('0000000000000000');
    expect(status('Seccomp', text)).toBe('2');
    expect(status('NoNewPrivs', text)).toBe('0');
  });

  test('leaves another user than root without capabilities', async () => {
    const text = await run('--user', '1000', ...showStatus);
    expect([status('CapEff', text), status('CapPrm', text)]).toEqual([
      '0000000000000000',
      '0000000000000000',
    ]);
    expect(status('CapBnd', text)).toBe('00000000a80425fb');
  });

  test('follows --cap-drop, --cap-add and no-new-privileges', async () => {
    const flags = [
      '--cap-drop',
      'ALL',
      '--cap-add',
      'NET_BIND_SERVICE',
      '--security-opt',
      'no-new-privileges',
    ];
    const text = await run(...flags, ...showStatus);
    expect(status('CapBnd', text)).toBe('0000000000000400');
    expect(status('NoNewPrivs', text)).toBe('1');
  });

  test('refuses dangerous system calls and lets ordinary ones through', async () => {
    const probe = testProgram('syscall-probe');
    const output = await run('-v', `${probe}:/probe:ro`, 'busybox', '/probe');
    const results = Object.fromEntries(output.split('\n').map((line) => line.split(' ')));
    const EPERM = '1';
    for (const name of [
      'unshare',
      'mount',
      'af_alg',
      'af_alg_wide',
      'af_vsock',
      'clone_newuser',
      'keyctl',
      'bpf',
      'io_uring_setup',
    ]) {
      expect([name, results[name]]).toEqual([name, EPERM]);
    }
    expect(results).toMatchObject({ clone3: '38', af_inet: '0', personality: '0' });
    const open = await run(
      '--security-opt',
      'seccomp=unconfined',
      '-v',
      `${probe}:/probe:ro`,
      'busybox',
      '/probe',
    );
    expect(open).not.toContain('clone3 38');
  });

  test('takes a seccomp profile of the user', async () => {
    const profile = path.join(engine.directory, 'no-mkdir.json');
    execFileSync('tee', [profile], {
      input: JSON.stringify({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      }),
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const { stderr } = await engine.docker(
      'run',
      '--rm',
      '--security-opt',
      `seccomp=${profile}`,
      'busybox',
      'mkdir',
      '/x',
    );
    expect(stderr).toContain('No space left on device');
  });

  test('masks and write-protects what the host must not show', async () => {
    const script = `cat /proc/keys | wc -c; ls /sys/firmware | wc -l; head -c 1 /proc/kcore | wc -c
echo x > /proc/sys/kernel/hostname; mkdir /sys/fs/cgroup/x; true`;
    const { stdout, stderr } = await engine.docker('run', '--rm', 'busybox', 'sh', '-c', script);
    expect(stdout.trim().split('\n')).toEqual(['0', '0', '0']);
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
  });

  test.skipIf(isV2)("shows the container's own cgroup only, in the host's namespace too", async () => {
    const script = 'cat /sys/fs/cgroup/pids/pids.max; mkdir /sys/fs/cgroup/pids/x';
    for (const mode of ['private', 'host']) {
      const flags = ['--rm', '--cgroupns', mode, '--pids-limit', '77'];
      const { stdout, stderr } = await engine.docker('run', ...flags, 'busybox', 'sh', '-c', script);
      expect([mode, stdout]).toEqual([mode, '77\n']);
      expect(stderr).toContain('Read-only file system');
    }
  });

  test('is lifted by --privileged', async () => {
    const script =
      'grep -E "CapBnd|^Seccomp:" /proc/self/status; mount -t tmpfs x /mnt && echo mounted; ls /dev | wc -l';
    const text = await run('--privileged', 'busybox', 'sh', '-c', `mkdir -p /mnt; ${script}`);
    expect(status('CapBnd', text)).toBe(status('CapBnd', readFileSync('/proc/self/status', 'latin1')));
    expect(status('Seccomp', text)).toBe('0');
    expect(text).toContain('mounted');
  });

  test('of a read-only root lets only the temporary places be written', async () => {
    const script =
      'echo x > /x; echo x > /etc/hosts; echo x > /dev/shm/x && echo shm; echo x > /run/x && echo run';
    const { stdout, stderr } = await engine.docker(
      'run',
      '--rm',
      '--read-only',
      '--tmpfs',
      '/run',
      'busybox',
      'sh',
      '-c',
      script,
    );
    expect(stdout).toBe('shm\nrun\n');
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
  });

  test('keeps devices away unless they are given', async () => {
    const script = 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg';
    const { stderr } = await engine.docker('run', '--rm', 'busybox', 'sh', '-c', `mkdir -p /tmp; ${script}`);
    expect(stderr).toContain('Operation not permitted');
    const mapped = await run('--device', '/dev/zero:/dev/nothing:r', 'busybox', 'ls', '-l', '/dev/nothing');
    expect(mapped).toMatch(/^crw.* 1, +5 .*\/dev\/nothing$/);
    const missing = await engine.docker('run', '--rm', '--device', '/dev/gantry-none', 'busybox', 'true');
    expect(missing.stderr).toContain(
      'error gathering device information while adding custom device "/dev/gantry-none"',
    );
    await engine.docker('container', 'prune', '-f');
  });

  test('sets namespaced sysctls', async () => {
    const script =
      'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_unprivileged_port_start';
    const flags = ['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.shmmax=12345'];
    expect((await run(...flags, 'busybox', 'sh', '-c', script)).split('\n')).toEqual(['1', '12345', '0']);
  });
});

describe('a running container', () => {
  test('has statistics: one-shot, a pair, and a stream', async () => {
    await inBackground(['--memory', '64m', 'busybox', 'sh', '-c', 'while :; do :; done'], async (id) => {
      const get = async (query: string): Promise<DockerStats> =>
        (await engine.api<DockerStats>('GET', `/containers/${id}/stats?${query}`)).json;
      const pair = await get('stream=false');
      expect(pair.memory_stats).toMatchObject({ limit: 64 * MB });
      expect(pair.memory_stats.usage).toBeGreaterThan(0);
      expect(pair.pids_stats.current).toBeGreaterThan(0);
      expect(pair.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(pair.precpu_stats.cpu_usage.total_usage);
      expect(pair.cpu_stats.system_cpu_usage).toBeGreaterThan(pair.precpu_stats.system_cpu_usage ?? 0);
      expect(pair.networks?.['eth0']).toBeDefined();
      const single = await get('stream=0&one-shot=1');
      expect(single.preread).toBe('0001-01-01T00:00:00Z');
      expect(await engine.api('GET', `/containers/${id}/stats?one-shot=1`)).toMatchObject({
        status: 400,
        json: { message: 'cannot have stream=true and one-shot=true' },
      });
      const line = await engine.dockerOk(
        'stats',
        '--no-stream',
        '--format',
        '{{.Name}} {{.MemUsage}} {{.PIDs}}',
        id,
      );
      expect(line).toMatch(/ \/ 64MiB \d+$/);
    });
  });

  test('streams a sample at once and goes on until the client leaves', async () => {
    await inBackground(['busybox', 'sleep', '1000'], async (id) => {
      const stream = engine.dockerStart('stats', '--format', '{{.ID}}', id);
      await stream.waitFor(new RegExp(id.slice(0, 12)));
      stream.kill('SIGKILL');
      await stream.exited;
    });
  });

  test('that is stopped has zero statistics', async () => {
    const id = await engine.dockerOk('create', 'busybox', 'true');
    const { json } = await engine.api<DockerStats>('GET', `/containers/${id}/stats?stream=0`);
    expect(json).toMatchObject({ read: '0001-01-01T00:00:00Z', memory_stats: {}, pids_stats: {} });
    await engine.dockerOk('rm', id);
  });

  test('stands still while it is paused', async () => {
    await inBackground(['busybox', 'sh', '-c', 'while :; do :; done'], async (id) => {
      const usage = async (): Promise<number> =>
        (await engine.api<DockerStats>('GET', `/containers/${id}/stats?stream=0`)).json.cpu_stats.cpu_usage
          .total_usage;
      await engine.dockerOk('pause', id);
      const paused = await usage();
      expect(await usage()).toBe(paused);
      await engine.dockerOk('unpause', id);
      expect(await usage()).toBeGreaterThan(paused);
    });
  });

  test('lists its processes, and no one else', async () => {
    await inBackground(['busybox', 'sh', '-c', 'sleep 998 & sleep 999'], async (id) => {
      await expect
        .poll(async () => (await engine.dockerOk('top', id)).match(/\d +sleep 99[89]$/gm))
        .toHaveLength(2);
      const lines = (await engine.dockerOk('top', id, '-o', 'pid,comm')).split('\n');
      expect(lines[0]).toMatch(/^PID\s+COMMAND/);
      expect(lines).toHaveLength(3);
      const refused = await engine.docker('top', id, '-ef;id');
      expect(refused.code).not.toBe(0);
    });
  });
});
