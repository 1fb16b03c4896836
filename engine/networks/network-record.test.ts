import { expect, test } from 'vitest';
import { EngineError } from '../lib/errors.ts';
import type { NetworkCreateRequest } from '../wire/network.ts';
import { bridgeOptions, specify } from './network-record.ts';

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
  const { pool } = specify(withPool({ Subnet: '10.5.0.0/16', IPRange: '10.5.1.0/24' }));
  expect(pool).toEqual({ subnet: '10.5.0.0/16', range: '10.5.1.0/24', gateway: '10.5.0.1', auxiliary: {} });
});

test('a request without IPAM leaves the choice to the engine', () => {
  expect(specify({ Name: 'x' }).pool).toBeUndefined();
  expect(specify({ Name: 'x', IPAM: { Config: [{}] } }).pool).toBeUndefined();
});

test.each([
  [{ Subnet: '10.5.0.0' }, 'invalid CIDR block notation'],
  [{ Subnet: '10.5.0.1/16' }, 'it should be 10.5.0.0/16'],
  [{ Subnet: '10.5.0.0/31' }, 'no room for containers'],
  [{ Subnet: '10.5.0.0/16', Gateway: '10.6.0.1' }, "doesn't contain this address"],
  [{ Subnet: '10.5.0.0/16', IPRange: '10.0.0.0/8' }, "doesn't contain ip-range"],
  [{ Subnet: '10.5.0.0/16', AuxiliaryAddresses: { a: 'x' } }, 'invalid auxiliary address x'],
  [{ Gateway: '10.5.0.1' }, 'invalid CIDR block notation'],
])('the address pool %j is a bad request', (config, text) => {
  const { kind, message } = failure(withPool(config));
  expect(kind).toBe('invalid-argument');
  expect(message).toContain(text);
});

test.each([
  [{ Name: '' }, 'invalid-argument', 'name is empty'],
  [{ Name: 'bridge' }, 'forbidden', 'predefined bridge network'],
  [{ Name: 'x', Driver: 'host' }, 'forbidden', 'only one instance of "host" network is allowed'],
  [{ Name: 'x', Driver: 'macvlan' }, 'not-implemented', 'network driver macvlan'],
  [{ Name: 'x', Driver: 'weave' }, 'not-found', 'could not find plugin weave in v1 plugin registry'],
  [{ Name: 'x', EnableIPv6: true }, 'not-implemented', 'IPv6'],
  [
    { Name: 'x', Options: { 'com.docker.network.bridge.name': 'a b' } },
    'invalid-argument',
    'invalid bridge name',
  ],
  [{ Name: 'x', Options: { 'com.docker.network.driver.mtu': '12x' } }, 'invalid-argument', 'invalid MTU'],
  [
    { Name: 'x', Options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'routed' } },
    'not-implemented',
    'gateway_mode_ipv4',
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
  expect(bridgeOptions({})).toEqual({ icc: true, masquerade: true, hostBindingIp: '0.0.0.0', mtu: 1500 });
  expect(bridgeOptions({ 'com.docker.network.bridge.enable_icc': 'false', other: 'x' }).icc).toBe(false);
});
