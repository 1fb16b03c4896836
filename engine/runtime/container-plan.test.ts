import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostConfig } from '../wire/container.ts';
import { detectCgroups } from './cgroups/detect.ts';
import { type FakeTree, makeFakeTree, putV2 } from './cgroups/fake-tree.ts';
import { buildContainerPlan } from './container-plan.ts';
import { buildExecPlan } from './exec-plan.ts';
import type { ExecRequest, PlanInput, ResolvedMount } from './plan-input.ts';
import type { ContainerPlan } from './plan.ts';

let tree: FakeTree;
beforeEach(() => {
  tree = makeFakeTree();
  putV2(tree, 'gantry');
});
afterEach(() => tree.remove());

const inputOf = (hostConfig: HostConfig = {}, more: Partial<PlanInput> = {}): PlanInput => ({
  id: 'c0ffee',
  runDirectory: '/run/gantry/containers/c0ffee',
  config: { Hostname: 'web', Env: ['A=1'] },
  hostConfig,
  argv: ['sh'],
  lower: ['/layers/2', '/layers/1'],
  initLayer: '/init-layer',
  upper: '/upper',
  work: '/work',
  mounts: [],
  files: { hosts: '/c/hosts', hostname: '/c/hostname', resolvConf: '/c/resolv.conf' },
  network: { kind: 'new' },
  pid: { kind: 'new' },
  ipc: { kind: 'new' },
  uts: { kind: 'new' },
  interfaces: [],
  resolver: null,
  cgroups: detectCgroups({ root: tree.root, procfs: tree.procfs }),
  log: { format: 'none' },
  ...more,
});
const planOf = (hostConfig: HostConfig = {}, more: Partial<PlanInput> = {}): ContainerPlan =>
  buildContainerPlan(inputOf(hostConfig, more));
const targets = (plan: ContainerPlan): string[] => plan.mounts.map((mount) => mount.target);
const mountAt = (plan: ContainerPlan, target: string) => plan.mounts.find((mount) => mount.target === target);
const bind = (target: string, more: Partial<ResolvedMount> = {}): ResolvedMount => ({
  type: 'bind',
  name: '',
  source: `/host${target}`,
  target,
  readonly: false,
  recursive: true,
  readonlyRecursive: true,
  layers: [],
  subpath: '',
  propagation: 'rprivate',
  directory: true,
  data: '',
  flags: [],
  ...more,
});

