import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShimStageError } from '../runtime/runtime.ts';
import { OUTPUT, SIGKILL, SIGTERM, sh, run, startIdle, stop, failure, hasCgroup } from './runtime-driver.ts';
import { createRuntimeFixture, DEFAULT_CAPABILITIES, readLog, readUntil } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;

beforeAll(async () => {
  fixture = await createRuntimeFixture();
});

afterAll(async () => {
  await fixture.dispose();
});

describe('a container', () => {
  it('runs its command and reports output, log and exit code', async () => {
    const result = await run(fixture, sh('echo out; echo err >&2; exit 7'));
    expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\n', code: 7 });
    const log = await readLog(result.plan);
    expect(log.map(({ log, stream }) => [stream, log])).toEqual(
      expect.arrayContaining([
        ['stdout', 'out\n'],
        ['stderr', 'err\n'],
      ]),
    );
  });

  it('has namespaces, host name and process 1 of its own', async () => {
    const result = await run(
      fixture,
      sh(
        'echo $$; hostname; for n in mnt uts ipc net pid cgroup; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup',
      ),
    );
    const lines = result.stdout.split('\n');
    expect(lines[0]).toBe('1');
    expect(lines[1]).toBe(result.plan.hostname);
    expect(result.stdout).toMatch(/^\d+:(pids)?:\/$/m);
  });

  it('shares no namespace with the host unless asked to', async () => {
    const { plan, shim } = await startIdle(fixture);
    const namespaceOf = (pid: number | string, name: string): string =>
      execFileSync('readlink', [`/proc/${pid}/ns/${name}`]).toString();
    for (const name of ['mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup'])
      expect(namespaceOf(shim.pid, name), name).not.toBe(namespaceOf('self', name));
    const second = await startIdle(fixture, {
      namespaces: {
        ...plan.namespaces,
        network: { kind: 'join', pid: shim.pid },
        pid: { kind: 'join', pid: shim.pid },
        ipc: { kind: 'host' },
        uts: { kind: 'host' },
      },
    });
    for (const name of ['net', 'pid'])
      expect(namespaceOf(second.shim.pid, name), name).toBe(namespaceOf(shim.pid, name));
    for (const name of ['ipc', 'uts'])
      expect(namespaceOf(second.shim.pid, name), name).toBe(namespaceOf('self', name));
    await stop(second.shim);
    await stop(shim);
  });

  it("keeps none of the runtime's descriptors and leaves nothing behind", async () => {
    const result = await run(fixture, sh('ls /proc/self/fd; cat /proc/self/mounts'));
    expect(result.stdout.startsWith('0\n1\n2\n3\n')).toBe(true);
    expect(result.stdout).not.toMatch(/^4$/m);
    expect(hasCgroup(result.plan)).toBe(false);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(fixture.directory);
    expect(readdirSync(result.plan.runDirectory)).toEqual(['exit.json']);
  });

  it('masks and protects what the plan says', async () => {
    const result = await run(
      fixture,
      sh('wc -c < /proc/keys; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/shmmni || echo refused'),
    );
    expect(result.stdout).toBe('0\n0\nrefused\n');
  });

  it('writes sysctls into its own namespaces', async () => {
    const result = await run(fixture, sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni'), {
      sysctls: [
        { name: 'net.ipv4.ip_forward', value: '1' },
        { name: 'kernel.shmmni', value: '1234' },
      ],
    });
    expect(result.stdout).toBe('1\n1234\n');
    expect(readFileSync('/proc/sys/kernel/shmmni', 'utf8')).not.toBe('1234\n');
  });

  it('binds files and directories, makes missing targets, honours read-only', async () => {
    const source = path.join(fixture.directory, 'bind');
    await mkdir(source);
    await writeFile(path.join(source, 'file'), 'bound\n');
    const bind = { kind: 'bind' as const, recursive: true, flags: [], propagation: 'rprivate' as const };
    const plan = await fixture.plan([]);
    const result = await run(
      fixture,
      sh('cat /a/b/file /etc/one; touch /a/b/x 2>/dev/null || echo refused; touch /w/made'),
      {
        mounts: [
          ...plan.mounts,
          { ...bind, source, target: '/a/b', readonly: true, create: 'directory' },
          { ...bind, source: path.join(source, 'file'), target: '/etc/one', readonly: false, create: 'file' },
          { ...bind, source, target: '/w', readonly: false, create: 'directory' },
        ],
      },
    );
    expect(result.stdout).toBe('bound\nbound\nrefused\n');
    expect(existsSync(path.join(source, 'made'))).toBe(true);
  });

  it('refuses a bind over /proc', async () => {
    const plan = await fixture.plan([]);
    const refused = await failure(fixture, ['true'], {
      mounts: [
        ...plan.mounts,
        {
          kind: 'bind',
          source: '/tmp',
          target: '/proc/sys',
          recursive: true,
          readonly: false,
          flags: [],
          propagation: 'rprivate',
          create: 'directory',
        },
      ],
    });
    expect(refused).toMatchObject({ stage: 'mount', errno: 'EPERM' });
    expect(hasCgroup(refused.plan)).toBe(false);
  });

  it("never follows the image's symlinks out of its root", async () => {
    const evil = path.join(fixture.directory, 'evil');
    const outside = path.join(fixture.directory, 'outside');
    await mkdir(evil);
    await mkdir(outside);
    execFileSync('ln', ['-s', outside, path.join(evil, 'escape')]);
    const plan = await fixture.plan([]);
    const result = await run(fixture, sh('ls /escape/ > /dev/null; echo done'), {
      rootfs: { ...plan.rootfs, lower: [evil, ...plan.rootfs.lower] },
      mounts: [
        ...plan.mounts,
        { kind: 'filesystem', type: 'tmpfs', target: '/escape/made', flags: [], data: '' },
      ],
    }).catch((error: unknown) => error);
    expect(readdirSync(outside)).toEqual([]);
    expect(result instanceof ShimStageError || (result as { code: number }).code === 0).toBe(true);
    const linked = path.join(fixture.directory, 'linked-dev');
    await mkdir(linked);
    execFileSync('ln', ['-s', outside, path.join(linked, 'dev')]);
    const refused = await failure(fixture, ['true'], {
      rootfs: { ...plan.rootfs, lower: [linked, ...plan.rootfs.lower] },
    });
    expect(refused).toMatchObject({ stage: 'mount', errno: 'ELOOP' });
    expect(readdirSync(outside)).toEqual([]);
  });

  it('can have a read-only root and a made working directory', async () => {
    const plan = await fixture.plan([]);
    const result = await run(fixture, sh('pwd; touch /x 2>/dev/null || echo refused'), {
      rootfs: { ...plan.rootfs, readonly: true },
      process: { cwd: '/srv/app/data' },
    });
    expect(result.stdout).toBe('/srv/app/data\nrefused\n');
  });

  it("copies an image's files into a tmpfs when asked", async () => {
    const plan = await fixture.plan([]);
    const result = await run(fixture, sh('cat /etc/passwd | head -n 1; touch /etc/x && echo writable'), {
      rootfs: { ...plan.rootfs, readonly: true },
      mounts: [
        ...plan.mounts,
        { kind: 'filesystem', type: 'tmpfs', target: '/etc', flags: [], data: 'mode=755', copyUp: true },
      ],
    });
    expect(result.stdout).toBe('root:x:0:0:root:/root:/bin/sh\nwritable\n');
  });

  it("runs as the user of the image's passwd with its groups and home", async () => {
    const script = sh('id -u; id -g; id -G; echo $HOME; grep -E "Cap(Inh|Eff|Bnd)" /proc/self/status');
    const alice = await run(fixture, script, { process: { user: 'alice' } });
    expect(alice.stdout).toContain('1000\n1001\n1001 50\n/home/alice\n');
    expect(alice.stdout).toMatch(/CapInh:\s0+\n/);
    expect(alice.stdout).toMatch(/CapEff:\s0+\n/);
    expect(alice.stdout).toContain(DEFAULT_CAPABILITIES.toString(16));
    const numeric = await run(fixture, sh('id -u; id -g; id -G'), {
      process: { user: '4242:77', additionalGroups: ['staff', '9'] },
    });
    expect(numeric.stdout).toBe(
      '4242\n77\n77 9 50\n'.replace('77 9 50', numeric.stdout.split('\n')[2] ?? ''),
    );
    expect(numeric.stdout.split('\n')[2]?.split(' ').sort()).toEqual(['50', '77', '9']);
  });

  it('applies limits, oom score, no_new_privs and a seccomp filter', async () => {
    // A filter of one instruction: allow.
    const allow = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);
    const result = await run(
      fixture,
      sh('umask; ulimit -n; cat /proc/self/oom_score_adj; grep -E "NoNewPrivs|Seccomp:" /proc/self/status'),
      {
        process: {
          rlimits: [{ resource: 7, soft: 123n, hard: 456n }],
          oomScoreAdj: 321,
          noNewPrivileges: true,
          seccomp: allow,
        },
      },
    );
    expect(result.stdout).toMatch(/^0022\n123\n321\nNoNewPrivs:\s1\nSeccomp:\s2\n$/);
  });

  it('is told by 128 + N that a signal ended it', async () => {
    const { shim, plan } = await startIdle(fixture);
    await shim.kill(SIGKILL);
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 137, signal: 9, oomKilled: false });
    expect(hasCgroup(plan)).toBe(false);
  });

  it("loses its whole process tree to killAll, also in the host's pid namespace", async () => {
    const base = await fixture.plan([]);
    const plan = await fixture.plan(sh('setsid sleep 1000 & echo ready; wait'), {
      namespaces: { ...base.namespaces, pid: { kind: 'host' } },
    });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    await readUntil(stream, 'ready');
    await shim.killAll();
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 137 });
    expect(hasCgroup(plan)).toBe(false);
  });

  it('has a built-in init that reaps orphans and forwards signals', async () => {
    const plan = await fixture.plan(
      sh('trap "echo got; exit 3" TERM; echo $$; while :; do sleep 0.1; done'),
      { init: true },
    );
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    await readUntil(stream, '2\n');
    expect(readFileSync(`/proc/${shim.pid}/cmdline`, 'utf8').replaceAll('\0', '')).toBe('gantry-init');
    await shim.kill(SIGTERM);
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 3, signal: 0 });
  });

  it('reaches its bridge with the planned address and default route', async () => {
    const subnet = randomBytes(1)[0] ?? 0;
    const bridge = `gt${randomBytes(4).toString('hex')}`;
    execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge']);
    try {
      execFileSync('ip', ['addr', 'add', `10.231.${subnet}.1/24`, 'dev', bridge]);
      execFileSync('ip', ['link', 'set', bridge, 'up']);
      const result = await run(
        fixture,
        sh(`ip addr show eth0; ip route; ping -c 1 -w 5 10.231.${subnet}.1 >/dev/null && echo reached`),
        {
          interfaces: [
            {
              kind: 'veth',
              mode: 0,
              hostName: `v${randomBytes(4).toString('hex')}`,
              link: bridge,
              containerName: 'eth0',
              mac: '02:42:0a:e7:00:02',
              mtu: 1400,
              addresses: [`10.231.${subnet}.2/24`],
              gateway4: `10.231.${subnet}.1`,
              gateway6: '',
              sysctls: [],
            },
          ],
        },
      );
      expect(result.stdout).toContain('mtu 1400');
      expect(result.stdout).toContain('02:42:0a:e7:00:02');
      expect(result.stdout).toContain(`inet 10.231.${subnet}.2/24 brd 10.231.${subnet}.255`);
      expect(result.stdout).toContain(`default via 10.231.${subnet}.1 dev eth0`);
      expect(result.stdout).toContain('reached');
    } finally {
      execFileSync('ip', ['link', 'del', bridge]);
    }
  });
});

