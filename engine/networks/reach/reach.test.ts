import { expect, test } from 'vitest';
import { decodeAnswer, encodeQuestion } from './dns-question.ts';
import { isLoopback, parseListeners, takes } from './listeners.ts';
import { addressesIn, candidates } from './lookup.ts';
import { judge, type Findings } from './verdict.ts';

const HEADER = 'sl local_address rem_address st tx_queue rx_queue';

test('listening sockets are read from the kernel’s table, connected ones are not', () => {
  const table = `${HEADER}
   0: 0100007F:0050 00000000:0000 0A 00000000:00000000
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000
   2: 0502000A:0050 0602000A:C000 01 00000000:00000000`;
  expect(parseListeners(table, 'tcp', 80)).toEqual(['127.0.0.1']);
  expect(parseListeners(table, 'tcp', 8080)).toEqual(['0.0.0.0']);
  expect(parseListeners(table, 'tcp', 443)).toEqual([]);
});

test('IPv6 and UDP sockets are read, too', () => {
  const loopback = `${HEADER}\n 0: 00000000000000000000000001000000:0050 0:0 0A`;
  const any = `${HEADER}\n 0: 00000000000000000000000000000000:0035 0:0 07`;
  expect(parseListeners(loopback, 'tcp', 80)).toEqual(['::1']);
  expect(parseListeners(any, 'udp', 53)).toEqual(['::']);
  expect(parseListeners('garbage\n: :0050 x 0A', 'tcp', 80)).toEqual([]);
});

test('a socket on all addresses takes what comes to any', () => {
  expect(takes('0.0.0.0', '10.0.0.2')).toBe(true);
  expect(takes('::', '10.0.0.2')).toBe(true);
  expect(takes('0.0.0.0', 'fd00::2')).toBe(false);
  expect(takes('127.0.0.1', '10.0.0.2')).toBe(false);
  expect(['127.0.0.1', '127.8.0.1', '::1', '::ffff:7f00:1'].every(isLoopback)).toBe(true);
  expect(isLoopback('10.127.0.1')).toBe(false);
});

test('an answer gives the addresses of its family', () => {
  const question = encodeQuestion('web', 4, 7) ?? Buffer.alloc(0);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 9]);
  const answer = Buffer.concat([question, record]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  expect(decodeAnswer(answer, 4, 7)).toEqual({ addresses: ['10.0.0.9'] });
  expect(decodeAnswer(answer, 6, 7)).toEqual({ failure: 'unknown' });
  expect(decodeAnswer(answer, 4, 8)).toBeUndefined();
  answer.writeUInt16BE(0x8183, 2);
  expect(decodeAnswer(answer, 4, 7)).toEqual({ failure: 'unknown' });
  answer.writeUInt16BE(0x8182, 2);
  expect(decodeAnswer(answer, 4, 7)).toEqual({ failure: 'failed' });
});

test('what DNS cannot ask is not asked', () => {
  expect(encodeQuestion('a..b', 4, 1)).toBeUndefined();
  expect(encodeQuestion('x'.repeat(64), 4, 1)).toBeUndefined();
  expect(encodeQuestion('web.', 4, 1)).toEqual(encodeQuestion('web', 4, 1));
});

test('names of the hosts file come with all their addresses', () => {
  const hosts = '127.0.0.1\tlocalhost\n10.0.0.2 db.local db # db2\n10.0.0.3 db\nnonsense db\n';
  expect(addressesIn(hosts, 'db')).toEqual(['10.0.0.2', '10.0.0.3']);
  expect(addressesIn(hosts, 'db2')).toEqual([]);
});

test('search domains are tried in the order of libc', () => {
  const settings = { nameservers: [], search: ['a.test', 'b.test'], options: [] as string[] };
  expect(candidates('db', settings)).toEqual(['db.a.test', 'db.b.test', 'db']);
  expect(candidates('db', { ...settings, options: ['ndots:0'] })[0]).toBe('db');
  expect(candidates('x.db', settings)[0]).toBe('x.db');
  expect(candidates('db.', settings)).toEqual(['db.']);
});

