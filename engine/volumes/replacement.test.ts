import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginReplacement, exchangeContent, finishReplacement, safetyCopyOf } from './replacement.ts';
import type { VolumeRecord } from './volumes.ts';

const KILLED = new Error('killed');
const COPY: VolumeRecord = {
  name: 'kept',
  driver: 'local',
  createdAt: '',
  labels: {},
  options: {},
  quotaProject: 0,
  madeFor: '',
};

let root: string;
let content: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'gantry-replacement-'));
  content = path.join(root, 'data/_data');
  await mkdir(content, { recursive: true });
  await writeFile(path.join(content, 'file'), 'old');
});
afterEach(() => rm(root, { recursive: true }));

const removeTree = (directory: string): Promise<void> => rm(directory, { recursive: true });

/** What the kernel does in one step. */
async function exchange([, one = '', other = '']: string[]): Promise<void> {
  await rename(one, `${one}-aside`);
  await rename(other, one);
  await rename(`${one}-aside`, other);
}

async function prepare(): Promise<string> {
  const replacement = await beginReplacement(root, COPY);
  await writeFile(path.join(replacement, '_data/file'), 'new');
  return replacement;
}

const fileOf = (volume: string): Promise<string> => readFile(path.join(root, volume, '_data/file'), 'utf8');

test('after a crash before the change of places the new content goes', async () => {
  const replacement = await prepare();
  await expect(exchangeContent(replacement, content, () => Promise.reject(KILLED))).rejects.toBe(KILLED);
  await finishReplacement(root, replacement, removeTree);
  expect(await readdir(root)).toEqual(['data']);
  expect(await fileOf('data')).toBe('old');
});

test('after a crash behind it the old content gets its name', async () => {
  const replacement = await prepare();
  await exchangeContent(replacement, content, exchange);
  await finishReplacement(root, replacement, removeTree);
  expect((await readdir(root)).sort()).toEqual(['data', 'kept']);
  expect([await fileOf('data'), await fileOf('kept')]).toEqual(['new', 'old']);
});

test('one that was never whole goes', async () => {
  await finishReplacement(root, await prepare(), removeTree);
  expect(await readdir(root)).toEqual(['data']);
});

test('the safety copy of an anonymous volume is none that prune takes, and its name fits', () => {
  const labels = { 'com.docker.volume.anonymous': '', team: 'a' };
  const volume = { ...COPY, name: 'v'.repeat(255), labels, mountpoint: '', anonymous: true, external: false };
  const { name, labels: kept } = safetyCopyOf(volume, '2026-11-26T00:15:00Z');
  expect(name).toMatch(/^v+-before-restore-20261126T001500Z-[0-9a-f]{4}$/);
  expect(name).toHaveLength(255);
  expect(kept).toEqual({ team: 'a', 'com.gantry.volume.before-restore': volume.name });
});
