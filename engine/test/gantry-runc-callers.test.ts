import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Others that make containers with our OCI command line, where they are installed. */
const RUNTIME = fileURLToPath(new URL('../../build/bin/gantry-runc', import.meta.url));
const STARTER_IMAGE = fileURLToPath(new URL('../../build/starter/busybox.tar', import.meta.url));

/** Runs the caller's command line; the exit code and stdout, with stderr when it was not expected. */
type Caller = (code: number, ...args: string[]) => string;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-oci-'));
});
afterAll(() => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(directory);
  rmSync(directory, { recursive: true });
});

function callerOf(command: string, flags: () => string[]): Caller {
  return (code, ...args) => {
    const { status, stdout, stderr } = spawnSync(command, [...flags(), ...args], { encoding: 'utf8' });
    if (status !== code) throw new Error(`${command} ${args.join(' ')} exited with ${status}: ${stderr}`);
    return stdout.trim();
  };
}

/** What both do in the same words. */
function useContainer(call: Caller, flags: string[]): void {
  const image = ['busybox', 'sh', '-c'];
  call(0, 'load', '-i', STARTER_IMAGE);
  expect(call(3, 'run', '--rm', ...flags, ...image, 'echo hello; exit 3')).toBe('hello');
  call(127, 'run', '--rm', ...flags, 'busybox', 'not-there');
  const script = 'echo logged; trap "exit 9" TERM; while :; do sleep 0.05; done';
  call(0, 'run', '-d', '--name', 'used', '--memory', '64m', ...flags, ...image, script);
  expect(call(4, 'exec', 'used', 'sh', '-c', 'echo inside; exit 4')).toBe('inside');
  expect(call(0, 'logs', 'used')).toBe('logged');
  for (const command of ['pause', 'unpause', 'top', 'stop']) call(0, command, 'used');
  expect(call(0, 'inspect', 'used', '--format', '{{.State.ExitCode}}')).toBe('9');
  call(0, 'rm', 'used');
}

describe.skipIf(!isInstalled('podman'))('podman', () => {
  const podman = callerOf('podman', () => {
    const storage = [
      '--root',
      path.join(directory, 'podman'),
      '--runroot',
      path.join(directory, 'podman-run'),
    ];
    const flags = '--cgroup-manager cgroupfs --events-backend file --log-level error --runtime'.split(' ');
    return [...storage, ...flags, RUNTIME];
  });
  afterAll(() => {
    podman(0, 'rm', '-af');
    podman(0, 'rmi', '-af');
    spawnSync('umount', [path.join(directory, 'podman/overlay')]);
  });

  test('runs, execs, pauses, stops and removes containers with it', () => {
    // Its defaults are above what a host without CAP_SYS_RESOURCE may set.
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];
    useContainer(podman, [...limits, '--network', 'none']);
  });
});

describe.skipIf(!isInstalled('dockerd'))('a private dockerd', () => {
  let daemon: ReturnType<typeof spawn>;
  const socketOf = (): string => path.join(directory, 'docker.sock');
  const docker = callerOf('docker', () => ['-H', `unix://${socketOf()}`]);

  beforeAll(async () => {
    const places = { 'data-root': 'docker', 'exec-root': 'docker-run', pidfile: 'docker.pid' };
    const own = Object.entries(places).flatMap(([flag, name]) => [`--${flag}`, path.join(directory, name)]);
    const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false'];
    const runtime = ['-H', `unix://${socketOf()}`, '--add-runtime', `gantry=${RUNTIME}`];
    daemon = spawn('dockerd', [...own, ...network, ...runtime], { stdio: 'ignore' });
    const isReady = (): boolean =>
      spawnSync('docker', ['-H', `unix://${socketOf()}`, 'version']).status === 0;
    while (!existsSync(socketOf()) || !isReady()) await delay(100);
  }, 40_000);
  afterAll(async () => {
    const exited = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await exited;
  }, 40_000);

  test('runs, execs, updates, pauses, stops and removes containers with it', () => {
    const flags = ['--runtime', 'gantry', '--network', 'none'];
    useContainer(docker, flags);
    docker(0, 'run', '-d', '--name', 'more', '--memory', '64m', ...flags, 'busybox', 'sleep', '1000');
    docker(0, 'update', '--memory', '128m', '--memory-swap', '256m', 'more');
    const terminal = `docker -H unix://${socketOf()} exec -it more tty`;
    expect(spawnSync('script', ['-qec', terminal, '/dev/null'], { encoding: 'utf8' }).stdout).toContain(
      '/dev/pts/0',
    );
    docker(0, 'rm', '-f', 'more');
  });
});

function isInstalled(command: string): boolean {
  const found = spawnSync(command, ['--version']).status === 0;
  if (!found) console.log(`skipped: ${command} is not installed`);
  return found;
}
