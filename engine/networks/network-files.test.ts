import { expect, test } from 'vitest';
import {
  buildHosts,
  buildResolvConf,
  hostNames,
  parseExtraHosts,
  replaceNeighbours,
} from './network-files.ts';

test.each([
  ['web', '', ['web']],
  ['web.example.org', '', ['web.example.org', 'web']],
  ['web', 'example.org', ['web.example.org', 'web']],
])('host name %j in the domain %j is %j', (hostname, domainname, names) => {
  expect(hostNames(hostname, domainname)).toEqual(names);
});

const nothing = { dns: [], dnsSearch: [], dnsOptions: [] };

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

test('neighbours are replaced and all other lines kept, also those the container wrote', () => {
  const first = replaceNeighbours('127.0.0.1\tlocalhost\n', [{ address: '10.0.0.2', names: ['a'] }]);
  const edited = `${first}1.2.3.4\tmine`;
  const second = replaceNeighbours(edited, [{ address: '10.0.0.3', names: ['b', 'alias'] }]);
  expect(second).toContain('10.0.0.3\tb alias\n');
  expect(second).toContain('1.2.3.4\tmine\n');
  expect(second).not.toContain('10.0.0.2');
  expect(replaceNeighbours(second, [])).toBe('127.0.0.1\tlocalhost\n1.2.3.4\tmine\n');
});

test('a name that would forge a line is left out', () => {
  const forged = { address: '10.0.0.2', names: ['web', 'x\n6.6.6.6\tbank'] };
  expect(replaceNeighbours('', [forged])).toContain('10.0.0.2\tweb\n');
  expect(replaceNeighbours('', [forged])).not.toContain('bank');
});

test('a container that cut the block in half gets a new one', () => {
  const whole = replaceNeighbours('', [{ address: '10.0.0.2', names: ['a'] }]);
  const cut = whole.split('\n').slice(0, 2).join('\n');
  expect(replaceNeighbours(cut, [{ address: '10.0.0.3', names: ['b'] }])).toContain('10.0.0.3\tb\n');
});

test("nameservers on the host's loopback and IPv6 ones are dropped, the rest is kept", () => {
  const host =
    'nameserver 127.0.0.53\nnameserver 10.0.0.1 # lan\nnameserver fe80::1\nsearch a b\noptions edns0\n';
  expect(buildResolvConf(host, nothing, false).split('\n').slice(1)).toEqual([
    'nameserver 10.0.0.1',
    'search a b',
    'options edns0',
    '',
  ]);
});

test('a host with nothing but a loopback resolver gets public nameservers, on the host network its own', () => {
  const host = 'nameserver 127.0.0.1\n';
  expect(buildResolvConf(host, nothing, false)).toContain('nameserver 8.8.8.8\n');
  expect(buildResolvConf(host, nothing, true)).toContain('nameserver 127.0.0.1\n');
});

test('what was asked for replaces what the host has, and a dot means no search domain', () => {
  const asked = { dns: ['127.0.0.1'], dnsSearch: ['.'], dnsOptions: ['ndots:0'] };
  const content = buildResolvConf('nameserver 10.0.0.1\nsearch a\noptions edns0\n', asked, false);
  expect(content.split('\n').slice(1)).toEqual(['nameserver 127.0.0.1', 'options ndots:0', '']);
});
