import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerPlan } from '../runtime/plan.ts';
import { ShimStageError } from '../runtime/runtime.ts';
import type { Shim } from '../runtime/runtime.ts';
import {
  createRuntimeFixture,
  DEFAULT_CAPABILITIES,
  execPlan,
  readAll,
  readFrames,
  readLog,
  readUntil,
} from './runtime-fixture.ts';
import type { PlanChange, RuntimeFixture } from './runtime-fixture.ts';

const OUTPUT = { stdin: false, stdout: true, stderr: true };
const EVERYTHING = { stdin: true, stdout: true, stderr: true };
const SIGKILL = 9;
const SIGTERM = 15;
const CAP_SYS_RESOURCE = 24n;

let fixture: RuntimeFixture;

beforeAll(async () => {
  fixture = await createRuntimeFixture();
});

afterAll(async () => {
  await fixture.dispose();
});

/** Runs a container to its end with its output attached from the start. */
async function run(
  argv: string[],
  change: PlanChange = {},
): Promise<{ stdout: string; stderr: string; code: number | undefined; plan: ContainerPlan; shim: Shim }> {
  const plan = await fixture.plan(argv, change);
  const shim = await fixture.runtime.create(plan);
  const output = readFrames(await shim.attach(OUTPUT));
  await shim.start();
  const record = await shim.exited;
  return { ...(await output), code: record?.exitCode, plan, shim };
}

const sh = (script: string): string[] => ['sh', '-c', script];

/** A container that runs until it is killed. */
async function startIdle(change: PlanChange = {}): Promise<{ plan: ContainerPlan; shim: Shim }> {
  const plan = await fixture.plan(['sleep', '1000'], change);
  const shim = await fixture.runtime.create(plan);
  await shim.start();
  return { plan, shim };
}

async function stop(shim: Shim): Promise<void> {
  await shim.kill(SIGKILL);
  await shim.exited;
}

async function failure(
  argv: string[],
  change: PlanChange = {},
): Promise<ShimStageError['failure'] & { plan: ContainerPlan }> {
  const plan = await fixture.plan(argv, change);
  const error: unknown = await fixture.runtime
    .create(plan)
    .then(
      (shim) => shim.start(),
      (reason: unknown) => {
        throw reason;
      },
    )
    .catch((reason: unknown) => reason);
  if (!(error instanceof ShimStageError)) throw new Error(`expected a stage error, got ${String(error)}`);
  return { ...error.failure, plan };
}

async function execute(
  shim: Shim,
  argv: string[],
  change: Parameters<typeof execPlan>[1] = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  const running = await shim.exec(execPlan(argv, change), { ...OUTPUT, detach: false });
  if (!running.stdio) throw new Error('no stdio');
  const output = await readFrames(running.stdio);
  return { ...output, code: await running.exited };
}

function hasCgroup(plan: ContainerPlan): boolean {
  return plan.cgroup.directories.some((directory) => directory.endsWith(plan.id) && existsSync(directory));
}

