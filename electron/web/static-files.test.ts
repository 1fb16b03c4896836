import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStaticFile, staticPath } from './static-files.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'gantry-static-'));
  await mkdir(path.join(root, 'assets/dir.js'), { recursive: true });
  await writeFile(path.join(root, 'index.html'), '<p>');
  await writeFile(path.join(root, 'assets/a-1234.js'), '1');
});
afterAll(() => rm(root, { recursive: true }));

test('the root is the index, which is asked for anew every time', async () => {
  const file = await readStaticFile(root, '/');
  expect(file).toMatchObject({ contentType: 'text/html; charset=utf-8', cacheControl: 'no-store' });
  expect(file?.body.toString()).toBe('<p>');
});

test('a hashed asset is kept', async () => {
  expect(await readStaticFile(root, '/assets/a-1234.js')).toMatchObject({
    contentType: 'text/javascript; charset=utf-8',
    cacheControl: 'max-age=31536000, immutable',
  });
});

test('what is not there, or is a directory, is undefined', async () => {
  expect(await readStaticFile(root, '/none.js')).toBeUndefined();
  expect(await readStaticFile(root, '/assets/dir.js')).toBeUndefined();
  expect(await readStaticFile(root, '/index.html/x.js')).toBeUndefined();
});

test.each([
  '/../etc/passwd',
  '/..%2f..%2fetc%2fpasswd.js',
  '/%2e%2e/x.js',
  '/assets/../../x.js',
  '/.git/config.json',
  '/a//b.js',
  '/a\\..\\b.js',
  '/a%00.js',
  '/%',
  'index.html',
  '/index.sh',
  '/assets',
])('SECURITY: %s names no file', (urlPath) => {
  expect(staticPath('/root', urlPath)).toBeUndefined();
});
