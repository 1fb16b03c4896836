import { expect, test } from 'vitest';
import { buildHosts } from './hosts-file.ts';
import { hostNames, parseExtraHosts } from './network-files.ts';

test.each([
  ['web', '', ['web']],
  ['web.example.org', '', ['web.example.org', 'web']],
  ['web', 'example.org', ['web.example.org', 'web']],
])('host name %j in the domain %j is %j', (hostname, domainname, names) => {
  expect(hostNames(hostname, domainname)).toEqual(names);
});

test('a hosts file starts with loopback and ends with what is the container', () => {
  const hosts = buildHosts(undefined, [
    ...parseExtraHosts(['db:10.0.0.5', 'up:host-gateway', 'v6:[2001:db8::1]'], '172.17.0.1'),
    { address: '172.17.0.2', names: ['web.example.org', 'web'] },
  ]).split('\n');
  expect(hosts[0]).toBe('127.0.0.1\tlocalhost');
  expect(hosts.slice(-5)).toEqual([
    '10.0.0.5\tdb',
    '172.17.0.1\tup',
    '2001:db8::1\tv6',
    '172.17.0.2\tweb.example.org web',
    '',
  ]);
});

test.each(['nocolon', ':1.2.3.4', 'a:', 'a:not-an-address', 'a b:1.2.3.4', 'a:1.2.3.4\n6.6.6.6\tbank'])(
  'the extra host %j is a bad request',
  (entry) => expect(() => parseExtraHosts([entry], '172.17.0.1')).toThrow(/add-host/),
);

test('a name that would forge a line is left out', () => {
  const forged = { address: '10.0.0.2', names: ['web', 'x\n6.6.6.6\tbank'] };
  expect(buildHosts('', [forged])).toContain('10.0.0.2\tweb\n');
  expect(buildHosts('', [forged])).not.toContain('bank');
});