describe('a container', () => {
  it('runs its command and reports output, log and exit code', async () => {
    const result = await run(sh('echo out; echo err >&2; exit 7'));
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
      sh(
        'echo $$; hostname; for n in mnt uts ipc net pid cgroup; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup',
      ),
    );
    const lines = result.stdout.split('\n');
    expect(lines[0]).toBe('1');
    expect(lines[1]).toBe(result.plan.hostname);
    expect(result.stdout).toMatch(/pids:\/$/m);
  });

  it('shares no namespace with the host unless asked to', async () => {
    const { plan, shim } = await startIdle();
    const namespaceOf = (pid: number | string, name: string): string =>
      execFileSync('readlink', [`/proc/${pid}/ns/${name}`]).toString();
    for (const name of ['mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup'])
      expect(namespaceOf(shim.pid, name), name).not.toBe(namespaceOf('self', name));
    const second = await startIdle({
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
    const result = await run(sh('ls /proc/self/fd; cat /proc/self/mounts'));
    expect(result.stdout.startsWith('0\n1\n2\n3\n')).toBe(true);
    expect(result.stdout).not.toMatch(/^4$/m);
    expect(hasCgroup(result.plan)).toBe(false);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(fixture.directory);
    expect(readdirSync(result.plan.runDirectory)).toEqual(['exit.json']);
  });

  it('masks and protects what the plan says', async () => {
    const result = await run(
      sh('wc -c < /proc/keys; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/shmmni || echo refused'),
    );
    expect(result.stdout).toBe('0\n0\nrefused\n');
  });

  it('writes sysctls into its own namespaces', async () => {
    const result = await run(sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni'), {
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
    const refused = await failure(['true'], {
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
    const result = await run(sh('ls /escape/ > /dev/null; echo done'), {
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
    const refused = await failure(['true'], {
      rootfs: { ...plan.rootfs, lower: [linked, ...plan.rootfs.lower] },
    });
    expect(refused).toMatchObject({ stage: 'mount', errno: 'ELOOP' });
    expect(readdirSync(outside)).toEqual([]);
  });

  it('can have a read-only root and a made working directory', async () => {
    const plan = await fixture.plan([]);
    const result = await run(sh('pwd; touch /x 2>/dev/null || echo refused'), {
      rootfs: { ...plan.rootfs, readonly: true },
      process: { cwd: '/srv/app/data' },
    });
    expect(result.stdout).toBe('/srv/app/data\nrefused\n');
  });

  it("copies an image's files into a tmpfs when asked", async () => {
    const plan = await fixture.plan([]);
    const result = await run(sh('cat /etc/passwd | head -n 1; touch /etc/x && echo writable'), {
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
    const alice = await run(script, { process: { user: 'alice' } });
    expect(alice.stdout).toContain('1000\n1001\n1001 50\n/home/alice\n');
    expect(alice.stdout).toMatch(/CapInh:\s0+\n/);
    expect(alice.stdout).toMatch(/CapEff:\s0+\n/);
    expect(alice.stdout).toContain(DEFAULT_CAPABILITIES.toString(16));
    const numeric = await run(sh('id -u; id -g; id -G'), {
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
    const { shim, plan } = await startIdle();
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
        sh(`ip addr show eth0; ip route; ping -c 1 -w 5 10.231.${subnet}.1 >/dev/null && echo reached`),
        {
          interfaces: [
            {
              hostName: `v${randomBytes(4).toString('hex')}`,
              bridge,
              containerName: 'eth0',
              mac: '02:42:0a:e7:00:02',
              mtu: 1400,
              addresses: [`10.231.${subnet}.2/24`],
              gateway4: `10.231.${subnet}.1`,
              gateway6: '',
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
    const refused = await failure(argv);
    expect(refused).toMatchObject({ stage: 'exec', errno, message });
    expect(hasCgroup(refused.plan)).toBe(false);
  });

  it('explains an unknown user and group as Docker does', async () => {
    expect(await failure(['true'], { process: { user: 'bob' } })).toMatchObject({
      stage: 'user',
      message: 'unable to find user bob: no matching entries in passwd file',
    });
    expect(await failure(['true'], { process: { user: 'root:crew' } })).toMatchObject({
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
    const refused = await failure(['/broken'], {
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
    expect(await failure(['true'], { rootfs: { ...plan.rootfs, lower: ['/no/such/layer'] } })).toMatchObject({
      stage: 'rootfs',
      errno: 'ENOENT',
    });
  });
});

describe('standard streams', () => {
  it('carry stdin to its end and back', async () => {
    const plan = await fixture.plan(['cat'], { process: { openStdin: true, stdinOnce: true } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    const sent = randomBytes(300_000).toString('hex');
    stream.end(sent);
    const { stdout } = await readFrames(stream);
    expect(stdout === sent).toBe(true);
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('stay open when a client leaves and stdin is not once only', async () => {
    const plan = await fixture.plan(['cat'], { process: { openStdin: true } });
    const shim = await fixture.runtime.create(plan);
    await shim.start();
    const first = await shim.attach(EVERYTHING);
    first.write('one\n');
    await readUntil(first, 'one');
    first.end();
    const second = await shim.attach(EVERYTHING);
    second.write('two\n');
    expect(await readUntil(second, 'two')).not.toContain('one');
    await stop(shim);
  });

  it("are a terminal of the container's own devpts that can be resized", async () => {
    const plan = await fixture.plan(
      sh('tty; ls -l /dev/console | head -c 1; stty size; read line; stty size; echo "$line"'),
      {
        process: { tty: true, openStdin: true, stdinOnce: true, rows: 24, columns: 80 },
      },
    );
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    const before = await readUntil(stream, '24 80');
    expect(before).toContain('/dev/pts/0\r\nc24 80');
    await shim.resize(50, 132);
    stream.write('typed\n');
    const after = (await readAll(stream)).toString();
    expect(after).toContain('50 132\r\ntyped');
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('wait for a slow client without losing a byte', async () => {
    const plan = await fixture.plan(sh('head -c 8000000 /dev/zero; echo end >&2'), {
      log: { driver: 'none' },
    });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    // The exit can be told only when all but a client's buffer was taken.
    const first = await Promise.race([
      shim.exited.then(() => 'exit'),
      new Promise((resolve) => stream.once('readable', () => resolve('data'))),
    ]);
    expect(first).toBe('data');
    const { stdout, stderr } = await readFrames(stream);
    expect(stdout.length).toBe(8_000_000);
    expect(stderr).toBe('end\n');
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 0 });
  });

  it('do not stop when a client disappears', async () => {
    const plan = await fixture.plan(sh('head -c 8000000 /dev/zero; exit 4'), { log: { driver: 'none' } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(OUTPUT);
    await shim.start();
    stream.destroy();
    await expect(shim.exited).resolves.toMatchObject({ exitCode: 4 });
  });

  it('are logged with rotation', async () => {
    const base = await fixture.plan([]);
    if (base.log.driver !== 'json-file') throw new Error('unexpected driver');
    const log = { ...base.log, maxBytes: 4096, maxFiles: 3 };
    await run(sh('seq 1 500'), { log });
    const lines = [`${log.path}.2`, `${log.path}.1`, log.path].flatMap((file) =>
      readFileSync(file, 'utf8').split('\n').filter(Boolean),
    );
    const numbers = lines.map((line) => Number((JSON.parse(line) as { log: string }).log));
    expect(numbers.at(-1)).toBe(500);
    expect(numbers).toEqual(
      Array.from({ length: numbers.length }, (_, index) => 500 - numbers.length + 1 + index),
    );
    expect(existsSync(`${log.path}.3`)).toBe(false);
  });
});

describe('an exec', () => {
  it('runs beside PID 1 in the same namespaces and cgroup', async () => {
    const { shim, plan } = await startIdle();
    const result = await execute(
      shim,
      sh('echo out; echo err >&2; hostname; ps | wc -l; cat /proc/self/cgroup; exit 9'),
    );
    expect(result.code).toBe(9);
    expect(result.stderr).toBe('err\n');
    expect(result.stdout).toContain(`out\n${plan.hostname}\n`);
    expect(result.stdout).toMatch(/pids:\/$/m);
    await stop(shim);
  });

  it('takes stdin, a terminal, a user and a working directory', async () => {
    const { shim } = await startIdle();
    const cat = await shim.exec(execPlan(['cat'], { openStdin: true, stdinOnce: true }), {
      ...EVERYTHING,
      detach: false,
    });
    cat.stdio?.end('through');
    if (!cat.stdio) throw new Error('no stdio');
    expect((await readFrames(cat.stdio)).stdout).toBe('through');
    expect(await cat.exited).toBe(0);
    const tty = await shim.exec(
      execPlan(sh('tty; stty size; id -un; pwd; read x; stty size'), {
        tty: true,
        openStdin: true,
        rows: 10,
        columns: 20,
        user: 'alice',
        cwd: '/tmp',
      }),
      { ...EVERYTHING, detach: false },
    );
    if (!tty.stdio) throw new Error('no stdio');
    expect(await readUntil(tty.stdio, '/tmp')).toBe('/dev/pts/0\r\n10 20\r\nalice\r\n/tmp\r\n');
    await tty.resize(11, 22);
    tty.stdio.write('\n');
    expect((await readAll(tty.stdio)).toString()).toContain('11 22');
    expect(await tty.exited).toBe(0);
    await stop(shim);
  });

  it('explains what it cannot run and leaves the container alone', async () => {
    const { shim } = await startIdle();
    await expect(shim.exec(execPlan(['nope']), { ...OUTPUT, detach: false })).rejects.toMatchObject({
      failure: {
        stage: 'exec',
        errno: 'ENOENT',
        message: 'exec: "nope": executable file not found in $PATH',
      },
    });
    await expect(execute(shim, ['true'], { user: 'bob' })).rejects.toMatchObject({
      failure: { stage: 'user', message: 'unable to find user bob: no matching entries in passwd file' },
    });
    expect((await execute(shim, ['echo', 'fine'])).stdout).toBe('fine\n');
    await stop(shim);
  });

  it('can be detached, and several run at once', async () => {
    const { shim } = await startIdle();
    const detached = await shim.exec(execPlan(sh('exit 5')), { ...OUTPUT, detach: true });
    expect(detached.stdio).toBeUndefined();
    expect(await detached.exited).toBe(5);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => execute(shim, sh(`echo ${index}; exit ${index}`))),
    );
    results.forEach((result, index) =>
      expect(result).toEqual({ stdout: `${index}\n`, stderr: '', code: index }),
    );
    await stop(shim);
  });

  it('ends with its container', async () => {
    const { shim } = await startIdle();
    const exec = await shim.exec(execPlan(['sleep', '1000']), { ...OUTPUT, detach: false });
    await stop(shim);
    expect(await exec.exited).toBe(137);
  });
});

describe('the runtime', () => {
  it('finds a running container again and learns its exit', async () => {
    const { shim, plan } = await startIdle();
    shim.disconnect();
    const other = fixture.newRuntime();
    const found = await other.reconnect(plan.id);
    if (!found || !('shim' in found)) throw new Error('not found');
    expect(found.shim.pid).toBe(shim.pid);
    expect((await execute(found.shim, ['echo', 'again'])).stdout).toBe('again\n');
    await found.shim.kill(SIGKILL);
    await expect(found.shim.exited).resolves.toMatchObject({ exitCode: 137 });
  });

  it('finds the record of a container that ended unseen', async () => {
    const plan = await fixture.plan(sh('read x; exit 6'), { process: { openStdin: true, stdinOnce: true } });
    const shim = await fixture.runtime.create(plan);
    const stream = await shim.attach(EVERYTHING);
    await shim.start();
    shim.disconnect();
    stream.end('go\n');
    await readAll(stream);
    await expect(fixture.newRuntime().reconnect(plan.id)).resolves.toMatchObject({
      exit: { exitCode: 6, signal: 0 },
    });
    await fixture.runtime.cleanUp(plan.id, plan.cgroup.directories);
    await expect(fixture.runtime.reconnect(plan.id)).resolves.toBeUndefined();
  });

  it('survives the death of its zygote, and so do containers', async () => {
    const { shim, plan } = await startIdle();
    const [zygote] = zygotesOf(process.pid);
    if (zygote === undefined) throw new Error('no zygote');
    process.kill(zygote, 'SIGKILL');
    const after = await runUntilZygoteIsBack();
    expect(after.stdout).toBe('back\n');
    expect((await execute(shim, ['echo', 'alive'])).stdout).toBe('alive\n');
    expect(hasCgroup(plan)).toBe(true);
    await stop(shim);
  });

  it('is not ended by the signals that end a session or a service', async () => {
    const { shim, plan } = await startIdle();
    const supervisor = shimPid(plan);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(supervisor, signal);
    // Lowering it takes CAP_SYS_RESOURCE, which a machine inside a sandbox may not have.
    const ordinary = readFileSync('/proc/self/oom_score_adj', 'utf8');
    const expected = hasCapability(CAP_SYS_RESOURCE) ? '-999\n' : ordinary;
    expect(readFileSync(`/proc/${supervisor}/oom_score_adj`, 'utf8')).toBe(expected);
    expect(readFileSync(`/proc/${shim.pid}/oom_score_adj`, 'utf8')).toBe(ordinary);
    expect((await execute(shim, sh('cat /proc/self/oom_score_adj'))).stdout).toBe(ordinary);
    await stop(shim);
  });

  it('runs from memory that nobody can write', async () => {
    const { shim, plan } = await startIdle();
    const executable = `/proc/${shimPid(plan)}/exe`;
    expect(readlinkSync(executable)).toContain('memfd:gantry-shim');
    await expect(open(executable, 'r+')).rejects.toMatchObject({ code: 'ETXTBSY' });
    const sealed = await open(executable, 'r');
    await sealed.close();
    await stop(shim);
  });

  it('cleans up after a shim that was killed', async () => {
    const { shim, plan } = await startIdle();
    process.kill(shimPid(plan), 'SIGKILL');
    await expect(shim.exited).resolves.toBeUndefined();
    await fixture.runtime.cleanUp(plan.id, plan.cgroup.directories);
    expect(hasCgroup(plan)).toBe(false);
    expect(existsSync(plan.runDirectory)).toBe(false);
    await expect.poll(() => isAlive(shim.pid)).toBe(false);
  });

  it('works below directories deeper than a socket address', async () => {
    const deep = await createRuntimeFixture(5);
    try {
      const plan = await deep.plan(['echo', 'deep']);
      expect(plan.runDirectory.length).toBeGreaterThan(200);
      const shim = await deep.runtime.create(plan);
      const output = readFrames(await shim.attach(OUTPUT));
      await shim.start();
      expect((await output).stdout).toBe('deep\n');
      await shim.exited;
    } finally {
      await deep.dispose();
    }
  });

  it('runs subcommands in the zygote and passes on why one failed', async () => {
    await expect(fixture.runtime.runTask(['no-such-command'])).rejects.toThrow(/usage: gantry-shim/);
    const layers = Array.from({ length: 120 }, () => '/no/such/layer');
    await expect(
      fixture.runtime.runTask(['copy-up', '/etc', fixture.directory, ...layers]),
    ).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.not.stringContaining('ENOENT') as string,
    });
  });

  it('leaves no shim behind', async () => {
    await expect.poll(() => shimsBelow(fixture.directory)).toEqual([]);
  });
});

/** A request that meets the dying zygote is rejected; the next one starts another. */
async function runUntilZygoteIsBack(): Promise<{ stdout: string }> {
  try {
    return await run(['echo', 'back']);
  } catch {
    return run(['echo', 'back']);
  }
}

function hasCapability(capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

function shimPid(plan: ContainerPlan): number {
  return Number(readFileSync(path.join(plan.runDirectory, 'shim.pid'), 'utf8'));
}

/** A zombie that its new parent has not collected yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function zygotesOf(parent: number): number[] {
  return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent)])
    .toString()
    .split('\n')
    .filter((line) => line.includes('zygote'))
    .map((line) => Number.parseInt(line, 10));
}

/** Shims whose open files lie below a directory. */
function shimsBelow(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return execFileSync('ls', ['-l', `/proc/${pid}/fd`], { stdio: ['ignore', 'pipe', 'ignore'] })
          .toString()
          .includes(`${directory}/run`);
      } catch {
        return false;
      }
    })
    .filter((pid) => Number(pid) !== process.pid);
}
