import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerCreateRequest, DeviceRequest, HostConfig } from '../wire/container.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { create, outputOf, shell, start } from './run-container.ts';

/** What the fields of a create request make of a container, as it sees it itself. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

interface Row {
  name: string;
  script: string;
  hostConfig?: HostConfig;
  config?: ContainerCreateRequest;
  expected: string | RegExp;
}

const MB = 1024 * 1024;

const rows: Row[] = [
  {
    name: 'Hostname and Domainname',
    script: 'hostname; cat /proc/sys/kernel/domainname',
    config: { Hostname: 'box', Domainname: 'example.org' },
    expected: 'box\nexample.org\n',
  },
  {
    name: 'WorkingDir, made when it is missing',
    script: 'pwd; stat -c "%u %a" .',
    config: { WorkingDir: '/made//here/' },
    expected: '/made/here\n0 755\n',
  },
  {
    name: 'User with a group, GroupAdd',
    script: 'id -u; id -g; id -G',
    config: { User: '1234:5678' },
    hostConfig: { GroupAdd: ['mail', '999'] },
    expected: /^1234\n5678\n5678 8 999\n$/,
  },
  { name: 'Env', script: 'echo $A-$B-', config: { Env: ['A=1', 'B'] }, expected: '1--\n' },
  {
    name: 'ReadonlyRootfs with Tmpfs',
    script: 'touch /x || echo ro; touch /run/x && echo rw',
    hostConfig: { ReadonlyRootfs: true, Tmpfs: { '/run': 'size=1m' } },
    expected: /ro\nrw\n$/,
  },
  {
    name: 'Tmpfs with options',
    script: 'mount | grep " /t "',
    hostConfig: { Tmpfs: { '/t': 'rw,size=2m,mode=1770,exec,nr_inodes=100' } },
    expected: /^tmpfs on \/t type tmpfs \(rw,nosuid,nodev,.*size=2048k,nr_inodes=100,mode=1770/,
  },
  {
    name: 'a tmpfs that keeps the mode of the directory under it',
    script: 'stat -c %a /root /new',
    hostConfig: { Tmpfs: { '/root': '', '/new': '' } },
    expected: '700\n1777\n',
  },
  {
    name: 'a mount of type tmpfs',
    script: 'mount | grep " /t "',
    hostConfig: {
      Mounts: [
        {
          Type: 'tmpfs',
          Target: '/t',
          ReadOnly: true,
          TmpfsOptions: { SizeBytes: MB, Mode: 0o700, Options: [['exec']] },
        },
      ],
    },
    expected: /^tmpfs on \/t type tmpfs \(ro,nosuid,nodev,relatime,size=1024k,mode=700/,
  },
  {
    name: 'ShmSize',
    script: 'df -k /dev/shm | tail -1 | awk "{print \\$2}"',
    hostConfig: { ShmSize: 3 * MB },
    expected: '3072\n',
  },
  {
    name: 'IpcMode none',
    script: 'mount | grep -c " /dev/shm "',
    hostConfig: { IpcMode: 'none' },
    expected: '0\n',
  },
  {
    name: 'capabilities with and without prefix',
    script: 'grep CapBnd /proc/self/status',
    hostConfig: { CapDrop: ['all'], CapAdd: ['net_raw', 'CAP_CHOWN'] },
    expected: 'CapBnd:\t0000000000002001\n',
  },
  {
    name: 'ALL but one',
    script: 'grep CapBnd /proc/self/status',
    hostConfig: { CapAdd: ['ALL'], CapDrop: ['CHOWN', 'SYS_ADMIN'] },
    expected: /[02468ace]\n$/,
  },
  {
    name: 'no-new-privileges=false',
    script: 'grep NoNewPrivs /proc/self/status',
    hostConfig: { SecurityOpt: ['no-new-privileges', 'no-new-privileges=false'] },
    expected: 'NoNewPrivs:\t0\n',
  },
  {
    name: 'paths that the request itself masks and protects',
    script: '/bin/busybox true; ls /root | wc -l; touch /tmp/x 2>/dev/null || echo ro; wc -c < /proc/keys',
    hostConfig: { MaskedPaths: ['/root'], ReadonlyPaths: ['/tmp'] },
    expected: /^0\nro\n(?!0\n)\d+\n$/,
  },
  {
    name: 'Sysctls',
    script: 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max',
    hostConfig: {
      Sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4096', 'fs.mqueue.msg_max': '7' },
    },
    expected: '1\n4096\n7\n',
  },
  {
    name: 'Ulimits',
    script: 'ulimit -n; ulimit -Hn; ulimit -c',
    hostConfig: {
      Ulimits: [
        { Name: 'nofile', Soft: 64, Hard: 128 },
        { Name: 'core', Soft: 0, Hard: -1 },
      ],
    },
    expected: '64\n128\n0\n',
  },
  {
    name: 'Devices and their rights',
    script: 'ls -l /dev/l | cut -c1; (: > /dev/l) 2>/dev/null || echo refused; : < /dev/l && echo read',
    hostConfig: {
      Devices: [{ PathOnHost: '/dev/loop0', PathInContainer: '/dev/l', CgroupPermissions: 'r' }],
    },
    expected: 'b\nrefused\nread\n',
  },
  {
    name: 'DeviceCgroupRules',
    script: 'mknod /loop b 7 0; dd if=/loop of=/dev/null count=0 2>/dev/null && echo opened',
    hostConfig: { DeviceCgroupRules: ['b 7:* r'] },
    expected: 'opened\n',
  },
  {
    name: 'Init',
    script: 'cat /proc/1/comm; echo $$',
    hostConfig: { Init: true },
    expected: /^(?!1\n).*\n(?!1\n)\d+\n$/,
  },
  {
    name: 'UTSMode host',
    script: 'readlink /proc/self/ns/uts',
    hostConfig: { UTSMode: 'host' },
    expected: execFileSync('readlink', ['/proc/self/ns/uts'], { encoding: 'utf8' }),
  },
  {
    name: 'PidMode host',
    script: 'readlink /proc/self/ns/pid',
    hostConfig: { PidMode: 'host' },
    expected: execFileSync('readlink', ['/proc/self/ns/pid'], { encoding: 'utf8' }),
  },
  {
    name: 'IpcMode host, with its memory',
    script: 'readlink /proc/self/ns/ipc; stat -c %d /dev/shm',
    hostConfig: { IpcMode: 'host' },
    expected: execFileSync('sh', ['-c', 'readlink /proc/self/ns/ipc; stat -c %d /dev/shm'], {
      encoding: 'utf8',
    }),
  },
  {
    name: 'NetworkDisabled',
    script: 'ls /sys/class/net',
    config: { NetworkDisabled: true },
    hostConfig: { NetworkMode: 'bridge' },
    expected: 'lo\n',
  },
  {
    name: 'extra hosts',
    script: 'grep -c "10.1.2.3.*there" /etc/hosts',
    hostConfig: { ExtraHosts: ['there:10.1.2.3'], NetworkMode: 'bridge' },
    expected: '1\n',
  },
  {
    name: 'name servers',
    script: 'cat /etc/resolv.conf',
    hostConfig: {
      Dns: ['192.0.2.7'],
      DnsSearch: ['example.org'],
      DnsOptions: ['ndots:3'],
      NetworkMode: 'bridge',
    },
    expected: /nameserver 192\.0\.2\.7[^]*search example\.org[^]*options ndots:3/,
  },
];

describe('of a create request', () => {
  test.each(rows)('$name', async ({ script, hostConfig, config, expected }) => {
    const output = await outputOf(engine, shell(script, hostConfig, config));
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
  });

  test('names are found in any case, keys of maps are left alone', async () => {
    const { id } = await create(engine, {
      image: 'busybox',
      cmd: ['true'],
      LABELS: { Image: 'x' },
      hostconfig: { memory: 64 * MB, restartpolicy: { name: 'always' } },
    });
    const { json } = await engine.api<{ Config: ContainerCreateRequest; HostConfig: HostConfig }>(
      'GET',
      `/containers/${id}/json`,
    );
    expect(json.Config.Labels).toEqual({ Image: 'x' });
    expect(json.HostConfig).toMatchObject({ Memory: 64 * MB, RestartPolicy: { Name: 'always' } });
  });
});

describe('what mounts show', () => {
  let host: string;
  beforeAll(() => {
    host = path.join(engine.directory, 'host');
    mkdirSync(path.join(host, 'below'), { recursive: true });
    writeFileSync(path.join(host, 'file'), 'host\n');
    execFileSync('mount', ['-t', 'tmpfs', 'gantry-test', path.join(host, 'below')]);
  });
  afterAll(() => {
    execFileSync('umount', [path.join(host, 'below')]);
  });
  const bind = (more: HostConfig['Mounts'] = [], binds: string[] = []): HostConfig => ({
    Mounts: more,
    Binds: binds,
  });
  const writes = 'touch /h/x 2>/dev/null && echo top; touch /h/below/x 2>/dev/null && echo below; echo end';

  test('of a read-only bind is read-only to the bottom, unless asked otherwise', async () => {
    const mount = { Type: 'bind', Source: host, Target: '/h', ReadOnly: true };
    expect(await outputOf(engine, shell(writes, bind([], [`${host}:/h:ro`])))).toBe('end\n');
    expect(await outputOf(engine, shell(writes, bind([mount])))).toBe('end\n');
    const force = { ...mount, BindOptions: { ReadOnlyForceRecursive: true, Propagation: 'rprivate' } };
    expect(await outputOf(engine, shell(writes, bind([force])))).toBe('end\n');
    const shallow = { ...mount, BindOptions: { ReadOnlyNonRecursive: true } };
    expect(await outputOf(engine, shell(writes, bind([shallow])))).toBe('below\nend\n');
    expect(await outputOf(engine, shell(writes, bind([], [`${host}:/h:ro`])), '/v1.43')).toBe('below\nend\n');
    const flat = { Type: 'bind', Source: host, Target: '/h', BindOptions: { NonRecursive: true } };
    expect(await outputOf(engine, shell('mount | grep -c " /h/below "', bind([flat])))).toBe('0\n');
  });

  test('of a part of a volume stays inside it, whatever links are there', async () => {
    const script =
      'mkdir -p /v/sub/deep; echo deep > /v/sub/deep/file; ln -s /etc /v/out; ln -s sub/deep /v/in';
    await outputOf(engine, shell(script, bind([{ Type: 'volume', Source: 'parts', Target: '/v' }])));
    const part = (Subpath: string): HostConfig =>
      bind([{ Type: 'volume', Source: 'parts', Target: '/p', VolumeOptions: { Subpath } }]);
    expect(await outputOf(engine, shell('cat /p/file', part('sub/deep')))).toBe('deep\n');
    expect(await outputOf(engine, shell('cat /p/file', part('in')))).toBe('deep\n');
    expect(await outputOf(engine, shell('cat /p', part('sub/deep/file')))).toBe('deep\n');
    await expect(outputOf(engine, shell('ls /p', part('out')))).rejects.toThrow('cannot access subpath out');
    await expect(outputOf(engine, shell('ls /p', part('../x')))).rejects.toThrow(
      '400 invalid mount config for type "volume": subpath must be a relative path within the volume',
    );
    await engine.api('DELETE', '/volumes/parts');
  });

  test('of an image is its files, read-only, and keeps it from being removed', async () => {
    const image = (Subpath = ''): HostConfig =>
      bind([{ Type: 'image', Source: 'busybox', Target: '/i', ImageOptions: { Subpath } }]);
    const { id } = await create(engine, shell('sleep 1000'));
    await engine.api('PUT', `/containers/${id}/archive?path=/`, tarOf('etc/made', 'made'), {
      'Content-Type': 'application/x-tar',
    });
    await engine.api('POST', `/commit?container=${id}&repo=two-layers`);
    const script = 'ls /i/bin | grep -c "^sh$"; touch /i/x 2>/dev/null || echo ro';
    expect(await outputOf(engine, shell(script, image()))).toBe('1\nro\n');
    expect(await outputOf(engine, shell('ls /i | grep -c "^sh$"', image('bin')))).toBe('1\n');
    const old = create(engine, shell('true', image()), '/v1.47');
    await expect(old).rejects.toThrow('400 Mount type "Image" needs API v1.48 or newer');
  });

  test('go on where the host hands mounts on, and are told of in the log where it does not', async () => {
    const shared = path.join(engine.directory, 'shared');
    mkdirSync(path.join(shared, 'late'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'gantry-test', shared]);
    execFileSync('mount', ['--make-shared', shared]);
    try {
      mkdirSync(path.join(shared, 'late'));
      const slave = { Type: 'bind', Source: shared, Target: '/h', BindOptions: { Propagation: 'rslave' } };
      const wait = 'until mount | grep -q " /h/late "; do sleep 0.1; done; echo seen';
      const output = outputOf(engine, shell(wait, bind([slave])));
      await expect.poll(async () => engine.dockerOk('ps', '-q')).not.toBe('');
      execFileSync('mount', ['-t', 'tmpfs', 'gantry-test', path.join(shared, 'late')]);
      expect(await output).toBe('seen\n');
    } finally {
      execFileSync('umount', ['-R', shared]);
    }
    const alone = { Type: 'bind', Source: host, Target: '/h', BindOptions: { Propagation: 'rshared' } };
    execFileSync('mount', ['-t', 'tmpfs', 'gantry-test', path.join(host, 'below')]);
    execFileSync('mount', ['--make-private', path.join(host, 'below')]);
    try {
      const below = { ...alone, Source: path.join(host, 'below') };
      expect(await outputOf(engine, shell('echo ok', bind([below])))).toBe('ok\n');
      expect(engine.log()).toContain('but it is not a shared mount');
    } finally {
      execFileSync('umount', [path.join(host, 'below')]);
    }
  });

  test('and the mountpoint that is to be made for it', async () => {
    const source = path.join(host, 'missing/dir');
    const mount = { Type: 'bind', Source: source, Target: '/h' };
    await expect(create(engine, shell('true', bind([mount])))).rejects.toThrow(
      `400 invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
    const made = { ...mount, BindOptions: { CreateMountpoint: true } };
    expect(await outputOf(engine, shell('touch /h/x && echo ok', bind([made])))).toBe('ok\n');
    symlinkSync('/proc', path.join(host, 'to-proc'));
    const nested = bind([], [`${host}:/a`, `${host}:/a/to-proc`]);
    await expect(outputOf(engine, shell('ls /proc/1', nested))).rejects.toThrow('mounted over');
  });
});

/** One file, as tar makes it. */
function tarOf(name: string, text: string): Buffer {
  const directory = path.join(engine.directory, 'tar');
  mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
  writeFileSync(path.join(directory, name), text);
  return execFileSync('tar', ['-C', directory, '-c', name]);
}