describe('a container that cannot start', () => {
  it.each([
    [['nope'], 'ENOENT', 'exec: "nope": executable file not found in $PATH'],
    [['/bin/nope'], 'ENOENT', 'exec: "/bin/nope": stat /bin/nope: no such file or directory'],
    [['/etc/not-executable'], 'EACCES', 'exec: "/etc/not-executable": permission denied'],
    [['/etc'], 'EISDIR', 'exec: "/etc": is a directory'],
  ])('explains %j as Docker does', async (argv, errno, message) => {
    const refused = await failure(fixture, argv);
    expect(refused).toMatchObject({ stage: 'exec', errno, message });
    expect(hasCgroup(refused.plan)).toBe(false);
  });

  it('explains an unknown user and group as Docker does', async () => {
    expect(await failure(fixture, ['true'], { process: { user: 'bob' } })).toMatchObject({
      stage: 'user',
      message: 'unable to find user bob: no matching entries in passwd file',
    });
    expect(await failure(fixture, ['true'], { process: { user: 'root:crew' } })).toMatchObject({
      stage: 'user',
      message: 'unable to find group crew: no matching entries in group file',
    });
  });

  it('reports a file that the kernel cannot execute from start()', async () => {
    const layer = path.join(fixture.directory, 'broken');
    await mkdir(layer);
    await writeFile(path.join(layer, 'broken'), 'not a program');
    await chmod(path.join(layer, 'broken'), 0o755);
    const plan = await fixture.plan([]);
    const refused = await failure(fixture, ['/broken'], {
      rootfs: { ...plan.rootfs, lower: [layer, ...plan.rootfs.lower] },
    });
    expect(refused).toMatchObject({
      stage: 'exec',
      errno: 'ENOEXEC',
      message: 'exec /broken: exec format error',
    });
    expect(hasCgroup(refused.plan)).toBe(false);
  });

  it('names the layer that is missing', async () => {
    const plan = await fixture.plan([]);
    expect(
      await failure(fixture, ['true'], { rootfs: { ...plan.rootfs, lower: ['/no/such/layer'] } }),
    ).toMatchObject({
      stage: 'rootfs',
      errno: 'ENOENT',
    });
  });
});
