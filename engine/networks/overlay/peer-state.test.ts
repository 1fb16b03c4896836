import { expect, test } from 'vitest';
import { checkState } from './peer-state.ts';
import { toReplica } from './replica.ts';

const id = 'a'.repeat(64);
const overlay = { vni: 4711, home: '192.0.2.1', members: ['192.0.2.1', '192.0.2.2'] };
const record = {
  id,
  name: 'shared',
  driver: 'overlay' as const,
  createdAt: '2026-01-02T03:04:05.000Z',
  internal: false,
  attachable: true,
  enableIpv4: true,
  enableIpv6: false,
  labels: { tier: 'back' },
  options: {},
  ipamOptions: null,
  configOnly: false,
  configFrom: '',
  pools: {
    ipv4: { subnet: '10.9.0.0/24', range: '', gateway: '10.9.0.1', auxiliary: {}, asked: true },
  },
  overlay,
  bridge: { linkName: `gb-${'a'.repeat(10)}` },
};
const endpoint = {
  networkId: id,
  containerName: 'web',
  names: ['web', 'www'],
  ipv4: '10.9.0.2',
  ipv6: '',
  mac: '02:42:0a:09:00:02',
};
const replica = toReplica(record, overlay);

test('a network comes back from a peer as it was made', () => {
  const wire: unknown = JSON.parse(
    JSON.stringify({ networks: [replica], endpoints: [endpoint], claims: [] }),
  );
  expect(checkState(wire)).toEqual({ networks: [record], endpoints: [endpoint], claims: [] });
});

test.each([
  ['a MAC address that is another argument', { ...endpoint, mac: '02:42:0a:09:00:02 dev lo' }],
  ['an address that is none', { ...endpoint, ipv4: '10.9.0.2 dev lo' }],
  ['a name that ends a line', { ...endpoint, names: ['web\nA other 10.9.0.9'] }],
  ['a container name with a blank', { ...endpoint, containerName: 'web 1' }],
  ['an id that is a path', { ...endpoint, networkId: '../../../etc/passwd' }],
])('SECURITY: %s is refused', (_what, bad) => {
  expect(() => checkState({ networks: [], endpoints: [bad], claims: [] })).toThrow();
});

test.each([
  ['another driver', { ...replica, request: { ...replica.request, Driver: 'bridge' } }],
  ['an id that is a path', { ...replica, id: '../x' }],
  ['a VXLAN id out of range', { ...replica, overlay: { ...overlay, vni: 2 ** 24 } }],
  ['a home that is no member', { ...replica, overlay: { ...overlay, home: '192.0.2.9' } }],
  [
    'a subnet that is none',
    { ...replica, request: { ...replica.request, IPAM: { Config: [{ Subnet: 'x' }] } } },
  ],
])('SECURITY: a network with %s is refused', (_what, bad) => {
  expect(() => checkState({ networks: [bad], endpoints: [], claims: [] })).toThrow();
});

test.each([undefined, null, [], 'state', { networks: {} }, { networks: [], endpoints: [], claims: [null] }])(
  'what is no state at all is refused: %j',
  (bad) => {
    expect(() => checkState(bad)).toThrow();
  },
);
