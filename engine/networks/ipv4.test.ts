import { expect, test } from 'vitest';
import { contains, formatAddress, formatSubnet, macOf, overlaps, parseAddress, parseSubnet } from './ipv4.ts';

const subnet = (text: string) => parseSubnet(text) ?? expect.fail(text);

test('an address survives parsing and formatting, also in the upper half', () => {
  for (const text of ['0.0.0.0', '10.1.2.3', '255.255.255.255']) {
    expect(formatAddress(parseAddress(text) ?? -1)).toBe(text);
  }
});

test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x', '::1'])(
  'the malformed address %j is refused',
  (text) => expect(parseAddress(text)).toBeUndefined(),
);

test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8'])(
  'the malformed subnet %j is refused',
  (text) => expect(parseSubnet(text)).toBeUndefined(),
);

test('host bits of a subnet are cut off', () => {
  expect(formatSubnet(subnet('192.168.255.7/20'))).toBe('192.168.240.0/20');
});

test('subnets overlap when one holds the other and not when they only touch', () => {
  expect(overlaps(subnet('10.0.0.0/8'), subnet('10.200.0.0/24'))).toBe(true);
  expect(overlaps(subnet('10.0.0.0/25'), subnet('10.0.0.128/25'))).toBe(false);
  expect(overlaps(subnet('0.0.0.0/0'), subnet('255.0.0.0/8'))).toBe(true);
});

test('a subnet contains its first and last address only up to its end', () => {
  const lan = subnet('172.17.0.0/16');
  expect(contains(lan, parseAddress('172.17.255.255') ?? 0)).toBe(true);
  expect(contains(lan, parseAddress('172.18.0.0') ?? 0)).toBe(false);
});

test('a MAC is derived from the address as Docker does', () => {
  expect(macOf(parseAddress('172.17.0.2') ?? 0)).toBe('02:42:ac:11:00:02');
});
