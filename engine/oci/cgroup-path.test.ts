import { expect, it } from 'vitest';
import { cgroupOf } from './cgroup-path.ts';

it.each([
  [undefined, { id: 'c', parent: '/' }],
  ['/docker/abc', { id: 'abc', parent: '/docker' }],
  ['relative/abc', { id: 'abc', parent: '/relative' }],
  // SECURITY: never above a hierarchy's root.
  ['/../../abc', { id: 'abc', parent: '/' }],
])('cgroupsPath %j is %j', (path, expected) => {
  expect(cgroupOf(path, 'c', false)).toEqual(expected);
});

it('a name of systemd becomes the directories that systemd makes of it', () => {
  expect(cgroupOf('machine-a.slice:libpod:abc', 'c', true)).toEqual({
    id: 'libpod-abc.scope',
    parent: '/machine.slice/machine-a.slice',
  });
  expect(cgroupOf('-.slice::abc', 'c', true)).toEqual({ id: 'abc.scope', parent: '/' });
  expect(() => cgroupOf('a:b:c:d', 'c', true)).toThrow('slice:prefix:name');
});