test('devices that a driver chooses: those of CDI files, and no other driver', async () => {
  const vendor = `gantry-${engine.cgroupParent}.test`;
  const file = `/var/run/cdi/${vendor}.json`;
  mkdirSync('/var/run/cdi', { recursive: true });
  writeFileSync(
    file,
    JSON.stringify({
      cdiVersion: '0.6.0',
      kind: `${vendor}/loop`,
      devices: [
        {
          name: 'one',
          containerEdits: { deviceNodes: [{ path: '/dev/one', hostPath: '/dev/loop0', permissions: 'r' }] },
        },
      ],
      containerEdits: { env: ['FROM_CDI=1'], additionalGids: [77] },
    }),
  );
  try {
    const asked = (...requests: DeviceRequest[]) =>
      outputOf(
        engine,
        shell('echo $FROM_CDI; id -G; : < /dev/one && echo read', { DeviceRequests: requests }),
      );
    expect(await asked({ Driver: 'cdi', DeviceIDs: [`${vendor}/loop=one`] })).toBe('1\n0 77\nread\n');
    await expect(asked({ Driver: 'cdi', DeviceIDs: ['nobody.test/x=y'] })).rejects.toThrow(
      'CDI device injection failed: unresolvable CDI devices nobody.test/x=y',
    );
    await expect(asked({ Count: -1, Capabilities: [['gpu']] })).rejects.toThrow(
      'could not select device driver "" with capabilities: [[gpu]]',
    );
  } finally {
    rmSync(file);
  }
});

