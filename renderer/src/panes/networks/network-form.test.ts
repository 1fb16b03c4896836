import { expect, test } from 'vitest';
import { validateNetworkForm } from './network-form.ts';

const form = (subnet: string, gateway: string) => ({ name: 'n', internal: false, subnet, gateway });

test.each([
  ['', ''],
  ['10.20.0.0/24', ''],
  ['10.20.0.0/24', '10.20.0.254'],
  ['fd00::/64', 'fd00::1'],
])('%s with gateway %s is fine', (subnet, gateway) => {
  expect(validateNetworkForm(form(subnet, gateway))).toEqual({});
});

test.each([
  ['10.20.0.0', '', 'subnet'],
  ['10.20.0.256/24', '', 'subnet'],
  ['10.20.0.0/33', '', 'subnet'],
  ['10.20.0.0/24', '10.21.0.1', 'gateway'],
  ['10.20.0.0/24', 'router', 'gateway'],
  ['', '10.20.0.1', 'gateway'],
])('%s with gateway %s is refused at the %s', (subnet, gateway, field) => {
  expect(Object.keys(validateNetworkForm(form(subnet, gateway)))).toEqual([field]);
});