const app = { Name: 'app', Id: '1', Internal: false };
const inside = { Name: 'inside', Id: '2', Internal: true };
const attempt = (failure: string) => ({
  Address: '10.0.0.2',
  Route: { Interface: 'eth0', Gateway: '', Source: '10.0.0.3', Failure: '' },
  Connection: { Failure: failure },
});
const findings = (part: Partial<Findings>): Findings => ({
  Source: { Id: 'a', Name: 'a', Networks: [app] },
  Target: { Id: 'b', Name: 'b', Networks: [app] },
  Shared: [app],
  Name: { Asked: 'b', Through: 'dns', Servers: ['127.0.0.11'], Addresses: ['10.0.0.2'], Failure: '' },
  Attempts: [attempt('')],
  Listening: ['0.0.0.0'],
  Port: 80,
  Protocol: 'tcp',
  onHost: false,
  sameNamespace: false,
  targetStopped: false,
  iccOff: false,
  ...part,
});
const noName = (Failure: 'unknown' | 'silent') => ({
  ...findings({}).Name,
  Addresses: [],
  Failure,
});

test.each<[string, Partial<Findings>]>([
  ['reachable', {}],
  ['target-stopped', { targetStopped: true, Attempts: [] }],
  ['no-network', { Source: { Id: 'a', Name: 'a', Networks: [] }, Attempts: [] }],
  ['name-unknown', { Name: noName('unknown') }],
  ['name-server-fails', { Name: noName('silent'), Target: null }],
  ['name-on-default-bridge', { Name: noName('unknown'), Shared: [{ ...app, Name: 'bridge' }] }],
  ['isolated', { Name: noName('unknown'), Shared: [] }],
  ['isolated', { Shared: [], Attempts: [attempt('ETIMEDOUT')] }],
  ['icc-off', { iccOff: true, Attempts: [attempt('ETIMEDOUT')] }],
  ['icc-off', { iccOff: true, Attempts: [attempt('ETIMEDOUT')], Protocol: 'udp' }],
  ['host-missing', { Target: null, Listening: null, Attempts: [attempt('EHOSTUNREACH')] }],
  ['dropped', { Attempts: [attempt('ETIMEDOUT')] }],
  ['port-closed', { Attempts: [attempt('ECONNREFUSED')], Listening: [] }],
  ['port-closed', { Attempts: [attempt('ECONNREFUSED')], Listening: null, Target: null }],
  ['loopback-only', { Attempts: [attempt('ECONNREFUSED')], Listening: ['127.0.0.1', '::1'] }],
  ['other-address', { Attempts: [attempt('ECONNREFUSED')], Listening: ['10.9.0.2'] }],
  ['refused', { Attempts: [attempt('ECONNREFUSED')] }],
  ['listening', { Attempts: [attempt('ETIMEDOUT')], Protocol: 'udp' }],
  ['silent', { Attempts: [attempt('ETIMEDOUT')], Protocol: 'udp', Target: null, Listening: null }],
  [
    'internal',
    {
      Source: { Id: 'a', Name: 'a', Networks: [inside] },
      Target: null,
      Listening: null,
      Attempts: [attempt('ETIMEDOUT')],
    },
  ],
])('the verdict is %s', (verdict, part) => {
  expect(judge(findings(part))).toBe(verdict);
});

test('without a route nothing is said of the port', () => {
  const route = { Interface: '', Gateway: '', Source: '', Failure: 'ENETUNREACH' };
  const unrouted = { Address: '192.0.2.1', Route: route, Connection: { Failure: 'ENETUNREACH' } };
  expect(judge(findings({ Target: null, Listening: null, Attempts: [unrouted] }))).toBe('no-route');
});
