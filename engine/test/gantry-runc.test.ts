import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RuntimeSpec } from '../runtime/oci/spec.ts';
import { isAlive } from './processes.ts';

const RUNTIME = fileURLToPath(new URL('../../build/bin/gantry-runc', import.meta.url));
const STARTER_IMAGE = fileURLToPath(new URL('../../build/starter/busybox.tar', import.meta.url));

let directory: string;
let bundle: string;
let root: string;
let cgroup: string;
let count = 0;

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-oci-'));
  bundle = path.join(directory, 'bundle');
  root = path.join(directory, 'state');
  mkdirSync(path.join(bundle, 'rootfs'), { recursive: true });
  const layer = execFileSync('tar', ['-tf', STARTER_IMAGE], { encoding: 'utf8' })
    .split('\n')
    .find((name) => name.endsWith('/layer.tar'));
  execFileSync('sh', ['-c', `tar -xOf '${STARTER_IMAGE}' '${layer}' | tar -x -C '${bundle}/rootfs'`]);
});
beforeEach(() => {
  count += 1;
  cgroup = `gantry-oci-test-${process.pid}-${count}`;
});
afterAll(() => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(directory);
  const hierarchies = ['', ...readdirSync('/sys/fs/cgroup')].map((name) => path.join('/sys/fs/cgroup', name));
  const left = hierarchies.flatMap((hierarchy) => {
    try {
      return readdirSync(hierarchy).filter((name) => name.startsWith(`gantry-oci-test-${process.pid}-`));
    } catch {
      return []; // a file
    }
  });
  expect(left).toEqual([]);
  rmSync(directory, { recursive: true });
});

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

function runc(args: string[], input = ''): Result {
  const { status, stdout, stderr } = spawnSync(RUNTIME, ['--root', root, ...args], {
    input,
    encoding: 'utf8',
    cwd: bundle,
  });
  return { code: status, stdout, stderr };
}

function ok(...args: string[]): string {
  const { code, stdout, stderr } = runc(args);
  if (code !== 0) throw new Error(`gantry-runc ${args.join(' ')} exited with ${code}: ${stderr}`);
  return stdout;
}

/** Its stdio is the container's, so it must be nobody's pipe. */
function detached(id: string): void {
  const args = ['--root', root, 'run', '--detach', '--bundle', bundle, id];
  expect(spawnSync(RUNTIME, args, { stdio: 'ignore' }).status).toBe(0);
}

/** The default config.json with a shell script as process. */
function configure(script: string, change: (spec: RuntimeSpec) => void = () => undefined): void {
  rmSync(path.join(bundle, 'config.json'), { force: true });
  ok('spec');
  const file = path.join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(file, 'utf8')) as RuntimeSpec;
  const process = {
    ...spec.process,
    terminal: false,
    args: ['sh', '-c', script],
    cwd: '/',
    user: { uid: 0, gid: 0 },
  };
  const written: RuntimeSpec = { ...spec, process, linux: { ...spec.linux, cgroupsPath: `/${cgroup}` } };
  change(written);
  writeFileSync(file, JSON.stringify(written));
}

const status = (id: string): string => (JSON.parse(ok('state', id)) as { status: string }).status;

