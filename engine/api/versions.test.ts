import { expect, test } from 'vitest';
import { compareVersions, negotiateVersion } from './versions.ts';

test('a path without a prefix speaks the newest version', () => {
  const { apiVersion, path } = negotiateVersion('/containers/json');
  expect(path).toBe('/containers/json');
  expect(apiVersion.atLeast('1.56')).toBe(true);
});

test('a prefix is taken off the path and decides the version', () => {
  const { apiVersion, path } = negotiateVersion('/v1.43/containers/json');
  expect(path).toBe('/containers/json');
  expect(apiVersion).toMatchObject({ major: 1, minor: 43 });
  expect(apiVersion.atLeast('1.43')).toBe(true);
  expect(apiVersion.atLeast('1.44')).toBe(false);
});

test('versions outside the range are refused with the text of Docker', () => {
  expect(() => negotiateVersion('/v1.10/info')).toThrow(
    'client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  );
  expect(() => negotiateVersion('/v1.99/info')).toThrow(
    'client version 1.99 is too new. Maximum supported API version is 1.56',
  );
});

test('a path that only looks like a prefix is left alone', () => {
  expect(negotiateVersion('/volumes').path).toBe('/volumes');
  expect(negotiateVersion('/v1.43').path).toBe('/v1.43');
});

test('versions compare by number, not by text', () => {
  expect(compareVersions('1.9', '1.24')).toBeLessThan(0);
  expect(compareVersions('1.40', '1.40.0')).toBe(0);
  expect(compareVersions('2', '1.56')).toBeGreaterThan(0);
});
