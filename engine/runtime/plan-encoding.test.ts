import { describe, expect, it } from 'vitest';
import { encodeContainerPlan, encodeExecPlan, encodeNetworkChange } from './plan-encoding.ts';
import type { ContainerPlan } from './plan.ts';

/** Every field differs from its neighbours, so that a swapped pair shows. native/tests/plan_test.c expects the same. */
const SAMPLE: ContainerPlan = {
  id: 'c0ffee',
  runDirectory: '/run/gantry/containers/c0ffee',
  hostname: 'host',
  domainname: 'domain',
  namespaces: {
    pid: { kind: 'new' },
    network: { kind: 'join', pid: 4711 },
    ipc: { kind: 'host' },
    uts: { kind: 'new' },
    cgroup: { kind: 'host' },
  },
  cgroup: {
    directories: ['/sys/fs/cgroup/a', '/sys/fs/cgroup/a/b'],
    writes: [
      { file: '/sys/fs/cgroup/a/b/pids.max', value: '100' },
      { file: '/sys/fs/cgroup/a/b/memory.max', value: 'max', optional: true },
    ],
    join: ['/sys/fs/cgroup/a/b/cgroup.procs'],
    killFile: '/sys/fs/cgroup/a/b/cgroup.kill',
    deviceProgram: {
      directory: '/sys/fs/cgroup/a/b',
      instructions: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
    },
    oomFile: '/sys/fs/cgroup/a/b/memory.events',
  },
  rootfs: { lower: ['/init', '/l2', '/l1'], upper: '/upper', work: '/work', volatile: true, readonly: false },
  mounts: [
    {
      kind: 'filesystem',
      type: 'tmpfs',
      target: '/tmp',
      flags: ['nosuid', 'nodev', 'noatime'],
      data: 'size=1m',
      copyUp: true,
    },
    {
      kind: 'bind',
      source: '/src',
      target: '/dst',
      recursive: true,
      readonly: true,
      flags: ['noexec'],
      propagation: 'rslave',
      create: 'file',
    },
    {
      kind: 'cgroup-v1',
      target: '/sys/fs/cgroup',
      readonly: true,
      hierarchies: [{ name: 'cpu,cpuacct', options: 'cpu,cpuacct', hostMount: '/sys/fs/cgroup/cpu' }],
      symlinks: [{ name: 'cpu', to: 'cpu,cpuacct' }],
    },
  ],
  devices: [{ path: '/dev/null', type: 'c', major: 1, minor: 3, mode: 0o666, uid: 5, gid: 6 }],
  maskedPaths: ['/proc/kcore', '/proc/keys'],
  readonlyPaths: ['/proc/sys'],
  sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }],
  interfaces: [
    {
      kind: 'veth',
      mode: 0,
      hostName: 'veth1',
      link: 'br0',
      containerName: 'eth0',
      mac: '02:42:ac:11:00:02',
      mtu: 1500,
      addresses: ['172.17.0.2/16', 'fd00::2/64'],
      gateway4: '172.17.0.1',
      gateway6: 'fd00::1',
      sysctls: [{ name: 'net.ipv4.conf.eth0.log_martians', value: '1' }],
    },
  ],
  resolver: { directory: '/run/dns', id: 'c0ffee', port: 65453, rules: Uint8Array.from([1, 2, 3]) },
  init: true,
  process: {
    argv: ['sh', '-c', 'true'],
    env: ['PATH=/bin', 'NAME=välue'],
    cwd: '/work dir',
    user: 'alice:staff',
    additionalGroups: ['audio'],
    capabilities: { bounding: 0xa80425fbn, effective: 0x1_0000_0001n, permitted: 3n, ambient: 4n },
    noNewPrivileges: true,
    apparmor: 'docker-default',
    seccomp: Uint8Array.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f]),
    rlimits: [{ resource: 7, soft: 1024n, hard: 0xffff_ffff_ffff_ffffn }],
    oomScoreAdj: -5,
    tty: true,
    rows: 24,
    columns: 80,
    openStdin: true,
    stdinOnce: false,
  },
  log: {
    format: 'entries',
    path: '/log',
    maxBytes: 10_000_000_000,
    maxFiles: 3,
    attributes: '{"a":"b"}',
    compress: true,
    hold: true,
  },
  user: {
    uidMap: '0 100000 65536\n',
    gidMap: '0 200000 65536\n',
    rootUid: 100_000,
    rootGid: 200_000,
    joinPid: 0,
  },
  external: {
    command: ['/usr/sbin/runc', '--root', '/state'],
    hidden: ['/sys/fs/cgroup/unified'],
    config: { head: '{"user":', tail: '}' },
  },
  oci: {
    rootPropagation: 'rslave',
    noPivot: true,
    noNewKeyring: false,
    umask: 0o27,
    personality: 8,
    preservedDescriptors: 2,
    mount: { kind: 'new' },
    user: { kind: 'host' },
    uidMap: '0 1000 1',
    gidMap: '0 1001 1',
    time: { kind: 'path', path: '/proc/7/ns/time' },
    timeOffsets: 'boottime 1 2',
    hooks: [
      {
        moment: 'createContainer',
        path: '/bin/hook',
        argv: ['hook', 'a'],
        env: ['A=b'],
        timeoutMs: 3000,
        state: { head: '{"pid":', tail: ',"id":"x"}' },
      },
    ],
  },
};

describe('the plan on the wire', () => {
  it('is the one that the C decoder is tested with', async () => {
    await expect(encodeContainerPlan(SAMPLE).toString('hex')).toMatchFileSnapshot(
      'native/tests/sample-plan.hex',
    );
  });

  it('is the one that the C decoder is tested with, for an exec', async () => {
    const plan = encodeExecPlan({
      id: 'e4ec',
      process: { ...SAMPLE.process, oomScoreAdj: null, tty: false },
      document: { head: '{"args":[],"user":', tail: ',"cwd":"/"}' },
    });
    await expect(plan.toString('hex')).toMatchFileSnapshot('native/tests/sample-exec.hex');
  });

  it('is the one that the C decoder is tested with, for a change of the network', async () => {
    const change = encodeNetworkChange({
      oldRoutes: [{ containerName: 'eth0', gateway4: '172.17.0.1', gateway6: '' }],
      removed: [
        { hostName: 'veth1', containerName: 'eth0' },
        { hostName: '', containerName: 'eth1' },
      ],
      added: SAMPLE.interfaces,
      newRoutes: [{ containerName: 'eth2', gateway4: 'dev', gateway6: 'fd00::1' }],
      resolver: null,
    });
    await expect(change.toString('hex')).toMatchFileSnapshot('native/tests/sample-network.hex');
  });

  it('refuses a NUL, which would cut a string short in C', () => {
    const process = { ...SAMPLE.process, argv: ['a\0b'] };
    expect(() => encodeContainerPlan({ ...SAMPLE, process })).toThrow(/NUL/);
  });

  it('refuses what the zygote would not read', () => {
    const process = { ...SAMPLE.process, env: [`BIG=${'x'.repeat(1 << 20)}`] };
    expect(() => encodeContainerPlan({ ...SAMPLE, process })).toThrow(/exceed 1048576 bytes/);
  });
});
