import { expect, test } from 'vitest';
import {
  addressBytes,
  contains,
  formatAddress,
  formatSubnet,
  macOf,
  overlaps,
  parseAddress,
  parseSubnet,
} from './subnet.ts';

const address = (text: string) => parseAddress(text) ?? expect.fail(text);
const subnet = (text: string) => parseSubnet(text) ?? expect.fail(text);

test('an address survives parsing and formatting, also in the upper half', () => {
  const texts = [
    '0.0.0.0',
    '10.1.2.3',
    '255.255.255.255',
    '::',
    '::1',
    'fd00::1',
    'fe80:0:0:1::5',
    '1:2:3:4:5:6:7:8',
  ];
  for (const text of texts) expect(formatAddress(address(text))).toBe(text);
});

test('an IPv6 address is written as RFC 5952 asks', () => {
  expect(formatAddress(address('2001:DB8:0:0:1:0:0:1'))).toBe('2001:db8::1:0:0:1');
  expect(formatAddress(address('2001:db8:0:1:1:1:1:1'))).toBe('2001:db8:0:1:1:1:1:1');
  expect(formatAddress(address('10:0:0:0:0:0:0:100'))).toBe('10::100');
  expect(formatAddress(address('::ffff:192.0.2.1'))).toBe('::ffff:c000:201');
});

test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x', 'fe80::1%eth0', '1::2::3', ':'])(
  'the malformed address %j is refused',
  (text) => expect(parseAddress(text)).toBeUndefined(),
);

test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', 'fd00::/129', 'fd00::/064'])(
  'the malformed subnet %j is refused',
  (text) => expect(parseSubnet(text)).toBeUndefined(),
);

test('host bits of a subnet are cut off', () => {
  expect(formatSubnet(subnet('192.168.255.7/20'))).toBe('192.168.240.0/20');
  expect(formatSubnet(subnet('fd12:3456::9/64'))).toBe('fd12:3456::/64');
});

test('subnets overlap when one holds the other and not when they only touch or are of different families', () => {
  expect(overlaps(subnet('10.0.0.0/8'), subnet('10.200.0.0/24'))).toBe(true);
  expect(overlaps(subnet('10.0.0.0/25'), subnet('10.0.0.128/25'))).toBe(false);
  expect(overlaps(subnet('0.0.0.0/0'), subnet('255.0.0.0/8'))).toBe(true);
  expect(overlaps(subnet('0.0.0.0/0'), subnet('::/0'))).toBe(false);
});

test('a subnet contains its first and last address only up to its end', () => {
  const lan = subnet('172.17.0.0/16');
  expect(contains(lan, address('172.17.255.255'))).toBe(true);
  expect(contains(lan, address('172.18.0.0'))).toBe(false);
});

test('a MAC is derived from the address as Docker does', () => {
  expect(macOf(address('172.17.0.2'))).toBe('02:42:ac:11:00:02');
});

test('the bytes of an address are in the order of the wire', () => {
  expect(addressBytes(address('10.0.0.1')).toString('hex')).toBe('0a000001');
  expect(addressBytes(address('fd00::1')).toString('hex')).toBe(`fd${'0'.repeat(29)}1`);
});
