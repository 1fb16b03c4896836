import { expect, test } from 'vitest';
import { mountCallOf, parseMountOptions, type LookUp } from './mount-call.ts';

const lookUp: LookUp = (host) =>
  host === 'filer'
    ? Promise.resolve([{ address: '2001:db8::1' }, { address: '192.0.2.1' }])
    : Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));

const call = (type: string, device: string, o: string) =>
  mountCallOf({ type, device, o, sizeBytes: 0 }, lookUp);

test.each([
  ['', 0, ''],
  ['ro,nosuid,nodev,noexec', 0xf, ''],
  ['ro,rw', 0, ''],
  ['defaults,size=1m,ro,uid=5', 1, 'size=1m,uid=5'],
  ['rbind,rslave', 0x8_5000, ''],
  ['constructor', 0, 'constructor'],
])('the options "%s" are the flags %i and the data "%s"', (text, flags, data) => {
  expect(parseMountOptions(text)).toEqual({ flags, data });
});

test('names of hosts become addresses, IPv4 before IPv6', async () => {
  expect((await call('nfs', ':/x', 'addr=filer,rw')).data).toBe('addr=192.0.2.1');
  expect((await call('nfs', ':/x', 'addr=2001:db8::2')).data).toBe('addr=2001:db8::2');
  expect((await call('cifs', '//filer/share/x', 'vers=3.0')).device).toBe('//192.0.2.1/share/x');
  expect((await call('cifs', '//filer/share', 'addr=192.0.2.9')).device).toBe('//192.0.2.1/share');
  expect((await call('ext4', '/dev/filer', 'addr=filer')).data).toBe('addr=filer');
});

test('a host that nobody knows, and a device that is missing, are told in the words of Docker', async () => {
  await expect(call('nfs', ':/x', 'addr=nowhere')).rejects.toThrow(
    'error resolving passed in network volume address: lookup nowhere: no such host',
  );
  await expect(call('tmpfs', '', '')).rejects.toThrow('missing device in volume options');
});
