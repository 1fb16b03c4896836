import { expect, test } from 'vitest';
import { overlayOptions } from './overlay-options.ts';
import { parsePeerAddress } from './overlay-settings.ts';

test('a peer is an IPv4 address with or without a port', () => {
  expect(parsePeerAddress('192.0.2.1')).toEqual({ address: '192.0.2.1', port: 7950 });
  expect(parsePeerAddress('192.0.2.1:65534')).toEqual({ address: '192.0.2.1', port: 65534 });
});

test.each([
  '',
  'host',
  '192.0.2',
  '192.0.2.1:',
  '192.0.2.1:0',
  '192.0.2.1:65535',
  '0.0.0.0',
  '::1',
  '192.0.2.01',
])('%j is no peer', (text) => {
  expect(parsePeerAddress(text)).toBeUndefined();
});

test('the MTU leaves room for what is put around a frame', () => {
  const mtu = 'com.docker.network.driver.mtu';
  expect(overlayOptions({}).mtu).toBe(1450);
  expect(overlayOptions({ [mtu]: '9000' }).mtu).toBe(8950);
  expect(overlayOptions({ encrypted: '' }).mtu).toBe(1416);
});

test.each<Record<string, string>>([
  { 'com.docker.network.driver.mtu': '100' },
  { 'com.docker.network.driver.overlay.vxlanid_list': '16777216' },
  { 'com.docker.network.bridge.name': 'br0' },
])('an option that would be ignored or cannot be is refused: %j', (options) => {
  expect(() => overlayOptions(options)).toThrow();
});
