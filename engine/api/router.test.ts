import { expect, test } from 'vitest';
import type { Route } from './route.ts';
import { createRouter } from './router.ts';

const route = (method: Route['method'], path: string): Route => ({ method, path, handler: () => undefined });
const routes = [
  route('GET', '/containers/json'),
  route('GET', '/containers/{id}/json'),
  route('GET', '/images/{name...}/json'),
  route('DELETE', '/images/{name...}'),
  route('GET', '/a.b'),
];
const router = createRouter(routes);
const params = (method: string, path: string): Record<string, string> => ({
  ...router.match(method, path).params,
});

test('a parameter is one segment', () => {
  expect(params('GET', '/containers/abc/json')).toEqual({ id: 'abc' });
  expect(() => router.match('GET', '/containers/a/b/json')).toThrow('page not found');
});

test('a greedy parameter holds slashes, tags and digests', () => {
  expect(params('GET', '/images/localhost:5000/team/app:1.0/json')).toEqual({
    name: 'localhost:5000/team/app:1.0',
  });
  expect(params('DELETE', '/images/a/b@sha256:00')).toEqual({ name: 'a/b@sha256:00' });
});

test('the path is decoded before it is matched', () => {
  expect(params('GET', '/images/team%2Fapp%3A1/json')).toEqual({ name: 'team/app:1' });
  expect(() => router.match('GET', '/containers/a%2Fb/json')).toThrow('page not found');
});

test('the first route that fits wins', () => {
  const [first, second] = [route('GET', '/x/{id}'), route('GET', '/x/y')];
  expect(createRouter([first, second]).match('GET', '/x/y').route.handler).toBe(first.handler);
});

test('an unknown path and a known path by another method are the same 404', () => {
  expect(() => router.match('GET', '/nope')).toThrow('page not found');
  expect(() => router.match('POST', '/containers/json')).toThrow('page not found');
  expect(() => router.match('GET', '/containers/json/')).toThrow('page not found');
});

test('a dot in a route is a dot', () => {
  expect(() => router.match('GET', '/axb')).toThrow('page not found');
});

test('broken escapes and NUL are bad requests', () => {
  expect(() => router.match('GET', '/images/%zz/json')).toThrow('invalid URL escape');
  expect(() => router.match('GET', '/images/%00/json')).toThrow('invalid NUL');
});
