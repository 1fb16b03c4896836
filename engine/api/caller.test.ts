import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { requireLocalCaller } from './caller.ts';

const call = (host: string | undefined, origin?: string) => () =>
  requireLocalCaller({ headers: { host, origin } } as IncomingMessage);

test.each([
  undefined,
  '',
  'docker',
  'localhost',
  'localhost:2375',
  'api.moby.localhost',
  'docker.example.com',
  '127.0.0.1:80',
  '[::1]:2375',
  '%2Fvar%2Frun%2Fdocker.sock',
  '/var/run/docker.sock',
])('host %j of a Docker client is allowed', (host) => {
  expect(call(host)).not.toThrow();
});

test.each(['evil.com', 'evil.com:2375', 'localhost.evil.com', 'evil.com%2f.docker'])(
  'host %j of a rebinding page is refused',
  (host) => {
    expect(call(host)).toThrow('is not allowed');
  },
);

test('a foreign origin is refused', () => {
  expect(call('localhost', 'http://evil.com')).toThrow("origin 'http://evil.com' is not allowed");
  expect(call('localhost', 'null')).toThrow('is not allowed');
  expect(call('localhost', 'http://localhost')).not.toThrow();
  expect(call('localhost:2375', 'http://localhost')).toThrow('is not allowed');
});

test('the origin that a WebSocket client in Go makes up is allowed where no browser can connect', () => {
  expect(call('', 'http://localhost')).not.toThrow();
  expect(call('%2Fvar%2Frun%2Fdocker.sock', 'http://localhost')).not.toThrow();
});
