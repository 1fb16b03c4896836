import { expect, test } from 'vitest';
import type { EndpointSettings } from '../wire/container.ts';
import { AddressPool } from './address-pool.ts';
import { allocateAddresses, checkEndpoint } from './endpoint-request.ts';
import { checkSettings } from './endpoint-settings.ts';
import type { Network } from './network-registry.ts';
import { poolOf } from './network-specification.ts';
import { formatAddress, parseAddress, parseSubnet, type Address } from './subnet.ts';

function network(name: string, asked: boolean): Network {
  const subnets = ['10.9.0.0/24', 'fd00:9::/64'].map((text) => parseSubnet(text) ?? expect.fail());
  const [ipv4, ipv6] = subnets.map((subnet) => {
    const pool = poolOf(subnet, asked);
    const gateway = parseAddress(pool.gateway) ?? expect.fail();
    return { pool, addresses: new AddressPool(subnet, subnet, [gateway]) };
  });
  if (!ipv4 || !ipv6) expect.fail();
  return {
    addresses: { ipv4: ipv4.addresses, ipv6: ipv6.addresses },
    record: {
      id: 'f'.repeat(64),
      name,
      driver: 'bridge',
      createdAt: '',
      internal: false,
      attachable: false,
      enableIpv4: true,
      enableIpv6: true,
      labels: {},
      options: {},
      ipamOptions: null,
      configOnly: false,
      configFrom: '',
      pools: { ipv4: ipv4.pool, ipv6: ipv6.pool },
      bridge: { linkName: 'b' },
    },
  };
}

const text = (address: Address | undefined): string => (address ? formatAddress(address) : '');

test('addresses asked for are given once, with a MAC derived from the IPv4 one', () => {
  const app = network('app', true);
  const request = checkEndpoint(app, { IPAMConfig: { IPv4Address: '10.9.0.7', IPv6Address: 'fd00:9::7' } });
  const { ipv4, ipv6, mac } = allocateAddresses(request);
  expect([text(ipv4), text(ipv6), mac]).toEqual(['10.9.0.7', 'fd00:9::7', '02:42:0a:09:00:07']);
  expect(() => allocateAddresses(request)).toThrow('Address already in use');
});

test('when one family has no address left, none of the other is kept', () => {
  const app = network('app', true);
  app.addresses.ipv6?.take(parseAddress('fd00:9::7') ?? expect.fail());
  const request = checkEndpoint(app, { IPAMConfig: { IPv4Address: '10.9.0.7', IPv6Address: 'fd00:9::7' } });
  expect(() => allocateAddresses(request)).toThrow('Address already in use');
  expect(app.addresses.ipv4?.take(parseAddress('10.9.0.7') ?? expect.fail())).toBe(true);
});

test('without wishes the next free addresses are given, and a MAC asked for is kept', () => {
  const request = checkEndpoint(network('app', false), { MacAddress: '02:AA:00:00:00:01' });
  const { ipv4, ipv6, mac } = allocateAddresses(request);
  expect([text(ipv4), text(ipv6), mac]).toEqual(['10.9.0.2', 'fd00:9::2', '02:aa:00:00:00:01']);
});

test('links and an interface name are taken from the request', () => {
  const { links, interfaceName } = checkEndpoint(network('app', false), {
    Links: ['db:database', 'cache'],
    DriverOpts: { 'com.docker.network.endpoint.ifname': 'lan0' },
  });
  expect([links, interfaceName]).toEqual([{ database: 'db', cache: 'cache' }, 'lan0']);
});

const refused: [name: string, subnetAsked: boolean, settings: EndpointSettings, text: string][] = [
  ['bridge', true, { IPAMConfig: { IPv4Address: '10.9.0.7' } }, 'on user-defined networks only'],
  ['app', false, { IPAMConfig: { IPv4Address: '10.9.0.7' } }, 'networks with user configured subnets'],
  ['app', true, { IPAMConfig: { IPv4Address: '10.8.0.7' } }, 'no configured subnet contains IP address'],
  ['app', true, { IPAMConfig: { IPv4Address: '10.9.0' } }, 'invalid IPv4 address'],
  ['app', true, { IPAMConfig: { IPv6Address: '10.9.0.7' } }, 'invalid IPv6 address'],
  ['app', true, { IPAMConfig: { LinkLocalIPs: ['x'] } }, 'invalid link-local IP address'],
  ['app', true, { MacAddress: '01:00:00:00:00:01' }, 'invalid MAC address'],
  ['app', true, { Links: ['x:y:z'] }, 'bad format for links: x:y:z'],
  [
    'app',
    true,
    { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'b' } },
    "unrecognised network interface sysctl 'b'",
  ],
  [
    'app',
    true,
    { DriverOpts: { 'com.docker.network.endpoint.other': 'b' } },
    'endpoint option com.docker.network.endpoint.other is not',
  ],
  [
    'app',
    true,
    { DriverOpts: { 'com.docker.network.endpoint.ifname': 'a/b' } },
    'invalid com.docker.network.endpoint.ifname',
  ],
  ['bridge', true, { Aliases: ['x'] }, 'only supported for user-defined networks'],
  ['app', true, { Aliases: ['x\n6.6.6.6 bank'] }, 'invalid network alias'],
];

test.each(refused)('on network %s (subnet asked: %s) %j is refused', (name, asked, settings, words) => {
  expect(() => checkEndpoint(network(name, asked), settings)).toThrow(words);
});

test('a network that is yet to come decides about addresses later, and all faults are told at once', () => {
  expect(() => checkSettings('later', undefined, { IPAMConfig: { IPv4Address: '10.1.0.2' } })).not.toThrow();
  const settings = { Aliases: ['a'], IPAMConfig: { IPv4Address: '10.9.0.7', LinkLocalIPs: ['x'] } };
  expect(() => checkSettings('host', undefined, settings)).toThrow(
    [
      'invalid endpoint settings:',
      '* user-specified IP address is supported on user-defined networks only',
      '* network-scoped aliases are only supported for user-defined networks',
      '* invalid link-local IP address: x',
    ].join('\n'),
  );
});

test('wishes of a wrong type are refused', () => {
  const settings = { Aliases: 'web' } as unknown as EndpointSettings;
  expect(() => checkEndpoint(network('app', true), settings)).toThrow(
    'invalid JSON: EndpointsConfig.Aliases must be a list of strings',
  );
});

test('an exhausted network says so', () => {
  const app = network('app', false);
  const request = checkEndpoint(app, {});
  for (let count = 0; count < 253; count += 1) allocateAddresses(request);
  expect(() => allocateAddresses(request)).toThrow(
    "no available IPv4 addresses on this network's address pools",
  );
});
