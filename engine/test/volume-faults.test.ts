import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { mountLoop, type LoopFilesystem } from './loop-filesystem.ts';

const MIB = 1024 * 1024;
const FILES = 200;

const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-volume-faults-'));
let disk: LoopFilesystem;
let engine: TestEngine;

/** An image with 20 MiB in 200 files below /seed, owned by 7:8. */
beforeAll(async () => {
  disk = mountLoop(directory);
  engine = await startEngine({ dataRoot: path.join(disk.mountpoint, 'data') });
  const script = `mkdir -m 750 /seed; for i in $(seq ${FILES}); do head -c 104857 /dev/urandom > /seed/$i; done; chown -R 7:8 /seed`;
  const id = await engine.dockerOk('run', '-d', 'busybox', 'sh', '-c', script);
  expect(await engine.dockerOk('wait', id)).toBe('0');
  await engine.dockerOk('commit', id, 'seeded');
  await engine.dockerOk('rm', id);
});
afterAll(async () => {
  await engine.stop();
  disk.unmount();
  rmSync(directory, { recursive: true });
});

const dataOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');

function expectWhole(name: string): void {
  expect(readdirSync(dataOf(name))).toHaveLength(FILES);
  const { uid, gid, mode } = statSync(dataOf(name));
  expect([uid, gid, mode & 0o7777]).toEqual([7, 8, 0o750]);
}

/** Takes all room of the data root but these bytes; returns how to give it back. */
async function fillDisk(freeBytes: number): Promise<() => void> {
  // What is removed in the background would be room again, and so is what the journal holds on to.
  await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'trash'))).toEqual([]);
  const ballast = path.join(disk.mountpoint, 'ballast');
  const available = (): number => {
    execFileSync('sync', ['--file-system', disk.mountpoint]);
    const { bfree, bsize } = statfsSync(disk.mountpoint);
    return bfree * bsize;
  };
  const free = (): void => rmSync(ballast);
  if (freeBytes > 0) {
    execFileSync('fallocate', ['-l', String(available() - freeBytes), ballast]);
    return free;
  }
  const append = ['if=/dev/zero', `of=${ballast}`, 'bs=4k', 'oflag=append', 'conv=notrunc'];
  for (let room = Infinity; available() < room;) {
    room = available();
    spawnSync('dd', append, { stdio: 'ignore', timeout: 20_000 });
  }
  return free;
}

const everything = async (): Promise<string[]> => [
  await engine.dockerOk('ps', '-aq'),
  await engine.dockerOk(
    'volume',
    'ls',
    '-q',
    '-f',
    'dangling=true',
    '-f',
    'label=com.docker.volume.anonymous',
  ),
];

test('a data root that is full while an image is copied into a volume leaves nothing half-made', async () => {
  await engine.dockerOk('volume', 'create', 'tight');
  const free = await fillDisk(10 * MIB);
  for (const volume of ['tight:/seed', '/seed']) {
    const { stderr } = await engine.docker('create', '-v', volume, 'seeded');
    expect(stderr).toMatch(/failed to populate volume: .*no space left on device/);
  }
  expect(readdirSync(dataOf('tight'))).toEqual([]);
  expect(await everything()).toEqual(['', '']);
  free();
  const id = await engine.dockerOk('create', '-v', 'tight:/seed', 'seeded');
  expectWhole('tight');
  await engine.dockerOk('rm', id);
  await engine.dockerOk('volume', 'rm', 'tight');
});

test('a container that cannot start for want of room stays created, and starts when there is some', async () => {
  const id = await engine.dockerOk('create', '-v', 'roomy:/d', 'busybox', 'true');
  const free = await fillDisk(0);
  const { stderr } = await engine.docker('start', id);
  free();
  expect(stderr).toMatch(/no space left on device/i);
  expect(await engine.dockerOk('inspect', '-f', '{{.State.Status}}', id)).toBe('created');
  await engine.dockerOk('start', '-a', id);
  await engine.dockerOk('rm', id);
});

test('a copy-up that was cut off begins again, and one that had only to move its files ends', async () => {
  for (const name of ['begun', 'moved']) await engine.dockerOk('volume', 'create', name);
  await engine.kill9();
  mkdirSync(path.join(dataOf('begun'), '.gantry-filling/1'), { recursive: true });
  mkdirSync(path.join(dataOf('moved'), '.gantry-filled/rest'), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(dataOf('moved'), 'first'), '');
  await engine.restart();
  expect(readdirSync(dataOf('begun'))).toEqual([]);
  expect(readdirSync(dataOf('moved')).sort()).toEqual(['first', 'rest']);
  expect(statSync(dataOf('moved')).mode & 0o777).toBe(0o700);
  const id = await engine.dockerOk('create', '-v', 'begun:/seed', '-v', 'moved:/seed/sub', 'seeded');
  expectWhole('begun');
  await engine.dockerOk('rm', id);
  await engine.dockerOk('volume', 'rm', 'begun', 'moved');
});

test('whoever locks a volume, as its containers can, keeps neither the next engine nor a container', async () => {
  const script = 'mkdir /d/.gantry-filling; ln -s / /d/.gantry-filled';
  await engine.dockerOk('run', '--rm', '-v', 'locked:/d', 'busybox', 'sh', '-c', script);
  const holder = spawn('flock', [dataOf('locked'), 'sleep', '600'], { detached: true });
  try {
    await expect.poll(() => spawnSync('flock', ['-n', dataOf('locked'), 'true']).status).toBe(1);
    await engine.restart();
    expect(readdirSync(dataOf('locked'))).toEqual(['.gantry-filled']);
    await engine.dockerOk('rm', await engine.dockerOk('create', '-v', 'locked:/seed', 'seeded'));
  } finally {
    if (holder.pid !== undefined) process.kill(-holder.pid, 'SIGKILL');
  }
  await engine.dockerOk('volume', 'rm', 'locked');
});

test('an engine that is killed while it fills volumes leaves no volume of a container that never was', async () => {
  for (const round of [1, 2, 3]) {
    const created = engine.docker('create', '-v', 'killed:/seed', '-v', '/seed/sub', '-v', '/etc', 'seeded');
    const over = created.then(() => true);
    const filling = path.join(dataOf('killed'), '.gantry-filling', String(50 * round));
    await expect
      .poll(async () => existsSync(filling) || Promise.race([over, Promise.resolve(false)]), { interval: 1 })
      .toBe(true);
    await engine.kill9();
    await created;
    await engine.restart();
    const [containers] = await everything();
    if (containers === '') expect(await everything()).toEqual(['', '']);
    for (const id of (containers ?? '').split('\n').filter(Boolean)) await engine.dockerOk('rm', '-v', id);
    const id = await engine.dockerOk('create', '-v', 'killed:/seed', 'seeded');
    expectWhole('killed');
    await engine.dockerOk('rm', id);
    await engine.dockerOk('volume', 'rm', 'killed');
  }
});
