import { expect, test } from 'vitest';
import { domainOf, Endpoints, remoteNameOf } from './endpoint.ts';

const endpoints = (options: { insecureRegistries?: string[]; mirrors?: string[] } = {}) =>
  new Endpoints({ insecureRegistries: [], mirrors: [], certificateDirectories: [], ...options });

async function placesOf(domain: string, from: Endpoints, mirrors = true): Promise<string[]> {
  const found = await from.of(domain, { mirrors });
  return found.map(({ base, tls }) => `${base.origin}${tls.rejectUnauthorized ? '' : ' unverified'}`);
}

test('Docker Hub is reached at its registry, its mirrors first and for reading only', async () => {
  const mirrored = endpoints({ mirrors: ['https://mirror.test/'] });
  for (const domain of ['docker.io', 'index.docker.io'])
    expect(await placesOf(domain, mirrored)).toEqual(['https://mirror.test', 'https://registry-1.docker.io']);
  expect(await placesOf('docker.io', mirrored, false)).toEqual(['https://registry-1.docker.io']);
  expect(await placesOf('192.0.2.1:5000', mirrored)).toEqual(['https://192.0.2.1:5000']);
});

test.each([
  ['127.0.0.1:5000', []],
  ['127.8.8.8', []],
  ['localhost:5000', []],
  ['[::1]:5000', []],
  ['192.0.2.1:5000', ['192.0.2.1:5000']],
  ['192.0.2.1:5000', ['192.0.2.0/24']],
  ['192.0.2.1:5000', ['http://192.0.2.1:5000']],
  ['[2001:db8::1]:5000', ['2001:db8::/32']],
])('%s with %j may be insecure', async (host, insecureRegistries) => {
  expect(await placesOf(host, endpoints({ insecureRegistries }))).toEqual([
    `https://${host} unverified`,
    `http://${host} unverified`,
  ]);
});

test.each([
  ['192.0.2.1:5000', []],
  ['192.0.2.1:5001', ['192.0.2.1:5000']],
  ['198.51.100.1', ['192.0.2.0/24']],
  ['nowhere.invalid', ['192.0.2.0/24']],
])('%s with %j must be secure', async (host, insecureRegistries) => {
  expect(await placesOf(host, endpoints({ insecureRegistries }))).toEqual([`https://${host}`]);
});

test.each([
  [{ insecureRegistries: ['a b'] }, 'insecure registry a b is not valid'],
  [{ insecureRegistries: ['host/path'] }, 'is not valid'],
  [{ mirrors: ['mirror.test'] }, 'no scheme specified for "mirror.test"'],
  [{ mirrors: ['ftp://mirror.test'] }, 'unsupported scheme'],
  [{ mirrors: ['https://user:secret@mirror.test'] }, 'username/password not allowed in URI'],
  [{ mirrors: ['https://mirror.test?x=1'] }, 'query or fragment'],
])('%j is refused', (options, message) => {
  expect(() => endpoints(options)).toThrow(message);
});

test('a name is its registry and what the registry knows it by', () => {
  expect([domainOf('docker.io/library/busybox'), remoteNameOf('docker.io/library/busybox')]).toEqual([
    'docker.io',
    'library/busybox',
  ]);
});
