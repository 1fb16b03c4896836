import { expect, test } from 'vitest';
import { contentSecurityPolicy, isAllowedHost, isAllowedOrigin, isToken, tokenOf } from './request-policy.ts';

const loopback = { host: '127.0.0.1', port: 4000 };

test.each([
  ['127.0.0.1:4000', true],
  ['localhost:4000', true],
  ['LOCALHOST:4000', true],
  ['[::1]:4000', true],
  ['127.0.0.1:4001', false],
  ['127.0.0.1', false],
  ['evil.example:4000', false],
  ['localhost.evil.example:4000', false],
  ['192.168.1.2:4000', false],
  ['localhost:4000@evil', false],
  ['localhost:4000,evil', false],
  ['', false],
  [undefined, false],
])('SECURITY 2025-9074: on loopback the host %s is allowed: %s', (host, allowed) => {
  expect(isAllowedHost(host, loopback)).toBe(allowed);
});

test('on all addresses an IP literal is allowed, a name that DNS may point to us is not', () => {
  const everywhere = { host: '0.0.0.0', port: 4000 };
  expect(isAllowedHost('192.168.1.2:4000', everywhere)).toBe(true);
  expect(isAllowedHost('[fe80::1]:4000', everywhere)).toBe(true);
  expect(isAllowedHost('evil.example:4000', everywhere)).toBe(false);
  expect(isAllowedHost('192.168.1.2:4000', { host: '192.168.1.2', port: 4000 })).toBe(true);
});

test('an origin is allowed when it is the very host that was asked', () => {
  expect(isAllowedOrigin('http://127.0.0.1:4000', '127.0.0.1:4000')).toBe(true);
  expect(isAllowedOrigin('http://localhost:4000', '127.0.0.1:4000')).toBe(false);
  expect(isAllowedOrigin('https://127.0.0.1:4000', '127.0.0.1:4000')).toBe(false);
  expect(isAllowedOrigin('null', '127.0.0.1:4000')).toBe(false);
  expect(isAllowedOrigin(undefined, '127.0.0.1:4000')).toBe(false);
});

test('the token comes as a subprotocol and must match whole', () => {
  expect(tokenOf(['gantry', 'gantry.token.abc'])).toBe('abc');
  expect(tokenOf(['gantry'])).toBeUndefined();
  expect(isToken('abc', 'abc')).toBe(true);
  for (const wrong of ['', 'ab', 'abcd', 'abd', undefined]) expect(isToken(wrong, 'abc')).toBe(false);
});

test('the policy allows no inline script, no eval and no foreign source', () => {
  const policy = contentSecurityPolicy("'self'");
  const directive = (name: string) => policy.split('; ').find((part) => part.startsWith(`${name} `));
  expect(directive('default-src')).toBe("default-src 'self'");
  expect(directive('script-src')).toBe("script-src 'self'");
  expect(directive('frame-ancestors')).toBe("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe-eval');
  expect(policy).not.toContain('*');
});
