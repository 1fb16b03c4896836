import { expect, test } from 'vitest';
import { AddressPool } from './address-pool.ts';
import { formatAddress, parseAddress, parseSubnet } from './subnet.ts';

const at = (text: string) => parseAddress(text) ?? expect.fail(text);
const subnet = (text: string) => parseSubnet(text) ?? expect.fail(text);

function poolOf(cidr: string, range = cidr, reserved: string[] = []) {
  return new AddressPool(subnet(cidr), subnet(range), reserved.map(at));
}

test('addresses come lowest first, without network, gateway, auxiliary and broadcast address', () => {
  const pool = poolOf('10.0.0.0/29', '10.0.0.0/29', ['10.0.0.1', '10.0.0.3']);
  const given = Array.from({ length: 5 }, () => pool.allocate());
  expect(given.map((address) => address && formatAddress(address))).toEqual([
    '10.0.0.2',
    '10.0.0.4',
    '10.0.0.5',
    '10.0.0.6',
    undefined,
  ]);
});

test('a released address is given again', () => {
  const pool = poolOf('10.0.0.0/24', '10.0.0.0/24', ['10.0.0.1']);
  const first = pool.allocate() ?? expect.fail();
  pool.allocate();
  pool.release(first);
  expect(pool.allocate()).toEqual(first);
});

test('an address asked for is never given twice', () => {
  const pool = poolOf('10.0.0.0/24');
  expect(pool.take(at('10.0.0.1'))).toBe(true);
  expect(pool.take(at('10.0.0.1'))).toBe(false);
  expect(pool.allocate()).toEqual(at('10.0.0.2'));
});

test('an address outside the subnet is refused, one outside the range may be asked for', () => {
  const pool = poolOf('10.0.0.0/24', '10.0.0.128/25');
  expect(pool.take(at('10.0.1.5'))).toBe(false);
  expect(pool.take(at('10.0.0.5'))).toBe(true);
  expect(pool.allocate()).toEqual(at('10.0.0.128'));
});

test('an IPv6 pool gives neither its first address nor one that is reserved', () => {
  const pool = poolOf('fd00:1::/64', 'fd00:1::/64', ['fd00:1::1']);
  expect([pool.allocate(), pool.allocate()]).toEqual([at('fd00:1::2'), at('fd00:1::3')]);
});

test('pools of one subnet with a slot each never give the same address', () => {
  const whole = subnet('10.1.0.0/28');
  const pools = [0, 1, 2].map((index) => new AddressPool(whole, whole, [], { index, of: 3 }));
  const given = pools.flatMap((pool) => {
    const addresses: string[] = [];
    for (let next = pool.allocate(); next; next = pool.allocate()) addresses.push(formatAddress(next));
    return addresses;
  });
  expect(given).toHaveLength(14);
  expect(new Set(given).size).toBe(14);
  const nobody = new AddressPool(whole, whole, [], { index: -1, of: 3 });
  expect(nobody.allocate()).toBeUndefined();
});