describe('the plan of a container', () => {
  test("has Docker's mounts in Docker's order", () => {
    const plan = planOf();
    expect(targets(plan)).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/sys',
      '/sys/fs/cgroup',
      '/dev/mqueue',
      '/dev/shm',
      '/etc/resolv.conf',
      '/etc/hostname',
      '/etc/hosts',
    ]);
    expect(mountAt(plan, '/dev')).toMatchObject({
      flags: ['nosuid', 'strictatime'],
      data: 'mode=755,size=65536k',
    });
    expect(mountAt(plan, '/sys')).toMatchObject({ flags: ['ro', 'nosuid', 'noexec', 'nodev'] });
    expect(mountAt(plan, '/dev/shm')).toMatchObject({ data: 'mode=1777,size=67108864' });
    expect(plan.rootfs.lower).toEqual(['/init-layer', '/layers/2', '/layers/1']);
  });

  test('confines by default: capabilities, filter, masks, but no no-new-privileges', () => {
    const plan = planOf();
    expect(plan.process.capabilities).toMatchObject({ bounding: 0xa80425fbn, ambient: 0n });
    expect(plan.process.seccomp.length).toBeGreaterThan(0);
    expect(plan.process.noNewPrivileges).toBe(false);
    expect(plan.maskedPaths).toContain('/proc/kcore');
    expect(plan.readonlyPaths).toContain('/proc/sys');
    expect(plan.namespaces.cgroup).toEqual({ kind: 'new' });
    expect(plan.init).toBe(false);
  });

  test('privileged lifts masks, filter, read-only sysfs and cgroups, not a profile asked for by text', () => {
    const plan = planOf({ Privileged: true });
    expect(plan.maskedPaths).toEqual([]);
    expect(plan.readonlyPaths).toEqual([]);
    expect(plan.process.seccomp).toHaveLength(0);
    for (const target of ['/sys', '/sys/fs/cgroup']) {
      const mount = mountAt(plan, target);
      expect(mount?.kind === 'filesystem' && mount.flags.includes('ro')).toBe(false);
    }
    const profile = 'seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}';
    expect(planOf({ Privileged: true, SecurityOpt: [profile] }).process.seccomp.length).toBeGreaterThan(0);
  });

  test('security options reach the process', () => {
    const plan = planOf({
      SecurityOpt: ['no-new-privileges', 'seccomp=unconfined', 'systempaths=unconfined'],
    });
    expect(plan.process).toMatchObject({ noNewPrivileges: true, seccomp: new Uint8Array() });
    expect([...plan.maskedPaths, ...plan.readonlyPaths]).toEqual([]);
    expect(planOf({ MaskedPaths: ['/proc/x'], ReadonlyPaths: [] })).toMatchObject({
      maskedPaths: ['/proc/x'],
      readonlyPaths: [],
    });
  });

  test("a user's mount replaces the default at its target and comes after the mounts above it", () => {
    const plan = planOf(
      {},
      { mounts: [bind('/data/deep/er'), bind('/data'), bind('/dev/shm'), bind('/etc/hosts')] },
    );
    expect(targets(plan).filter((target) => target === '/dev/shm' || target === '/etc/hosts')).toHaveLength(
      2,
    );
    expect(mountAt(plan, '/dev/shm')).toMatchObject({ kind: 'bind', source: '/host/dev/shm' });
    expect(mountAt(plan, '/etc/hosts')).toMatchObject({ source: '/host/etc/hosts' });
    expect(targets(plan).indexOf('/data')).toBeLessThan(targets(plan).indexOf('/data/deep/er'));
    const dev = targets(planOf({}, { mounts: [bind('/dev')] }));
    expect(dev.filter((target) => target.startsWith('/dev'))).toEqual(['/dev']);
  });

  test('a tmpfs keeps its options, a file bind makes a file', () => {
    const tmpfs = bind('/run', {
      type: 'tmpfs',
      source: '',
      readonly: true,
      data: 'size=1m',
      flags: ['nosuid'],
    });
    const plan = planOf({}, { mounts: [tmpfs, bind('/f', { directory: false, readonly: true })] });
    expect(mountAt(plan, '/run')).toMatchObject({ type: 'tmpfs', flags: ['ro', 'nosuid'], data: 'size=1m' });
    expect(mountAt(plan, '/f')).toMatchObject({ kind: 'bind', create: 'file', readonly: true });
  });

  test('shared memory follows the IPC mode', () => {
    expect(mountAt(planOf({ IpcMode: 'none' }), '/dev/shm')).toBeUndefined();
    expect(mountAt(planOf({ IpcMode: 'host' }, { ipc: { kind: 'host' } }), '/dev/shm')).toMatchObject({
      source: '/dev/shm',
    });
    expect(mountAt(planOf({}, { ipc: { kind: 'join', pid: 7 } }), '/dev/shm')).toMatchObject({
      kind: 'bind',
      sourcePid: 7,
    });
    expect(mountAt(planOf({ ShmSize: 1024 }), '/dev/shm')).toMatchObject({ data: 'mode=1777,size=1024' });
  });

  test('names and sysctls stay away from namespaces that are not its own', () => {
    const shared = planOf({}, { uts: { kind: 'host' }, network: { kind: 'host' }, pid: { kind: 'host' } });
    expect(shared.hostname).toBe('');
    expect(shared.sysctls).toEqual([]);
    expect(planOf({ Init: true }).init).toBe(true);
    expect(planOf({ Init: true }, { pid: { kind: 'host' } }).init).toBe(false);
    expect(() => planOf({ Sysctls: { 'kernel.panic': '1' } })).toThrow('not in a separate kernel namespace');
  });

  test('a read-only root makes the /etc files read-only too', () => {
    const plan = planOf({ ReadonlyRootfs: true, AutoRemove: true });
    expect(plan.rootfs).toMatchObject({ readonly: true, volatile: true });
    expect(mountAt(plan, '/etc/hosts')).toMatchObject({ readonly: true });
  });

  test('the environment starts from PATH and HOSTNAME and never from the engine', () => {
    process.env['GANTRY_SECRET_TEST'] = 'leak';
    const config = {
      Hostname: 'web',
      Tty: true,
      Env: ['A=1', 'GANTRY_SECRET_TEST', 'PATH=/bin', 'HOSTNAME', 'B=x=y'],
    };
    expect(planOf({}, { config }).process.env.toSorted()).toEqual([
      'A=1',
      'B=x=y',
      'PATH=/bin',
      'TERM=xterm',
    ]);
    delete process.env['GANTRY_SECRET_TEST'];
  });
});

describe('the plan of an exec', () => {
  const request: ExecRequest = {
    id: 'e'.repeat(64),
    argv: ['id'],
    env: ['A=2'],
    cwd: '',
    user: '',
    tty: true,
    openStdin: true,
    privileged: false,
    rows: 24,
    columns: 80,
  };
  const container = {
    config: { Hostname: 'web', User: '1000', WorkingDir: '/app', Env: ['A=1'] },
    hostConfig: { CapDrop: ['ALL'] },
  };

  test("has the container's confinement, user and directory", () => {
    const { process } = buildExecPlan(container, request);
    expect(process).toMatchObject({ user: '1000', cwd: '/app', tty: true, rows: 24 });
    expect(process.capabilities.bounding).toBe(0n);
    expect(process.seccomp.length).toBeGreaterThan(0);
    expect(process.env).toEqual(expect.arrayContaining(['A=2', 'TERM=xterm', 'HOSTNAME=web']));
  });

  test('privileged gives all capabilities, and the request may name another user and directory', () => {
    const { process } = buildExecPlan(container, { ...request, privileged: true, user: '0', cwd: '/' });
    expect(process.capabilities.bounding).toBeGreaterThan(0xa80425fbn);
    expect(process).toMatchObject({ user: '0', cwd: '/' });
  });
});
