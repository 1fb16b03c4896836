import { expect, test } from 'vitest';
import { parsePort, requestPorts } from './port-bindings.ts';

test('a range of host ports is one request, an absent port lets the kernel choose', () => {
  const bindings = {
    '80/tcp': [{ HostPort: '8000-8010' }, { HostIp: '127.0.0.1', HostPort: '' }],
    '53/udp': [{ HostPort: '5353' }],
    '90/tcp': null,
  };
  expect(requestPorts(bindings, [], false, ['0.0.0.0', '::'])).toEqual([
    { protocol: 'tcp', containerPort: 80, hostIps: ['0.0.0.0', '::'], first: 8000, last: 8010 },
    { protocol: 'tcp', containerPort: 80, hostIps: ['127.0.0.1'], first: 0, last: 0 },
    { protocol: 'udp', containerPort: 53, hostIps: ['0.0.0.0', '::'], first: 5353, last: 5353 },
  ]);
});

test('publishing all adds every exposed port that has no binding of its own', () => {
  const bindings = { '80/tcp': [{ HostPort: '8080' }] };
  const ports = requestPorts(bindings, ['80/tcp', '80/udp', '90-91'], true, ['10.0.0.1']);
  expect(ports.slice(1)).toEqual([
    { protocol: 'udp', containerPort: 80, hostIps: ['10.0.0.1'], first: 0, last: 0 },
    { protocol: 'tcp', containerPort: 90, hostIps: ['10.0.0.1'], first: 0, last: 0 },
    { protocol: 'tcp', containerPort: 91, hostIps: ['10.0.0.1'], first: 0, last: 0 },
  ]);
});

test.each(['', '0/tcp', '65536', '80/tcp/udp', '90-80', '80/icmp', '-1', '8a'])(
  'the port %j is refused',
  (text) => expect(() => parsePort(text)).toThrow(/^invalid p/),
);

test('an IPv6 address of the host is taken in its canonical form, what is no address is refused', () => {
  const bound = (HostIp: string) => requestPorts({ '80/sctp': [{ HostIp }] }, [], false, []);
  expect(bound('0:0::1')).toEqual([
    { protocol: 'sctp', containerPort: 80, hostIps: ['::1'], first: 0, last: 0 },
  ]);
  expect(() => bound('10.0.0')).toThrow('invalid IP address: 10.0.0');
});
