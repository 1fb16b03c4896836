import { expect, test } from 'vitest';
import type { EndpointSettings } from '../wire/container.ts';
import { AddressPool } from './address-pool.ts';
import { allocateAddress, checkEndpoint } from './endpoint-request.ts';
import { formatAddress, parseSubnet } from './ipv4.ts';
import type { Network } from './network-registry.ts';

function network(name: string, subnetAsked: boolean): Network {
  const subnet = parseSubnet('10.9.0.0/24') ?? expect.fail();
  const pool = { subnet: '10.9.0.0/24', range: '', gateway: '10.9.0.1', auxiliary: {} };
  return {
    addresses: new AddressPool(subnet, subnet, [subnet.base + 1]),
    record: {
      id: 'f'.repeat(64),
      name,
      driver: 'bridge',
      createdAt: '',
      internal: false,
      attachable: false,
      labels: {},
      options: {},
      bridge: { linkName: 'b', pool, subnetAsked },
    },
  };
}

test('an address asked for is given once, with a MAC derived from it', () => {
  const app = network('app', true);
  const request = checkEndpoint(app, { IPAMConfig: { IPv4Address: '10.9.0.7' } });
  const { address, mac } = allocateAddress(request);
  expect([formatAddress(address), mac]).toEqual(['10.9.0.7', '02:42:0a:09:00:07']);
  expect(() => allocateAddress(request)).toThrow('Address already in use');
});

test('without wishes the next free address is given, and a MAC asked for is kept', () => {
  const request = checkEndpoint(network('app', false), { MacAddress: '02:AA:00:00:00:01' });
  expect(allocateAddress(request)).toEqual({ address: 0x0a090002, mac: '02:aa:00:00:00:01' });
});

const refused: [name: string, subnetAsked: boolean, settings: EndpointSettings, text: string][] = [
  ['bridge', true, { IPAMConfig: { IPv4Address: '10.9.0.7' } }, 'on user defined networks only'],
  ['app', false, { IPAMConfig: { IPv4Address: '10.9.0.7' } }, 'networks with user configured subnets'],
  ['app', true, { IPAMConfig: { IPv4Address: '10.8.0.7' } }, 'does not belong to any of this network'],
  ['app', true, { IPAMConfig: { IPv4Address: '10.9.0' } }, 'invalid IPv4 address'],
  ['app', true, { IPAMConfig: { IPv6Address: '::2' } }, 'IPv6 on networks is not implemented'],
  ['app', true, { MacAddress: '01:00:00:00:00:01' }, 'invalid MAC address'],
  ['app', true, { Links: ['x'] }, 'links between containers is not implemented'],
  [
    'app',
    true,
    { DriverOpts: { 'com.docker.network.endpoint.ifname': 'b' } },
    'endpoint option com.docker.network.endpoint.ifname is not',
  ],
  ['bridge', true, { Aliases: ['x'] }, 'only for containers in user defined networks'],
  ['app', true, { Aliases: ['x\n6.6.6.6 bank'] }, 'invalid network alias'],
];

test.each(refused)('on network %s (subnet asked: %s) %j is refused', (name, subnetAsked, settings, text) => {
  expect(() => checkEndpoint(network(name, subnetAsked), settings)).toThrow(text);
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
  for (let count = 0; count < 253; count += 1) allocateAddress(request);
  expect(() => allocateAddress(request)).toThrow(
    "no available IPv4 addresses on this network's address pools",
  );
});
