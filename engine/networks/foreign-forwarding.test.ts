import { expect, test } from 'vitest';
import { openingBatch, parseForwarding } from './foreign-forwarding.ts';

const LISTING = JSON.stringify({
  nftables: [
    { metainfo: { json_schema_version: 1 } },
    { table: { family: 'ip', name: 'filter', handle: 1 } },
    { chain: { family: 'ip', table: 'filter', name: 'FORWARD', handle: 2, hook: 'forward', policy: 'drop' } },
    { chain: { family: 'ip', table: 'filter', name: 'DOCKER-USER', handle: 3 } },
    {
      rule: { family: 'ip', table: 'filter', chain: 'DOCKER-USER', handle: 7, comment: 'gantry_a', expr: [] },
    },
    {
      rule: { family: 'ip', table: 'filter', chain: 'DOCKER-USER', handle: 8, comment: 'gantry_b', expr: [] },
    },
    { rule: { family: 'ip', table: 'filter', chain: 'DOCKER-USER', handle: 9, expr: [] } },
  ],
});

test("Docker's policy is seen, and only our own rules are ours", () => {
  expect(parseForwarding(LISTING, 'gantry_a')).toEqual({
    drops: true,
    dockerUser: true,
    ours: [{ chain: 'DOCKER-USER', handle: 7 }],
  });
});

test('our old rules are replaced, and Docker bridges are not opened to our containers', () => {
  expect(
    openingBatch([{ chain: 'FORWARD', handle: 7 }], 'gantry_a', ['gantry0'], 'DOCKER-USER')
      .trim()
      .split('\n'),
  ).toEqual([
    'delete rule ip filter FORWARD handle 7',
    'insert rule ip filter DOCKER-USER oifname "gantry0" accept comment "gantry_a"',
    'insert rule ip filter DOCKER-USER iifname "gantry0" oifname != "docker0" oifname != "br-*" accept comment "gantry_a"',
  ]);
  expect(openingBatch([], 'gantry_a', [], 'FORWARD')).toBe('');
});