describe('the life of a container', () => {
  test('create leaves it waiting and adopted, start lets it go, kill and delete end it', async () => {
    configure('echo out; trap "exit 7" TERM; while :; do sleep 0.05; done');
    const output = path.join(directory, 'output');
    const fd = openSync(output, 'w');
    const pidFile = path.join(directory, 'pid');
    const created = spawnSync(
      RUNTIME,
      ['--root', root, 'create', '--bundle', bundle, '--pid-file', pidFile, 'life'],
      {
        stdio: ['ignore', fd, fd],
      },
    );
    closeSync(fd);
    expect(created.status, readFileSync(output, 'utf8')).toBe(0);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(JSON.parse(ok('state', 'life'))).toMatchObject({ id: 'life', status: 'created', pid, bundle });
    expect(readFileSync(output, 'utf8')).toBe('');
    ok('start', 'life');
    expect(status('life')).toBe('running');
    await expect.poll(() => readFileSync(output, 'utf8')).toBe('out\n');
    expect(JSON.parse(ok('list', '--format', 'json'))).toMatchObject([{ id: 'life', pid }]);
    expect(runc(['delete', 'life'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not stopped: running'),
    });
    ok('kill', 'life', 'TERM');
    await expect.poll(() => status('life')).toBe('stopped');
    expect(runc(['kill', 'life', '9']).stderr).toContain('container not running');
    ok('delete', 'life');
    expect(isAlive(pid)).toBe(false);
    expect(runc(['state', 'life']).stderr).toContain('container does not exist');
  });

  test('run waits for it, hands its exit code on and leaves nothing', () => {
    configure('cat; echo wrong >&2; exit 3');
    expect(runc(['run', 'once'], 'input\n')).toEqual({ code: 3, stdout: 'input\n', stderr: 'wrong\n' });
    expect(readdirSync(root)).toEqual([]);
  });

  test('exec, ps, pause, resume, update and events work on it', async () => {
    configure('sleep 1000');
    detached('busy');
    try {
      expect(
        runc(
          [
            'exec',
            '-e',
            'A=b',
            '--cwd',
            '/tmp',
            '-u',
            '3:4',
            'busy',
            'sh',
            '-c',
            'cat; id -u; pwd; echo $A; exit 5',
          ],
          'in ',
        ),
      ).toMatchObject({ code: 5, stdout: 'in 3\n/tmp\nb\n' });
      expect(runc(['exec', 'busy', 'not-there'])).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('executable file not found in $PATH'),
      });
      expect(JSON.parse(ok('ps', '--format', 'json', 'busy'))).toHaveLength(1);
      expect(ok('ps', 'busy')).toMatch(/^UID[^]*sleep 1000/);
      ok('pause', 'busy');
      expect(status('busy')).toBe('paused');
      expect(runc(['exec', 'busy', 'true']).stderr).toContain('cannot exec in a paused container');
      ok('resume', 'busy');
      expect(status('busy')).toBe('running');
      ok('update', '--memory', '64M', '--pids-limit', '20', 'busy');
      const stats = JSON.parse(ok('events', '--stats', 'busy')) as object;
      expect(stats).toMatchObject({
        type: 'stats',
        id: 'busy',
        data: { pids: { limit: 20 }, memory: { usage: { limit: 64 << 20 } } },
      });
      ok('update', '--memory', '128M', 'busy');
      expect(JSON.parse(ok('events', '--stats', 'busy'))).toMatchObject({
        data: { memory: { usage: { limit: 128 << 20 } } },
      });
    } finally {
      ok('delete', '--force', 'busy');
    }
  });

  test('a terminal of its own is relayed; a container that is left alone needs a console socket for it', async () => {
    configure('tty; stty size', (spec) => Object.assign(spec.process ?? {}, { terminal: true }));
    const command = `stty rows 24 cols 80; '${RUNTIME}' --root '${root}' run --bundle '${bundle}' tty`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    expect(stdout).toMatch(/\/dev\/pts\/0\s+24 80/);
    expect(runc(['create', 'tty']).stderr).toContain(
      'cannot allocate tty if runc will detach without setting console socket',
    );
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('what config.json says', () => {
  test('is what the process gets', () => {
    const script =
      'hostname; id; umask; ulimit -n; cat /proc/sys/net/ipv4/ip_forward; ls -l /dev/fuse; cat /proc/kcore | wc -c; grep -E "Cap(Inh|Bnd)|Seccomp:|NoNew" /proc/self/status; echo x > /file';
    configure(script, (spec) => {
      spec.hostname = 'named';
      const { linux = {}, process } = spec;
      Object.assign(process ?? {}, {
        user: { uid: 5, gid: 6, umask: 0o27, additionalGids: [7] },
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }],
      });
      Object.assign(linux, {
        sysctl: { 'net.ipv4.ip_forward': '1' },
        devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 1, gid: 2 }],
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['faccessat2', 'getcwd', 'close_range'], action: 'SCMP_ACT_ERRNO' }],
        },
      });
    });
    const { stdout, stderr } = runc(['run', 'config']);
    expect(stdout).toMatch(
      /^named\nuid=5 gid=6 groups=6,7\n0?027\n100\n1\ncrw-r----- +1 daemon +bin +10, 229 .*\n0\n/,
    );
    expect(stdout).toMatch(/CapInh:\s0+\nCapBnd:\s0000000020000420\nNoNewPrivs:\s1\nSeccomp:\s2/);
    expect(stderr).toContain('Read-only file system');
  });

  test('binds, tmpfs and namespaces by path are there', () => {
    writeFileSync(path.join(directory, 'bound'), 'content');
    configure(
      'cat /bound; touch /bound 2>&1; df -k /scratch | tail -1; readlink /proc/self/ns/net',
      (spec) => {
        spec.mounts?.push(
          {
            destination: '/bound',
            type: 'bind',
            source: path.join(directory, 'bound'),
            options: ['bind', 'ro'],
          },
          { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] },
        );
        const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'network');
        Object.assign(spec.linux ?? {}, {
          namespaces: [...namespaces, { type: 'network', path: '/proc/self/ns/net' }],
        });
        spec.root = { path: 'rootfs', readonly: false };
      },
    );
    const { stdout } = runc(['run', 'mounts']);
    expect(stdout).toMatch(/^content.*Read-only file system\n.*1024.*\n/);
    expect(stdout).toContain(execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim());
  });

  test('a user namespace maps its root to another user', () => {
    execFileSync('chmod', ['755', directory]);
    configure('id -u; cat /proc/self/uid_map; touch /made && echo made', (spec) => {
      const linux = spec.linux ?? {};
      const map = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      Object.assign(linux, {
        namespaces: [...(linux.namespaces ?? []), { type: 'user' }],
        uidMappings: map,
        gidMappings: map,
      });
      spec.root = { path: 'rootfs', readonly: false };
    });
    const { stdout } = runc(['run', 'mapped']);
    expect(stdout).toMatch(/^0\n\s+0\s+100000\s+1000\n$/);
  });

  test('hooks run in order with the state on stdin, in an environment of their own', () => {
    const log = path.join(directory, 'hooks');
    writeFileSync(log, '');
    const hook = (name: string) => ({
      path: '/bin/sh',
      args: ['sh', '-c', `echo ${name} $(cat) $FROM >> '${log}'`],
      env: ['PATH=/usr/bin:/bin', 'FROM=hook'],
      timeout: 10,
    });
    configure(`true`, (spec) => {
      spec.annotations = { a: 'b' };
      spec.hooks = {
        prestart: [hook('prestart')],
        createRuntime: [hook('createRuntime')],
        createContainer: [hook('createContainer')],
        poststart: [hook('poststart')],
        poststop: [hook('poststop')],
      };
    });
    expect(runc(['run', 'hooked'])).toMatchObject({ code: 0 });
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'prestart',
      'createRuntime',
      'createContainer',
      'poststart',
      'poststop',
    ]);
    for (const line of lines) {
      expect(line).toMatch(/ hook$/);
      const state = JSON.parse(line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1)) as { pid: number };
      expect(state).toMatchObject({ id: 'hooked', bundle, annotations: { a: 'b' } });
    }
  });

  test('a hook that fails or takes too long ends the create, and nothing is left', () => {
    for (const args of [
      ['sh', '-c', 'echo reason; exit 2'],
      ['sleep', '100'],
    ]) {
      configure('true', (spec) => {
        spec.hooks = { createRuntime: [{ path: `/bin/${args[0]}`, args, timeout: 1 }] };
      });
      const { code, stderr } = runc(['create', 'hooked']);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /error running hook \/bin\/(sh: exit status 2, output: reason|sleep: connection timed out)/i,
      );
      expect(readdirSync(root)).toEqual([]);
    }
  });
});

