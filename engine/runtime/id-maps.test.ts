import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { mapText, outsideOf, readIdMaps } from './id-maps.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'gantry-ids-'));
afterAll(() => rmSync(directory, { recursive: true }));
const put = (name: string, text: string): string => {
  writeFileSync(path.join(directory, name), text);
  return path.join(directory, name);
};
const files = {
  passwd: put('passwd', 'root:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\n'),
  group: put('group', 'staff:x:50:\n'),
  subuid: put('subuid', '# a comment\nada:100000:65536\ndockremap:300000:1000\nada:500000:10\n'),
  subgid: put('subgid', '1000:200000:65536\ndockremap:300000:1000\nstaff:600000:5\n'),
};

describe('subordinate ids', () => {
  test.each([
    ['ada', '0 100000 65536\n65536 500000 10\n', '0 200000 65536\n'],
    ['1000:staff', '0 100000 65536\n65536 500000 10\n', '0 600000 5\n'],
    ['default', '0 300000 1000\n', '0 300000 1000\n'],
  ])('of %s', (remap, uids, gids) => {
    const maps = readIdMaps(remap, files);
    expect([mapText(maps.uids), mapText(maps.gids)]).toEqual([uids, gids]);
  });

  test('of somebody who has none are asked for in vain', () => {
    expect(() => readIdMaps('root', files)).toThrow('no subordinate ids of "root"');
    expect(() => readIdMaps('ada', { ...files, subuid: '/does/not/exist' })).toThrow(
      '--userns-remap: /does/not',
    );
  });

  test('are found from the inside', () => {
    const { uids } = readIdMaps('ada', files);
    expect([outsideOf(0, uids), outsideOf(65_540, uids), outsideOf(70_000, uids)]).toEqual([
      100_000,
      500_004,
      undefined,
    ]);
  });
});
