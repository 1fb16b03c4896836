import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';

const MISSING = '/nonexistent/runtime';
/** Our own, by its OCI command line. */
const OWN = fileURLToPath(new URL('../../build/bin/gantry-runc', import.meta.url));

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ flags: ['--add-runtime', `gone=${MISSING}`, '--add-runtime', `own=${OWN}`] });
});
afterAll(() => engine.stop());

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log(`skipped: ${command} is not installed`);
    return false;
  }
}

const runtimes = ['gantry', 'own', ...['runc', 'crun'].filter(isInstalled)];

/** What every runtime must give a container, the built-in one and others alike. */
describe.each(runtimes)('a container of %s', (runtime) => {
  const run = (...args: string[]): Promise<string> =>
    engine.dockerOk('run', '--rm', '--runtime', runtime, ...args);
  const shell = (script: string): string[] => ['busybox', 'sh', '-c', script];

  async function inBackground(args: string[], work: (id: string) => Promise<void>): Promise<void> {
    const id = await engine.dockerOk('run', '-d', '--runtime', runtime, ...args);
    try {
      await work(id);
    } finally {
      await engine.dockerOk('rm', '-f', id);
    }
  }

  test('has its streams, exit code, name and address', async () => {
    const flags = ['-i', '--rm', '--runtime', runtime, '--hostname', 'named'];
    const result = await engine.dockerWithInput(
      'from stdin\n',
      'run',
      ...flags,
      ...shell('cat; hostname; ip -o -4 addr show eth0; echo wrong >&2; exit 7'),
    );
    expect(result.code).toBe(7);
    expect(result.stdout).toMatch(/^from stdin\nnamed\n.*inet \d+\.\d+\.\d+\.\d+\/24/);
    expect(result.stderr).toContain('wrong');
  });

  test('keeps its log, is waited for and told in inspect', async () => {
    const id = await engine.dockerOk('run', '-d', '--runtime', runtime, ...shell('echo logged; exit 4'));
    expect(await engine.dockerOk('wait', id)).toBe('4');
    expect(await engine.dockerOk('logs', id)).toBe('logged');
    expect(await engine.dockerOk('inspect', id, '-f', '{{.HostConfig.Runtime}} {{.State.Status}}')).toBe(
      `${runtime} exited`,
    );
    await engine.dockerOk('start', '-a', id).catch((error: unknown) => expect(String(error)).toContain('4'));
    await engine.dockerOk('rm', id);
  });

  test('runs execs with streams, exit codes, users and directories', async () => {
    await inBackground(['-e', 'GIVEN=here', 'busybox', 'sleep', '1000'], async (id) => {
      const flags = '-i -u 3:4 -w /tmp -e MORE=too'.split(' ');
      const script = 'cat; id -u; id -g; pwd; echo $GIVEN $MORE; exit 5';
      const result = await engine.dockerWithInput('input', 'exec', ...flags, id, 'sh', '-c', script);
      expect(result).toMatchObject({ code: 5, stdout: 'input3\n4\n/tmp\nhere too\n' });
      expect((await engine.docker('exec', id, 'not-there')).code).toBe(127);
      const stranger = await engine.docker('exec', '-u', 'stranger', id, 'true');
      expect(stranger.stdout).toBe('unable to find user stranger: no matching entries in passwd file\r\n');
      expect(stranger.code).toBe(126);
      await engine.dockerOk('exec', '-d', id, 'touch', '/detached');
      await expect
        .poll(() => engine.docker('exec', id, 'test', '-e', '/detached'))
        .toMatchObject({ code: 0 });
    });
  });

  test('has a terminal of the right size, for PID 1 and for an exec', async () => {
    const main = engine.dockerTerminal(
      'run',
      '-it',
      '--rm',
      '--runtime',
      runtime,
      ...shell('tty; stty size; read x'),
    );
    expect(await main.waitFor(/24 80/)).toMatch(/\/dev\/(pts\/0|console)/);
    main.write('\r');
    expect((await main.exited).code).toBe(0);
    await inBackground(['busybox', 'sleep', '1000'], async (id) => {
      const exec = engine.dockerTerminal(
        'exec',
        '-it',
        id,
        'sh',
        '-c',
        'tty; until stty size 2>/dev/null | grep 24; do sleep 0.05; done',
      );
      expect((await exec.exited).stdout).toMatch(/\/dev\/pts\/0\s+24 80/);
    });
  });

  test('is confined alike', async () => {
    const status = await run('busybox', 'cat', '/proc/self/status');
    expect(status).toMatch(/^CapInh:\s*0+$/m);
    expect(status).toMatch(/^CapBnd:\s*00000000a80425fb$/m);
    expect(status).toMatch(/^Seccomp:\s*2$/m);
    const dropped = await run(
      '--user',
      '1000:1000',
      '--security-opt',
      'no-new-privileges',
      ...shell('grep -E "CapEff|NoNewPrivs|^Uid" /proc/self/status'),
    );
    expect(dropped).toMatch(/Uid:\s*1000[^]*CapEff:\s*0+\nNoNewPrivs:\s*1/);
    const { code } = await engine.docker(
      'run',
      '--rm',
      '--runtime',
      runtime,
      '--read-only',
      ...shell('echo x > /file'),
    );
    expect(code).toBe(1);
    expect(
      await run(
        ...shell('cat /proc/kcore | wc -c; ls /sys/firmware | wc -l; mount | grep -c "/proc/sys .*ro"'),
      ),
    ).toBe('0\n0\n1');
  });

  test('has limits in its cgroup, and stats, top and pause read them', async () => {
    await inBackground(['--memory', '64m', '--pids-limit', '40', 'busybox', 'sleep', '1000'], async (id) => {
      const read = async () => {
        const path = `/containers/${id}/stats?stream=0&one-shot=1`;
        const { json } = await engine.api<{ memory_stats: object; pids_stats: object }>('GET', path);
        return json;
      };
      expect(await read()).toMatchObject({ memory_stats: { limit: 64 << 20 } });
      // Until its process executes, it is the runtime's with all its threads.
      await expect.poll(read).toMatchObject({ pids_stats: { current: 1 } });
      await engine.dockerOk('update', '--memory', '128m', '--memory-swap', '256m', id);
      expect(await read()).toMatchObject({ memory_stats: { limit: 128 << 20 } });
      expect(await engine.dockerOk('top', id)).toContain('sleep 1000');
      await engine.dockerOk('pause', id);
      expect(await engine.dockerOk('inspect', id, '-f', '{{.State.Status}}')).toBe('paused');
      await engine.dockerOk('unpause', id);
      expect(await engine.dockerOk('exec', id, 'echo', 'thawed')).toBe('thawed');
    });
  });

  test('is killed by the OOM killer with the reason told', async () => {
    const limits = ['--memory', '16m', '--memory-swap', '16m'];
    const id = await engine.dockerOk(
      'create',
      '--runtime',
      runtime,
      ...limits,
      'busybox',
      'tail',
      '/dev/zero',
    );
    await engine.docker('start', '-a', id);
    expect(await engine.dockerOk('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}}', id)).toBe(
      '137 true',
    );
    await engine.dockerOk('rm', id);
  });

  test('has binds, volumes, tmpfs and devices', async () => {
    const source = mkdtempSync(path.join(os.tmpdir(), 'gantry-bind-'));
    const mounts = [
      '-v',
      `${source}:/host`,
      '-v',
      '/volume',
      '--tmpfs',
      '/scratch:size=1m',
      '--device',
      '/dev/fuse',
    ];
    const script =
      'echo written > /host/file; touch /volume/v; df -k /scratch | tail -1; ls -l /dev/fuse; mount | grep -c "^shm on /dev/shm"; cat /etc/hosts | wc -l';
    try {
      const output = await run(...mounts, ...shell(script));
      expect(output).toMatch(/1024[^]*10, 229.*\n1\n/);
      expect(readFileSync(path.join(source, 'file'), 'utf8')).toBe('written\n');
    } finally {
      rmSync(source, { recursive: true });
    }
  });

  test('has an init, sysctls and a shared network', async () => {
    expect(await run('--init', ...shell('cat /proc/1/comm; sleep 0 & wait; echo done'))).toMatch(/\ndone$/);
    const sysctl = ['--sysctl', 'net.ipv4.conf.eth0.rp_filter=2'];
    await inBackground([...sysctl, 'busybox', 'sleep', '1000'], async (id) => {
      expect(await engine.dockerOk('exec', id, 'cat', '/proc/sys/net/ipv4/conf/eth0/rp_filter')).toBe('2');
      const own = await engine.dockerOk('exec', id, 'ip', '-o', '-4', 'addr', 'show', 'eth0');
      expect(
        await run('--network', `container:${id}`, 'busybox', 'ip', '-o', '-4', 'addr', 'show', 'eth0'),
      ).toBe(own);
    });
    expect(await run('--network', 'none', 'busybox', 'ip', '-o', 'addr')).toMatch(/^1: lo /);
  });

  test('takes signals, stops, and lives through SIGKILL of the engine', async () => {
    const trap = 'trap "echo got; exit 9" TERM; while :; do sleep 0.05; done';
    await inBackground(['--name', `survivor-${runtime}`, ...shell(trap)], async (id) => {
      const pid = await engine.dockerOk('inspect', id, '-f', '{{.State.Pid}}');
      await engine.kill9();
      await engine.restart();
      expect(await engine.dockerOk('inspect', id, '-f', '{{.State.Pid}} {{.State.Status}}')).toBe(
        `${pid} running`,
      );
      expect(await engine.dockerOk('exec', id, 'echo', 'again')).toBe('again');
      await engine.dockerOk('stop', id);
      expect(await engine.dockerOk('inspect', id, '-f', '{{.State.ExitCode}}')).toBe('9');
      expect(await engine.dockerOk('logs', id)).toBe('got');
      expect(isAlive(Number(pid))).toBe(false);
    });
  });

  test.each(['running', 'paused'])('is reported dead and ended when its shim is killed, %s', async (how) => {
    await inBackground(['busybox', 'sleep', '1000'], async (id) => {
      const pid = await engine.dockerOk('inspect', id, '-f', '{{.State.Pid}}');
      if (how === 'paused') await engine.dockerOk('pause', id);
      const shim = readFileSync(path.join(engine.runRoot, 'containers', id, 'shim.pid'), 'utf8');
      process.kill(Number(shim), 'SIGKILL');
      const state = () => engine.dockerOk('inspect', id, '-f', '{{.State.Status}} {{.State.ExitCode}}');
      await expect.poll(state).toBe('exited 137');
      await expect.poll(() => isAlive(Number(pid))).toBe(false);
    });
  });

  test('that cannot start says why and leaves nothing', async () => {
    const { code, stderr } = await engine.docker('run', '--rm', '--runtime', runtime, 'busybox', 'not-there');
    expect(code).toBe(127);
    expect(stderr).toMatch(/not-there.*not found/);
    expect((await engine.docker('run', '--rm', '--runtime', runtime, 'busybox', '/etc/passwd')).code).toBe(
      126,
    );
  });
});

describe('the choice of a runtime', () => {
  test('info lists what is there', async () => {
    const { json } = await engine.api<{ Runtimes: object; DefaultRuntime: string }>('GET', '/info');
    expect(json.DefaultRuntime).toBe('gantry');
    expect(Object.keys(json.Runtimes)).toEqual(expect.arrayContaining([...runtimes, 'gone']));
    expect(json.Runtimes).toMatchObject({ gone: { path: MISSING } });
  });

  test('an unknown name is refused at create', async () => {
    const body = { Image: 'busybox', Cmd: ['true'], HostConfig: { Runtime: 'kata' } };
    const reply = await engine.api<{ message: string }>('POST', '/containers/create', body);
    expect(reply.status).toBe(400);
    expect(reply.json.message).toBe('unknown or invalid runtime name: kata');
  });

  test('a configured one that is missing is told at start', async () => {
    const { code, stderr } = await engine.docker('run', '--rm', '--runtime', 'gone', 'busybox', 'true');
    expect(code).toBe(127);
    expect(stderr).toContain(`exec: "${MISSING}": stat ${MISSING}: no such file or directory`);
  });
});
