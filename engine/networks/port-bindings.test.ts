import { expect, test } from 'vitest';
import { parsePort, requestPorts } from './port-bindings.ts';

test('a range of host ports is one request, an absent port lets the kernel choose', () => {
  const bindings = {
    '80/tcp': [{ HostPort: '8000-8010' }, { HostIp: '127.0.0.1', HostPort: '' }],
    '53/udp': [{ HostPort: '5353' }],
    '90/tcp': null,
  };
  expect(requestPorts(bindings, [], false, '0.0.0.0')).toEqual([
    { protocol: 'tcp', containerPort: 80, hostIp: '0.0.0.0', first: 8000, last: 8010 },
    { protocol: 'tcp', containerPort: 80, hostIp: '127.0.0.1', first: 0, last: 0 },
    { protocol: 'udp', containerPort: 53, hostIp: '0.0.0.0', first: 5353, last: 5353 },
  ]);
});

test('publishing all adds every exposed port that has no binding of its own', () => {
  const bindings = { '80/tcp': [{ HostPort: '8080' }] };
  const ports = requestPorts(bindings, ['80/tcp', '80/udp', '90-91'], true, '10.0.0.1');
  expect(ports.slice(1)).toEqual([
    { protocol: 'udp', containerPort: 80, hostIp: '10.0.0.1', first: 0, last: 0 },
    { protocol: 'tcp', containerPort: 90, hostIp: '10.0.0.1', first: 0, last: 0 },
    { protocol: 'tcp', containerPort: 91, hostIp: '10.0.0.1', first: 0, last: 0 },
  ]);
});

test.each(['', '0/tcp', '65536', '80/tcp/udp', '90-80', '80/icmp', '-1', '8a'])(
  'the port %j is refused',
  (text) => expect(() => parsePort(text)).toThrow(/^invalid p/),
);

test('sctp and IPv6 are named as missing instead of being ignored', () => {
  expect(() => parsePort('80/sctp')).toThrow('publishing sctp ports is not implemented');
  const bindings = { '80/tcp': [{ HostIp: '::1', HostPort: '1' }] };
  expect(() => requestPorts(bindings, [], false, '0.0.0.0')).toThrow('IPv6 address ::1 is not implemented');
});
