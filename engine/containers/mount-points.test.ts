import { describe, expect, it } from 'vitest';
import { planMounts } from './mount-points.ts';
import type { MountPoint } from './record.ts';

const none = (): MountPoint[] => [];

describe('planMounts', () => {
  it('makes a missing source for -v and refuses it for --mount', () => {
    const [bind] = planMounts({}, { Binds: ['/does/not/exist:/data:ro'] }, none);
    expect(bind).toMatchObject({ type: 'bind', createSource: true, readonly: true });
    const mount = { Type: 'bind', Source: '/does/not/exist', Target: '/data' };
    expect(() => planMounts({}, { Mounts: [mount] }, none)).toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /does/not/exist',
    );
  });

  it('refuses two mounts on one place', () => {
    expect(() => planMounts({}, { Binds: ['a1:/x', '/tmp:/x/'] }, none)).toThrow('Duplicate mount point: /x');
    expect(() => planMounts({}, { Binds: ['a1:/x'], Tmpfs: { '/x': '' } }, none)).toThrow(
      'Duplicate mount point: /x',
    );
  });

  it('adds anonymous volumes of the image only where nothing is mounted', () => {
    const mounts = planMounts({ Volumes: { '/data': {}, '/cache': {} } }, { Binds: ['mine:/data'] }, none);
    expect(mounts.map(({ destination, anonymous }) => [destination, anonymous])).toEqual([
      ['/data', false],
      ['/cache', true],
    ]);
  });

  it('takes the place of an image volume for a path, whatever it looks like', () => {
    const mounts = planMounts(
      { Volumes: { '/etc:/host': {}, 'name:/data': {}, '/a/../b:ro': {} } },
      {},
      none,
    );
    expect(mounts.map(({ type, anonymous, destination }) => [type, anonymous, destination])).toEqual([
      ['volume', true, '/b:ro'],
      ['volume', true, '/etc:/host'],
      ['volume', true, '/name:/data'],
    ]);
    expect(() => planMounts({ Volumes: { '/a/..': {} } }, {}, none)).toThrow("destination can't be '/'");
  });

  it('takes over the mounts of another container, overridden by its own', () => {
    const [origin] = planMounts({}, { Binds: ['shared:/data'] }, none);
    const mounts = planMounts({}, { VolumesFrom: ['web:ro'], Binds: ['own:/own'] }, () => [
      origin as MountPoint,
    ]);
    expect(mounts[0]).toMatchObject({ destination: '/data', readonly: true, specification: 'volumes-from' });
    expect(mounts).toHaveLength(2);
  });

  it('orders parents before what lies inside them', () => {
    const mounts = planMounts({}, { Binds: ['a1:/a/b/c', 'b1:/a'] }, none);
    expect(mounts.map((mount) => mount.destination)).toEqual(['/a', '/a/b/c']);
  });

  it('turns tmpfs requests into mount options', () => {
    const mount = { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096, Mode: 0o1770 } };
    expect(planMounts({}, { Mounts: [mount] }, none)[0]).toMatchObject({
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
    expect(() => planMounts({}, { Mounts: [mount] }, none)).toThrow(text);
  });
});
