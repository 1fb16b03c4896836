import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { buildResolvConf, hostNameservers, refreshResolvConf } from './resolv-conf.ts';

const nothing = { dns: [], dnsSearch: [], dnsOptions: [] };

test("nameservers on the host's loopback and IPv6 ones are dropped, the rest is kept", () => {
  const host =
    'nameserver 127.0.0.53\nnameserver 10.0.0.1 # lan\nnameserver fe80::1\nsearch a b\noptions edns0\n';
  expect(buildResolvConf(host, nothing, 'outside').split('\n').slice(1, -2)).toEqual([
    'nameserver 10.0.0.1',
    'search a b',
    'options edns0',
  ]);
});

test('a host with nothing but a loopback resolver gets public nameservers, on the host network its own', () => {
  const host = 'nameserver 127.0.0.1\n';
  expect(buildResolvConf(host, nothing, 'outside')).toContain('nameserver 8.8.8.8\n');
  expect(buildResolvConf(host, nothing, 'of the host')).toContain('nameserver 127.0.0.1\n');
});

test('what was asked for replaces what the host has, and a dot means no search domain', () => {
  const asked = { dns: ['127.0.0.1'], dnsSearch: ['.'], dnsOptions: ['ndots:0'] };
  const content = buildResolvConf('nameserver 10.0.0.1\nsearch a\noptions edns0\n', asked, 'outside');
  expect(content.split('\n').slice(1, -2)).toEqual(['nameserver 127.0.0.1', 'options ndots:0']);
});

test('a container with a DNS server of its own asks that, bare names first', () => {
  const host = 'nameserver 10.0.0.1\nsearch a\noptions edns0\n';
  expect(buildResolvConf(host, nothing, 'its own').split('\n').slice(1, -2)).toEqual([
    'nameserver 127.0.0.11',
    'search a',
    'options edns0 ndots:0',
  ]);
  const asked = { ...nothing, dnsOptions: ['ndots:2'] };
  expect(buildResolvConf(host, asked, 'its own')).toContain('options ndots:2\n');
});

test('the file follows until somebody edits it', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-resolv-'));
  const file = path.join(directory, 'resolv.conf');
  await writeFile(file, buildResolvConf('nameserver 192.0.2.1\n', nothing, 'outside'));
  await refreshResolvConf(file, nothing, true);
  const followed = await readFile(file, 'utf8');
  expect(followed).toContain('nameserver 127.0.0.11\n');
  await writeFile(file, `${followed}nameserver 192.0.2.2\n`);
  await refreshResolvConf(file, nothing, false);
  expect(await readFile(file, 'utf8')).toBe(`${followed}nameserver 192.0.2.2\n`);
  await rm(directory, { recursive: true });
});

test('of the nameservers of a host only addresses count', () => {
  expect(hostNameservers('nameserver 10.0.0.1\nnameserver dns.example\nnameserver ::1\n')).toEqual([
    '10.0.0.1',
    '::1',
  ]);
});