describe('bad input', () => {
  test.each([
    ['an id that is a path', ['create', '../x'], 'invalid container ID format'],
    ['no id', ['create'], 'container id cannot be empty'],
    ['an unknown flag', ['create', '--nope', 'x'], 'flag provided but not defined: -nope'],
    ['an unknown command', ['frobnicate'], 'unknown command: frobnicate'],
    [
      'a bundle without config.json',
      ['create', '--bundle', '/', 'x'],
      'JSON specification file config.json not found',
    ],
    ['a container that is not there', ['start', 'nobody'], 'container does not exist'],
  ])('%s is refused in words that callers know', (_, args, message) => {
    const { code, stderr } = runc(args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  test('errors go to the log as lines of JSON', () => {
    const log = path.join(directory, 'log.json');
    expect(runc(['--log', log, '--log-format', 'json', 'state', 'nobody']).code).toBe(1);
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
      level: 'error',
      msg: 'container does not exist',
    });
  });

  test('a create that fails after its process is there ends that process', () => {
    configure('sleep 1000');
    const { code } = runc(['create', '--pid-file', path.join(directory, 'no/such/file'), 'late']);
    expect(code).toBe(1);
    expect(readdirSync(root)).toEqual([]);
  });

  test('a second container of the same id is refused, the first is left alone', () => {
    configure('sleep 1000');
    detached('one');
    expect(runc(['create', 'one']).stderr).toContain('container with given ID already exists');
    expect(status('one')).toBe('running');
    ok('delete', '--force', 'one');
    expect(runc(['delete', '--force', 'one']).code).toBe(0);
  });

  test('features and version tell what it is', () => {
    expect(JSON.parse(ok('features'))).toMatchObject({
      linux: { cgroup: { v1: true, v2: true }, seccomp: { enabled: true } },
    });
    expect(runc(['--version']).stdout).toMatch(/^gantry-runc version .*\nspec: 1\./);
  });
});

/** SECURITY: 2024-21626, 2019-5736. */
test('the process inherits no descriptor but those that are asked for, and finds a sealed binary', () => {
  configure('ls /proc/self/fd | tr "\\n" " "; readlink /proc/1/exe');
  const fd = openSync('/etc/hostname', 'r');
  const run = (...flags: string[]): string =>
    spawnSync(RUNTIME, ['--root', root, 'run', '--bundle', bundle, ...flags, 'fds'], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
      encoding: 'utf8',
    }).stdout;
  expect(run()).toBe('0 1 2 3 /bin/busybox\n');
  expect(run('--preserve-fds', '1')).toBe('0 1 2 3 4 /bin/busybox\n');
  closeSync(fd);
});
