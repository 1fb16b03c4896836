import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProjectStore } from './project-store.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-projects-'))));
afterEach(() => rm(directory, { recursive: true }));

test('a saved project is listed, read back and removed', async () => {
  const store = createProjectStore(directory);
  expect(await store.list()).toEqual([]);
  await store.save('shop', 'services: {}\n');
  expect(await store.list()).toEqual(['shop']);
  expect(await store.read('shop')).toBe('services: {}\n');
  expect((await stat(store.pathOf('shop'))).mode & 0o077).toBe(0);
  await store.remove('shop');
  await expect(store.read('shop')).rejects.toMatchObject({ kind: 'not-found' });
});

test.each(['..', '../x', 'a/b', '/etc', '', '.', 'A', 'a\0b', '-a', 'a'.repeat(200)])(
  'SECURITY: the name %j cannot leave the directory',
  async (project) => {
    const store = createProjectStore(directory);
    expect(() => store.pathOf(project)).toThrow('invalid project name');
    await expect(store.save(project, 'x')).rejects.toThrow('invalid project name');
  },
);
