import { expect, test } from 'vitest';
import { EngineError } from '../lib/errors.ts';
import type { NetworkCreateRequest } from '../wire/network.ts';
import { bridgeOptions } from './bridge-options.ts';
import { configuredFrom, specify } from './network-specification.ts';

function failure(request: NetworkCreateRequest): { kind: string; message: string } {
  try {
    specify(request);
  } catch (error) {
    if (error instanceof EngineError) return { kind: error.kind, message: error.message };
    throw error;
  }
  return expect.fail('was accepted');
}

const withPool = (config: object): NetworkCreateRequest => ({ Name: 'x', IPAM: { Config: [config] } });

test('a subnet without a gateway gets the first address as gateway', () => {
  const { pools } = specify(withPool({ Subnet: '10.5.0.0/16', IPRange: '10.5.1.0/24' }));
  const gateway = '10.5.0.1';
  expect(pools.ipv4).toEqual({
    subnet: '10.5.0.0/16',
    range: '10.5.1.0/24',
    gateway,
    auxiliary: {},
    asked: true,
  });
});

test('a request without IPAM leaves the choice to the engine', () => {
  expect(specify({ Name: 'x' }).pools).toEqual({});
  expect(specify({ Name: 'x', IPAM: { Config: [{}] } }).pools).toEqual({});
});

test.each([
  [{ Subnet: '10.5.0.0' }, 'invalid CIDR block notation'],
  [{ Subnet: '10.5.0.1/16' }, 'it should be 10.5.0.0/16'],
  [{ Subnet: '10.5.0.0/31' }, 'no room for containers'],
  [{ Subnet: '10.5.0.0/16', Gateway: '10.6.0.1' }, "doesn't contain this address"],
  [{ Subnet: '10.5.0.0/16', IPRange: '10.6.0.0/24' }, "doesn't contain ip-range"],
  [{ Subnet: '10.5.0.0/16', IPRange: '10.0.0.0/8' }, 'bigger than its parent subnet'],
  [{ Subnet: '10.5.0.0/16', IPRange: 'fd00::/64' }, 'parent subnet is an IPv4 block'],
  [{ Subnet: '10.5.0.0/16', AuxiliaryAddresses: { a: 'x' } }, 'invalid auxiliary address a'],
  [{ Gateway: '10.5.0.1' }, 'invalid CIDR block notation'],
])('the address pool %j is a bad request', (config, text) => {
  const { kind, message } = failure(withPool(config));
  expect(kind).toBe('invalid-argument');
  expect(message).toContain(text);
});

test.each([
  [{ Name: '' }, 'invalid-argument', 'name is empty'],
  [{ Name: 'bridge' }, 'forbidden', 'predefined bridge network'],
  [{ Name: 'default' }, 'forbidden', 'predefined default network'],
  [{ Name: 'x', Driver: 'host' }, 'forbidden', 'only one instance of "host" network is allowed'],
  [{ Name: 'x', Driver: 'overlay', Scope: 'local' }, 'not-implemented', 'network scope local'],
  [
    { Name: 'x', Driver: 'macvlan', Options: { macvlan_mode: 'l2' } },
    'invalid-argument',
    "mode 'l2' is not valid",
  ],
  [
    { Name: 'x', Driver: 'ipvlan', Options: { parent: 'lo' } },
    'invalid-argument',
    'not a valid ipvlan parent',
  ],
  [{ Name: 'x', Driver: 'weave' }, 'not-found', 'could not find plugin weave in v1 plugin registry'],
  [{ Name: 'x', EnableIPv4: false }, 'invalid-argument', 'IPv4 or IPv6 must be enabled'],
  [{ Name: 'x', IPAM: { Driver: 'dhcp' } }, 'not-found', 'could not find plugin dhcp in v1 plugin registry'],
  [{ Name: 'x', IPAM: { Driver: 'null' } }, 'invalid-argument', 'ipv4 pool is empty'],
  [
    { Name: 'x', Driver: 'macvlan', EnableIPv4: false, EnableIPv6: true, IPAM: { Driver: 'null' } },
    'invalid-argument',
    'ipv6 pool is empty',
  ],
  [
    { Name: 'x', IPAM: { Driver: 'null', Config: [{ Subnet: '10.5.0.0/24' }] } },
    'invalid-argument',
    'null ipam driver does not handle specific address pool requests',
  ],
  [
    { Name: 'x', Options: { 'com.docker.network.bridge.name': 'a b' } },
    'invalid-argument',
    'invalid bridge name',
  ],
  [
    { Name: 'x', Options: { 'com.docker.network.driver.mtu': '12x' } },
    'invalid-argument',
    'failed to parse com.docker',
  ],
  [
    { Name: 'x', Options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'bridged' } },
    'invalid-argument',
    'unknown gateway mode bridged',
  ],
])('%j is refused as Docker does, and nothing is ignored', (request, kind, text) => {
  const error = failure(request);
  expect(error.kind).toBe(kind);
  expect(error.message).toContain(text);
});

