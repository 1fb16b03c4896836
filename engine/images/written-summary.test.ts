import { expect, test } from 'vitest';
import type { WrittenDirectory } from '../wire/files.ts';
import { summarizeWritten } from './written-summary.ts';

const written = (
  path: string,
  addedBytes: number,
  more: Partial<WrittenDirectory> = {},
): WrittenDirectory => ({
  path,
  addedFiles: 1,
  addedBytes,
  changedFiles: 0,
  changedBytes: 0,
  deletedFiles: 0,
  ...more,
});
const told = (...directories: WrittenDirectory[]): [string, number][] =>
  summarizeWritten(directories).directories.map(({ path, addedBytes }) => [path, addedBytes]);

test('a directory that holds files is told with everything below it, largest first', () => {
  expect(
    told(
      written('/var/lib/mysql', 10),
      written('/var/lib/mysql/shop', 90),
      written('/var/log', 5),
      written('/root', 7),
    ),
  ).toEqual([
    ['/var/lib/mysql', 100],
    ['/root', 7],
    ['/var/log', 5],
  ]);
});

test('one that branches widely is told as one', () => {
  const modules = Array.from({ length: 20 }, (_, index) => written(`/app/node_modules/m${index}`, 1));
  expect(told(...modules)).toEqual([['/app/node_modules', 20]]);
});

test('a file in the root is no reason to tell of the whole root', () => {
  expect(told(written('/', 1), written('/data', 2))).toEqual([
    ['/data', 2],
    ['/', 1],
  ]);
});

test('changed and deleted files count apart, and all together', () => {
  const changed = { addedFiles: 0, changedFiles: 2, changedBytes: 30, deletedFiles: 3 };
  const { bytes, files, directories } = summarizeWritten([written('/etc', 0, changed), written('/tmp', 4)]);
  expect([bytes, files]).toEqual([34, 6]);
  expect(directories[0]).toEqual({ path: '/etc', addedBytes: 0, ...changed });
});

test('nothing written is nothing to tell', () => {
  expect(summarizeWritten([])).toEqual({ bytes: 0, files: 0, directories: [] });
});
