import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { hostWitness, type HostWitness } from './host-witness.ts';
import { tar } from './tar-fixture.ts';
import { testProgram } from './test-program.ts';

/** Hostile containers against a host that must stay as it was. */
let engine: TestEngine;
let witness: HostWitness;
/** Flags that put the hostile program into a container. */
let probe: string[];

beforeAll(async () => {
  engine = await startEngine();
  witness = hostWitness(engine.directory);
  probe = ['-v', `${testProgram('escape-probe')}:/probe:ro`];
});
afterAll(async () => {
  witness.expectUntouched();
  witness.dispose();
  await engine.stop();
});

const sh = (script: string, ...flags: string[]) =>
  engine.docker('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);

describe('the kernel', () => {
  test('refuses what could break it, by every way in', async () => {
    const { stdout } = await engine.docker('run', '--rm', ...probe, 'busybox', '/probe', 'surface');
    const results = stdout.trim().split('\n');
    expect(results.length).toBeGreaterThan(30);
    // EPERM by the filter, ENOSYS for what it does not even know; never 0, nor an error of the call itself.
    expect(results.filter((line) => !/ (1|38|killed)$/.test(line))).toEqual([]);
  });

  test('keeps its settings', async () => {
    const files = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/kernel/modprobe',
      '/proc/sys/kernel/hostname',
      '/proc/sys/vm/overcommit_memory',
      '/proc/sys/fs/file-max',
      '/proc/sysrq-trigger',
      '/proc/irq/default_smp_affinity',
      '/sys/kernel/uevent_helper',
      '/sys/power/state',
    ];
    const script = files.map((file) => `(echo 1 > ${file}) 2>/dev/null && echo WROTE ${file}`).join('\n');
    const before = files.map(readIfPossible);
    const { stdout } = await sh(`${script}\nid -u`);
    expect(stdout).toBe('0\n');
    expect(files.map(readIfPossible)).toEqual(before);
  });

  test('starts no program of a container when a cgroup is emptied', async () => {
    const script = `for agent in $(find /sys/fs/cgroup -name release_agent); do echo /x > $agent && echo WROTE; done
for flag in $(find /sys/fs/cgroup -name notify_on_release); do echo 1 > $flag && echo WROTE; done
mkdir -p /c && mount -t cgroup -o memory cgroup /c && echo MOUNTED
unshare -UrmC sh -c 'mount -t cgroup -o rdma cgroup /c' && echo MOUNTED; echo tried`;
    expect((await sh(script)).stdout).toBe('tried\n');
  });

  test('gives no device but those of the list, whatever node is made', async () => {
    const script = `mkdir -p /tmp; cd /tmp
for n in 'b 8 0' 'b 254 0' 'b 7 0' 'c 1 1' 'c 1 2' 'c 1 4' 'c 1 11' 'c 10 237' 'c 10 229'; do
  mknod node $n 2>/dev/null && head -c 1 node 2>/dev/null && echo READ $n; (: >> node) 2>/dev/null && echo WROTE $n; rm -f node
done; echo tried`;
    const { stdout } = await sh(script);
    expect(stdout.replaceAll(/sh: can't create node: .*\n/g, '')).toBe('tried\n');
  });

  test('shows nothing of what is masked', async () => {
    const masked =
      '/proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/latency_stats /proc/interrupts';
    const script = `for f in ${masked}; do [ -e $f ] && [ "$(head -c 1 $f | wc -c)" != 0 ] && echo READ $f; done
for d in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do ls -A $d 2>/dev/null; done; umount /proc/keys; true`;
    expect((await sh(script)).stdout).toBe('');
  });
});

describe('the runtime', () => {
  test('cannot be seen, read or overwritten on its way into a container', async () => {
    await engine.dockerOk('run', '-d', '--name', 'spy', ...probe, 'busybox', '/probe', 'spy', '3');
    await engineLogs('spy', /watching/);
    for (let round = 0; round < 12; round += 1) await engine.docker('exec', 'spy', 'true');
    await engine.dockerOk('wait', 'spy');
    expect(await engine.dockerOk('logs', 'spy')).toBe('watching\ndone');
    await engine.dockerOk('rm', 'spy');
  });

  test('is a sealed copy even for a container that may trace it (2019-5736)', async () => {
    const flags = ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined', '--pid', 'host'];
    await engine.dockerOk(
      'run',
      '-d',
      '--name',
      'tracer',
      ...flags,
      ...probe,
      'busybox',
      '/probe',
      'spy',
      '2',
    );
    await engineLogs('tracer', /watching/);
    for (let round = 0; round < 4; round += 1) await engine.docker('exec', 'tracer', 'true');
    await engine.dockerOk('wait', 'tracer');
    const log = await engine.dockerOk('logs', 'tracer');
    expect(log).not.toContain('WROTE');
    expect(log).toContain('done');
    await engine.dockerOk('rm', 'tracer');
  });

  test('leaves no descriptor, directory or environment to an exec', async () => {
    await engine.dockerOk('run', '-d', '--name', 'plain', 'busybox', 'sleep', '1000');
    const script = `ls /proc/self/fd; for fd in /proc/self/fd/*; do ls $fd${witness.marker} 2>/dev/null; done; env | grep -c GANTRY`;
    expect((await engine.docker('exec', 'plain', 'sh', '-c', script)).stdout).toBe('0\n1\n2\n3\n0\n');
    for (const directory of ['/proc/self/fd/3', '/proc/self/fd/8', '/proc/1/cwd', '/proc/self/root/..']) {
      const out = await engine.docker('exec', '-w', directory, 'plain', 'ls', `../../../..${witness.marker}`);
      expect([directory, out.stdout]).toEqual([directory, expect.not.stringContaining(witness.marker)]);
    }
    await engine.dockerOk('rm', '-f', 'plain');
  });

  test("keeps its memory from containers in the host's pid namespace", async () => {
    const id = await engine.dockerOk('run', '-d', 'busybox', 'sleep', '1000');
    const shim = readFileSync(path.join(engine.runRoot, 'containers', id, 'shim.pid'), 'utf8').trim();
    const zygote = execFileSync('pgrep', ['-P', String(engine.pid()), 'gantry'], { encoding: 'utf8' }).trim();
    const files = [shim, ...zygote.split('\n'), String(engine.pid())].flatMap((pid) =>
      ['environ', 'mem', 'maps', 'root/etc/passwd', 'cwd/etc/passwd'].map((file) => `/proc/${pid}/${file}`),
    );
    const script = files.map((file) => `head -c 1 ${file} 2>/dev/null && echo READ ${file}`).join('\n');
    expect((await sh(`${script}\necho tried`, '--pid', 'host')).stdout).toBe('tried\n');
    await engine.dockerOk('rm', '-f', id);
  });

  test('listens on no abstract socket, which a container on the host network could reach', async () => {
    const { stdout } = await sh('cat /proc/net/unix', '--network', 'host');
    expect(stdout).toContain(engine.socketPath);
    expect(stdout.split('\n').filter((line) => /@.*(gantry|shim)/.test(line))).toEqual([]);
  });

  test('gives a terminal that is its own', async () => {
    const script = 'stat -f -c %T /dev/console; ls -l /dev/console | cut -c1-10; tty';
    const terminal = engine.dockerTerminal('run', '--rm', '-it', 'busybox', 'sh', '-c', script);
    const { stdout } = await terminal.exited;
    expect(stdout.replaceAll('\r', '')).toMatch(/^devpts\ncrw--w----\n\/dev\/pts\/0\n/);
  });
});

describe('a mount', () => {
  beforeAll(async () => {
    const base = await engine.dockerOk('create', 'busybox');
    const link = tar([{ name: 'data', type: 'symlink', link: '/proc' }]);
    await engine.dockerWithInput(link, 'cp', '-', `${base}:/`);
    await engine.dockerOk('commit', base, 'data-in-proc');
    await engine.dockerOk('rm', base);
  });

  test.each([['/proc'], ['/proc/sys/kernel'], ['/proc/self/attr'], ['/data/sys'], ['/data']])(
    'over %s is refused',
    async (target) => {
      for (const flags of [
        ['-v', `${witness.directory}:${target}`],
        ['--tmpfs', target],
      ]) {
        const { code, stderr } = await engine.docker('run', '--rm', ...flags, 'data-in-proc', 'true');
        expect([flags[0], code, stderr]).toEqual([
          flags[0],
          125,
          expect.stringMatching(/inside \/proc|symbolic links/),
        ]);
      }
    },
  );

  test('of procfs over /proc is what it was, and read-only paths stay', async () => {
    const { stdout, stderr } = await sh('echo x > /proc/sys/kernel/hostname; echo done', '-v', '/proc:/proc');
    expect([stdout, stderr]).toEqual(['done\n', expect.stringContaining('Read-only')]);
  });
});

describe('docker cp', () => {
  test('is not led out by links that change while it works', async () => {
    const script = `mkdir -p /race/directory; echo inside > /race/directory/secret; ln -s ${witness.directory} /race/link
exec /probe swap /race/directory /race/link`;
    await engine.dockerOk('run', '-d', '--name', 'race', ...probe, 'busybox', 'sh', '-c', script);
    const archive = tar([{ name: 'directory/written', content: 'x' }]);
    for (let round = 0; round < 25; round += 1) {
      const got = await engine.api('GET', '/containers/race/archive?path=/race/directory/secret');
      expect(got.text).not.toContain(witness.secret);
      const headers = { 'Content-Type': 'application/x-tar' };
      await engine.api('PUT', '/containers/race/archive?path=/race', archive, headers);
      await engine.api('PUT', '/containers/race/archive?path=/race/directory', archive, headers);
    }
    witness.expectUntouched();
    await engine.dockerOk('rm', '-f', 'race');
  });
});

describe('a log', () => {
  test('of control bytes is kept as one entry a line and within its size', async () => {
    const limits = ['--log-opt', 'max-size=200k', '--log-opt', 'max-file=2'];
    const script = String.raw`printf 'a\033]0;title\007\000\r"},{"log":"forged\n'; head -c 3000000 /dev/urandom; printf '\nend\n'`;
    const id = await engine.dockerOk('run', '-d', ...limits, 'busybox', 'sh', '-c', script);
    await engine.dockerOk('wait', id);
    const directory = path.join(engine.dataRoot, 'containers', id);
    const files = readdirSync(directory).filter((name) => name.includes('-json.log'));
    const bytes = files.reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
    expect(files.length).toBeLessThanOrEqual(2);
    expect(bytes).toBeLessThan(500_000);
    const newest = readFileSync(path.join(directory, `${id}-json.log`), 'utf8');
    const lines = newest
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.every((line) => Object.keys(line).toSorted().join() === 'log,stream,time')).toBe(true);
    expect(lines.at(-1)?.['log']).toBe('end\n');
    await engine.dockerOk('rm', id);
  });
});

describe('a name', () => {
  test.each([
    ['POST', '/containers/create?name=..%2f..%2fetc', 400],
    ['POST', '/containers/create?name=a%00b', 400],
    ['POST', '/volumes/create', 400],
    ['GET', '/containers/..%2f..%2f..%2fetc%2fpasswd/json', 404],
    ['GET', '/containers/..%2f..%2f..%2fetc%2fpasswd/logs?stdout=1', 404],
    ['GET', '/volumes/..%2f..%2fetc', 404],
    ['DELETE', '/volumes/..%2fcontainers', 404],
    ['DELETE', '/networks/..%2fblobs', 404],
    ['GET', '/images/..%2f..%2fetc%2fpasswd/json', 400],
    ['GET', '/exec/..%2f..%2fx/json', 404],
    ['GET', '/../../../etc/passwd', 404],
  ])('in %s %s leads nowhere', async (method, target, status) => {
    const body = target === '/volumes/create' ? { Name: '../../outside' } : { Image: 'busybox' };
    const reply = await engine.api(method, target, method === 'POST' ? body : undefined);
    expect([reply.status, reply.text]).toEqual([status, expect.not.stringContaining('root:')]);
    expect(existsSync(path.join(engine.directory, 'outside'))).toBe(false);
  });
});

test('the engine refuses to run in a chroot, out of which exec would lead', async () => {
  const root = path.join(engine.directory, 'chroot');
  const script = `mkdir -p "$0" && mount --rbind / "$0" && exec chroot "$0" "$@"`;
  const flags = [
    '--data-root',
    '/tmp/gantry-chroot/data',
    '--run-root',
    '/tmp/gantry-chroot/run',
    '--socket',
    '/tmp/gantry-chroot/s',
  ];
  const command = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    script,
    root,
    process.execPath,
    path.resolve('build/engine/engine.mjs'),
    ...flags,
  ];
  let output = '';
  try {
    execFileSync('unshare', command, { stdio: 'pipe', timeout: 20_000 });
  } catch (error) {
    output = String((error as { stderr: Buffer }).stderr);
  } finally {
    execFileSync('rm', ['-rf', '--one-file-system', '/tmp/gantry-chroot', root]);
  }
  expect(output).toContain('the engine runs in a chroot');
});

async function engineLogs(name: string, pattern: RegExp): Promise<void> {
  const log = engine.dockerStart('logs', '-f', name);
  await log.waitFor(pattern);
  log.kill();
}

function readIfPossible(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