test.each([
  [{ Name: 5 }, 'Name must be a string'],
  [{ Name: 'x', Labels: { a: 1 } }, 'Labels must be a map of strings'],
  [{ Name: 'x', IPAM: [] }, 'IPAM must be an object'],
  [{ Name: 'x', IPAM: { Config: [null] } }, 'IPAM.Config must be a list of objects'],
  [{ Name: 'x', IPAM: { Config: [{ Subnet: {} }] } }, 'IPAM.Config.Subnet must be a string'],
])('%j is refused for its types', (request, text) => {
  const { kind, message } = failure(request as unknown as NetworkCreateRequest);
  expect([kind, message]).toEqual(['invalid-argument', `invalid JSON: ${text}`]);
});

test('bridge options default to what Docker does', () => {
  expect(bridgeOptions({})).toEqual({
    icc: true,
    masquerade: true,
    hostBindingIp: '',
    mtu: 1500,
    gateway: {
      ipv4: { mode: 'nat', hasAddress: true, sourceAddress: '' },
      ipv6: { mode: 'nat', hasAddress: true, sourceAddress: '' },
    },
    trustedInterfaces: [],
    interfacePrefix: 'eth',
  });
  expect(bridgeOptions({ 'com.docker.network.bridge.enable_icc': 'false', other: 'x' }).icc).toBe(false);
});

test('a network takes one subnet of each family, and passes over one of a family that is off', () => {
  const Config = [{ Subnet: '10.5.0.0/16' }, { Subnet: 'fd00:5::/64', Gateway: 'fd00:5::9' }];
  const { pools } = specify({ Name: 'x', EnableIPv6: true, IPAM: { Config } });
  expect([pools.ipv4?.gateway, pools.ipv6?.gateway]).toEqual(['10.5.0.1', 'fd00:5::9']);
  expect(specify({ Name: 'x', IPAM: { Config } }).pools.ipv6).toBeUndefined();
  expect(failure({ Name: 'x', IPAM: { Config: [...Config, { Subnet: '10.6.0.0/16' }] } })).toEqual({
    kind: 'forbidden',
    message: "bridge driver doesn't support multiple subnets",
  });
});

test('a network takes all its configuration from a template, or none', () => {
  const Options = { 'com.docker.network.driver.mtu': '1400' };
  const { parent: _, ...own } = specify({ Name: 't', ConfigOnly: true, Options });
  const template = { ...own, id: '', createdAt: '' };
  const asked = specify({ Name: 'x', ConfigFrom: { Network: 't' } });
  expect(configuredFrom(asked, template)).toMatchObject({ name: 'x', driver: 'bridge', options: Options });
  expect(() => configuredFrom(asked, undefined)).toThrow('configuration network "t" not found');
  expect(() => configuredFrom({ ...asked, labels: { a: 'b' } }, template)).toThrow(
    'user specified configurations are not supported',
  );
});

test('the parent of a macvlan network and its mode come from the options', () => {
  const parent = (Options: Record<string, string>) =>
    specify({ Name: 'x', Driver: 'macvlan', Options }).parent;
  expect(parent({ parent: 'eth0.10' })).toEqual({ linkName: 'eth0.10', mode: 4, exclusive: false });
  expect(parent({ macvlan_mode: 'passthru' })).toEqual({ linkName: '', mode: 8, exclusive: true });
});
