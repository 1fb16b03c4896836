import { describe, expect, it } from 'vitest';
import type { ContainerConfig, HostConfig } from '../wire/container.ts';
import { planMounts } from './mount-points.ts';
import type { PlannedMount } from './mount-request.ts';
import type { MountPoint } from './record.ts';

const plan = (
  config: ContainerConfig,
  hostConfig: HostConfig,
  mountsOf: (container: string) => MountPoint[] = () => [],
): PlannedMount[] =>
  planMounts(config, hostConfig, mountsOf, { readonlyNonRecursive: false, dataRoot: '/var/lib/gantry' });

describe('planMounts', () => {
  it('makes a missing source for -v and refuses it for --mount', () => {
    const [bind] = plan({}, { Binds: ['/does/not/exist:/data:ro'] });
    expect(bind).toMatchObject({ type: 'bind', createSource: true, readonly: true });
    const mount = { Type: 'bind', Source: '/does/not/exist', Target: '/data' };
    expect(() => plan({}, { Mounts: [mount] })).toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /does/not/exist',
    );
  });

  it('refuses two mounts on one place', () => {
    expect(() => plan({}, { Binds: ['a1:/x', '/tmp:/x/'] })).toThrow('Duplicate mount point: /x');
    expect(() => plan({}, { Binds: ['a1:/x'], Tmpfs: { '/x': '' } })).toThrow('Duplicate mount point: /x');
  });

  it('adds anonymous volumes of the image only where nothing is mounted', () => {
    const mounts = plan({ Volumes: { '/data': {}, '/cache': {} } }, { Binds: ['mine:/data'] });
    expect(mounts.map(({ destination, anonymous }) => [destination, anonymous])).toEqual([
      ['/data', false],
      ['/cache', true],
    ]);
  });

  it('takes the place of an image volume for a path, whatever it looks like', () => {
    const mounts = plan({ Volumes: { '/etc:/host': {}, 'name:/data': {}, '/a/../b:ro': {} } }, {});
    expect(mounts.map(({ type, anonymous, destination }) => [type, anonymous, destination])).toEqual([
      ['volume', true, '/b:ro'],
      ['volume', true, '/etc:/host'],
      ['volume', true, '/name:/data'],
    ]);
    expect(() => plan({ Volumes: { '/a/..': {} } }, {})).toThrow("destination can't be '/'");
  });

  it('takes over the mounts of another container, overridden by its own', () => {
    const [origin] = plan({}, { Binds: ['shared:/data'] });
    const mounts = plan({}, { VolumesFrom: ['web:ro'], Binds: ['own:/own'] }, () => [origin as MountPoint]);
    expect(mounts[0]).toMatchObject({ destination: '/data', readonly: true, specification: 'volumes-from' });
    expect(mounts).toHaveLength(2);
  });

  it('orders parents before what lies inside them', () => {
    const mounts = plan({}, { Binds: ['a1:/a/b/c', 'b1:/a'] });
    expect(mounts.map((mount) => mount.destination)).toEqual(['/a', '/a/b/c']);
  });

  it('turns tmpfs requests into mount options', () => {
    const mount = { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096, Mode: 0o1770 } };
    expect(plan({}, { Mounts: [mount] })[0]).toMatchObject({
      type: 'tmpfs',
      options: 'size=4096,mode=1770',
    });
  });

  it.each([
    [{ Type: 'bind', Source: '/tmp' }, 'field Target must not be empty'],
    [{ Type: 'bind', Target: '/x' }, 'field Source must not be empty'],
    [{ Type: 'tmpfs', Target: '/x', Source: 'a' }, 'field Source must not be specified'],
    [{ Type: 'npipe', Target: '/x' }, 'invalid mount config for type "npipe": mount type unknown'],
    [{ Type: 'volume', Target: 'x' }, 'mount path must be absolute'],
  ])('refuses %j', (mount, text) => {
    expect(() => plan({}, { Mounts: [mount] })).toThrow(text);
  });
});
