import { expect, test } from 'vitest';
import { proxiesFrom } from './proxies.ts';

const PROXY = 'http://proxy:3128';
const proxied = (none: string, url: string): boolean =>
  proxiesFrom({ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: none }).for(new URL(url)) !== undefined;

test('each scheme has its proxy, upper case wins, a scheme may be missing', () => {
  const proxies = proxiesFrom({ HTTP_PROXY: 'one:1', http_proxy: 'two:2', https_proxy: 'https://three:3' });
  expect(proxies.for(new URL('http://a'))?.href).toBe('http://one:1/');
  expect(proxies.for(new URL('https://a'))?.href).toBe('https://three:3/');
  expect(proxiesFrom({}).for(new URL('https://a'))).toBeUndefined();
});

test.each([
  ['', 'http://a.b', true],
  ['', 'http://localhost:5000', false],
  ['', 'http://127.3.2.1', false],
  ['', 'http://[::1]:5000', false],
  ['*', 'https://a.b', false],
  ['b.c', 'https://b.c', false],
  ['b.c', 'https://a.b.c', false],
  ['b.c', 'https://xb.c', true],
  ['.b.c', 'https://b.c', true],
  ['.b.c', 'https://a.b.c', false],
  ['*.b.c', 'https://a.b.c', false],
  ['x, B.C:5000', 'https://b.c:5000', false],
  ['b.c:5000', 'https://b.c', true],
  ['b.c:443', 'https://b.c', false],
  ['10.0.0.0/8', 'http://10.1.2.3:5000', false],
  ['10.0.0.0/8', 'http://11.1.2.3', true],
  ['10.1.2.3', 'http://10.1.2.3', false],
  ['fd00::/8', 'http://[fd00::1]', false],
  ['[fd00::1]:80', 'http://[fd00::1]', false],
])('with NO_PROXY=%s %s is proxied: %s', (none, url, expected) => {
  expect(proxied(none, url)).toBe(expected);
});

test('passwords are shown to nobody, and what is no proxy is refused without its text', () => {
  expect(proxiesFrom({ HTTPS_PROXY: 'http://user:secret@proxy:1' }).shown.https).toBe(
    'http://xxxxx:xxxxx@proxy:1',
  );
  for (const bad of ['socks5://u:secret@proxy', 'http://u:secret@:x'])
    expect(() => proxiesFrom({ HTTP_PROXY: bad })).toThrow(/^(?!.*secret).*proxy/);
});
