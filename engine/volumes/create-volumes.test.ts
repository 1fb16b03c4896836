import { mkdtemp, mkdir, readdir, rm, symlink, writeFile, link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { createVolumes, type Volumes } from './create-volumes.ts';

let dataRoot: string;
let told: string[];

beforeEach(async () => {
  dataRoot = await mkdtemp(path.join(tmpdir(), 'gantry-volumes-'));
  told = [];
});
afterEach(() => rm(dataRoot, { recursive: true }));

async function open(): Promise<Volumes> {
  const volumes = createVolumes({
    dataRoot,
    logger: createLogger('error'),
    events: { publish: ({ action, actor }) => told.push(`${action} ${actor.id}`) },
    runTask: async ([task, directory]) => {
      if (task === 'remove-tree') await rm(directory ?? '', { recursive: true });
    },
    rootless: false,
  });
  await volumes.start();
  return volumes;
}

test('a volume is made once and found again after a restart', async () => {
  const volumes = await open();
  const made = await volumes.create({ name: 'data', labels: { a: 'b' } });
  expect(await volumes.create({ name: 'data' })).toBe(made);
  expect((await open()).get('data')).toEqual(made);
  expect(made.mountpoint).toBe(path.join(dataRoot, 'volumes/data/_data'));
  expect(told).toEqual(['create data']);
});

test('a volume without a name gets one of 64 hex digits and is anonymous', async () => {
  const volume = await (await open()).create({});
  expect(volume.name).toMatch(/^[0-9a-f]{64}$/);
  expect(volume.anonymous).toBe(true);
  expect(volume.labels).toEqual({ 'com.docker.volume.anonymous': '' });
});

test.each(['../x', 'a/b', '.hidden', '-x', 'a b', 'ü1', 'a'.repeat(256), 'x'])(
  'the name %j is refused before anything is made',
  async (name) => {
    const volumes = await open();
    await expect(volumes.create({ name })).rejects.toThrow(/name/);
    expect(await readdir(path.join(dataRoot, 'volumes'))).toEqual([]);
  },
);

test('a volume in use is kept until its last container is gone, also with force', async () => {
  const volumes = await open();
  await volumes.create({ name: 'data' });
  await volumes.acquire('data', 'c1');
  await volumes.acquire('data', 'c2');
  await expect(volumes.remove('data', { force: true })).rejects.toThrow(
    'remove data: volume is in use - [c1, c2]',
  );
  await volumes.release('data', 'c1');
  await volumes.release('data', 'c2');
  await volumes.remove('data', { force: false });
  expect(await readdir(path.join(dataRoot, 'volumes'))).toEqual([]);
  expect(told).toEqual(['create data', 'destroy data']);
});

test('an unknown volume is not found, and nothing to say when removal is forced', async () => {
  const volumes = await open();
  expect(() => volumes.get('nope')).toThrow('get nope: no such volume');
  await expect(volumes.remove('nope', { force: false })).rejects.toThrow('get nope: no such volume');
  await volumes.remove('nope', { force: true });
});

test('what a crash left half made or half removed is gone after the next start', async () => {
  await mkdir(path.join(dataRoot, 'volumes/.unfinished-1/_data'), { recursive: true });
  const volumes = await open();
  expect(volumes.list()).toEqual([]);
  expect(await readdir(path.join(dataRoot, 'volumes'))).toEqual([]);
});

test('a volume that cannot be made leaves nothing behind', async () => {
  const volumes = await open();
  // What an unreadable record of an earlier engine looks like.
  await mkdir(path.join(dataRoot, 'volumes/data/_data'), { recursive: true });
  await expect(volumes.create({ name: 'data' })).rejects.toThrow('ENOTEMPTY');
  expect(await readdir(path.join(dataRoot, 'volumes'))).toEqual(['data']);
  expect(volumes.list()).toEqual([]);
});

test('prune takes what nobody uses and says what it freed', async () => {
  const volumes = await open();
  for (const name of ['kept', 'used', 'gone']) await volumes.create({ name });
  await writeFile(path.join(volumes.get('gone').mountpoint, 'f'), 'x'.repeat(1000));
  await volumes.acquire('used', 'c1');
  expect(await volumes.prune(({ name }) => name !== 'kept')).toEqual({
    names: ['gone'],
    reclaimedBytes: 1000,
  });
  expect(volumes.list().map(({ name }) => name)).toEqual(['kept', 'used']);
});

test('a size counts hard links once and follows no symbolic link', async () => {
  const volumes = await open();
  const { mountpoint } = await volumes.create({ name: 'data' });
  await writeFile(path.join(mountpoint, 'a'), 'x'.repeat(100));
  await link(path.join(mountpoint, 'a'), path.join(mountpoint, 'b'));
  await symlink('/', path.join(mountpoint, 'root'));
  expect(await volumes.measure('data')).toBe(100);
});

test('other drivers and unknown options are named, never ignored', async () => {
  const volumes = await open();
  await expect(volumes.create({ name: 'v1', driver: 'nfs' })).rejects.toThrow('plugin "nfs" not found');
  await expect(volumes.create({ name: 'v1', options: { colour: 'red' } })).rejects.toThrow(
    'create v1: invalid option: "colour"',
  );
  expect(volumes.list()).toEqual([]);
});
