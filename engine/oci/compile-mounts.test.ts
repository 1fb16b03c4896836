import { expect, it } from 'vitest';
import type { CgroupDriver } from '../runtime/cgroup.ts';
import { compileMounts } from './compile-mounts.ts';

const cgroups = { mounts: () => [] } as unknown as CgroupDriver;
const compile = (mount: { destination: string; type?: string; source?: string; options?: string[] }) =>
  compileMounts([mount], { bundle: '/', cgroups })[0];

it('options are flags, propagation, or the filesystem’s own', () => {
  const options = ['nosuid', 'rw', 'ro', 'mode=755', 'size=1k', 'shared'];
  expect(compile({ destination: 'tmp', type: 'tmpfs', source: 'tmpfs', options })).toMatchObject({
    kind: 'filesystem',
    type: 'tmpfs',
    target: '/tmp',
    flags: ['nosuid', 'ro'],
    data: 'mode=755,size=1k',
    propagation: 'shared',
  });
});

it('a bind is one by its options, too, and its source is relative to the bundle', () => {
  expect(compile({ destination: '/x', type: 'none', source: 'etc', options: ['rbind', 'ro'] })).toMatchObject(
    {
      kind: 'bind',
      source: '/etc',
      recursive: true,
      readonly: true,
      create: 'directory',
      propagation: 'rprivate',
    },
  );
  expect(compile({ destination: '/x', type: 'bind', source: '/dev/null', options: ['bind'] })).toMatchObject({
    recursive: false,
    create: 'file',
  });
});

it('what is not there or not understood is refused', () => {
  expect(() => compile({ destination: '/x', type: 'bind', source: '/not-there' })).toThrow('no such file');
  expect(() => compile({ destination: '/x' })).toThrow('has no type');
  expect(() => compile({ destination: '/x', type: 'bind', source: '/', options: ['idmap'] })).toThrow(
    'id-mapped',
  );
});