test('an AppArmor profile that is not loaded fails the start; without AppArmor it is a warning', async () => {
  const enabled = '/sys/module/apparmor/parameters/enabled';
  const hasAppArmor = existsSync(enabled) && readFileSync(enabled, 'latin1').startsWith('Y');
  const request = shell('echo ran', { SecurityOpt: ['apparmor=gantry-not-loaded'] });
  const { warnings } = await create(engine, request);
  if (hasAppArmor) {
    expect(warnings).toEqual([]);
    await expect(outputOf(engine, request)).rejects.toThrow('apparmor failed to apply profile');
  } else {
    expect(warnings).toEqual([
      'AppArmor is not enabled on this host: security option apparmor=gantry-not-loaded is ignored',
    ]);
    expect(await outputOf(engine, request)).toBe('ran\n');
  }
  const unconfined = shell('echo ran', { SecurityOpt: ['apparmor=unconfined'] });
  expect(await outputOf(engine, unconfined)).toBe('ran\n');
});

describe('namespaces of another container', () => {
  test('are joined, with the memory that is shared', async () => {
    const donor = shell('echo hello > /dev/shm/x; sleep 1000', { IpcMode: 'shareable' });
    const { id } = await create(engine, { ...donor, Hostname: 'donor' });
    await start(engine, id);
    const shared: HostConfig = {
      IpcMode: `container:${id}`,
      PidMode: `container:${id}`,
      NetworkMode: `container:${id}`,
    };
    await expect
      .poll(() => outputOf(engine, shell('cat /dev/shm/x; hostname; ps | grep -c "[s]leep 1000"', shared)))
      .toMatch(/^hello\ndonor\n[1-9]\n$/);
    await engine.api('DELETE', `/containers/${id}?force=1`);
  });

  test('are refused of a container that keeps them private or does not run', async () => {
    const { id } = await create(engine, shell('sleep 1000'));
    const joining = () => outputOf(engine, shell('true', { IpcMode: `container:${id}` }));
    await expect(joining()).rejects.toThrow(`409 container ${id} is not running`);
    await start(engine, id);
    await expect(joining()).rejects.toThrow('non-shareable IPC (hint: use IpcMode:shareable');
    await engine.api('DELETE', `/containers/${id}?force=1`);
  });
});
