import { expect, test } from 'vitest';
import { parseMountTable } from '../lib/mount-table.ts';
import { mountOf, propagationOf } from './mount-propagation.ts';

const MOUNTINFO = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /with\\040space rw shared:7 master:2 - tmpfs none rw
31 22 0:26 / /data rw - tmpfs none rw
32 22 0:27 / /data rw master:3 - tmpfs none rw
`;

test.each([
  ['/etc', '/', ['shared:1']],
  ['/with space/x', '/with space', ['shared:7', 'master:2']],
  ['/data', '/data', ['master:3']],
  ['/database', '/', ['shared:1']],
])('%s is on the mount at %s', (file, point, fields) => {
  expect(mountOf(parseMountTable(MOUNTINFO), file)).toEqual({ point, fields });
});

test.each([
  ['/srv', '', 'rprivate'],
  ['/srv', 'shared', 'shared'],
  ['/var/lib/gantry2', '', 'rprivate'],
  ['/', '', 'rslave'],
  ['/var/lib/gantry/volumes', 'rshared', 'rshared'],
])('a bind of %s that asks for "%s" is %s', (source, propagation, expected) => {
  expect(propagationOf({ source, propagation }, '/var/lib/gantry')).toBe(expected);
});

test('a private bind of the data root is refused', () => {
  expect(() => propagationOf({ source: '/var/lib', propagation: 'rprivate' }, '/var/lib/gantry')).toThrow(
    'must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "/var/lib/gantry"',
  );
});
