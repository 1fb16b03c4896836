import { expect, test } from 'vitest';
import { isMovable, isPassing, volumeNameFor } from './data-loss.ts';

const directory = (path: string) => ({
  path,
  addedFiles: 1,
  addedBytes: 1,
  changedFiles: 0,
  changedBytes: 0,
  deletedFiles: 0,
});
const mount = { type: 'volume', name: 'v', source: '', destination: '/data', readonly: false };

test('the root and what is mounted already cannot be moved', () => {
  expect(isMovable(directory('/'), [])).toBe(false);
  expect(isMovable(directory('/data'), [mount])).toBe(false);
  expect(isMovable(directory('/database'), [mount])).toBe(true);
});

test('caches and logs are no loss, whatever else is', () => {
  expect(['/tmp', '/var/cache/apt', '/run/x'].map((path) => isPassing(directory(path)))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['/tmpfiles', '/var/lib'].map((path) => isPassing(directory(path)))).toEqual([false, false]);
});

test('a volume is named after the container and the directory', () => {
  expect(volumeNameFor('web', '/var/lib/mysql')).toBe('web-var-lib-mysql');
  expect(volumeNameFor('web', '/한국어/x y')).toBe('web-x-y');
});
