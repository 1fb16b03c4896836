import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { makeFilesystem, mountLoop, type LoopFilesystem } from './loop-filesystem.ts';
import { create, outputOf, shell } from './run-container.ts';

const limited = { StorageOpt: { size: '8M' } };

/** undefined where the kernel has no project quotas of that file system. */
function mountWithQuota(directory: string, type: 'ext4' | 'xfs'): LoopFilesystem | undefined {
  try {
    return mountLoop(directory, { type, projectQuota: true });
  } catch (error) {
    console.warn(`no project quota of ${type} here, sizes are not tested: ${String(error)}`);
    // Hooks are not run where every test is skipped.
    rmSync(directory, { recursive: true });
    return undefined;
  }
}

/** Writes 12 MiB to a file and says how that ended. */
const fill = (file: string): string =>
  `dd if=/dev/zero of=${file} bs=1M count=12 2>&1 | grep -o "No space left\\|Disk quota exceeded"; `;
const FULL = /^(No space left|Disk quota exceeded)$/m;

const volume = (engine: TestEngine, Name: string, DriverOpts: Record<string, string>) =>
  engine.api<{ message: string }>('POST', '/volumes/create', { Name, DriverOpts });

const hasRepquota = spawnSync('repquota', ['--version']).error === undefined;

describe.each(['ext4', 'xfs'] as const)('a size on %s', (type) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-quota-'));
  const disk = mountWithQuota(directory, type);
  let engine: TestEngine;
  beforeAll(async () => {
    if (disk) engine = await startEngine({ dataRoot: path.join(disk.mountpoint, 'data') });
  });
  afterAll(async () => {
    if (!disk) return;
    await engine.stop();
    disk.unmount();
    rmSync(directory, { recursive: true });
  });

  test.skipIf(disk === undefined)('ends what a container writes, and nobody else', async () => {
    // Renames go between the layer and the work directory of overlay.
    const renames = 'rm /full; mkdir /a; touch /a/x; mv /a /b; rm -r /b; touch /etc/passwd; echo ok';
    const output = await outputOf(engine, shell(fill('/full') + renames, limited));
    expect(output).toMatch(FULL);
    expect(output).toMatch(/\nok\n$/);
    expect(await outputOf(engine, shell(`${fill('/full')} echo free`))).toBe('free\n');
  });

  test.skipIf(disk === undefined)('ends what all containers write to a volume, and to no other', async () => {
    expect((await volume(engine, 'small', { size: '8m' })).status).toBe(201);
    expect((await volume(engine, 'open', {})).status).toBe(201);
    const mounts = { Binds: ['small:/small', 'open:/open'] };
    expect(await outputOf(engine, shell(`${fill('/open/full')} ${fill('/small/full')}`, mounts))).toMatch(
      FULL,
    );
    const second = 'touch /open/x; head -c 1048576 /dev/zero > /small/more || echo full; rm /small/*; ';
    const freed = 'head -c 1048576 /dev/zero > /small/more && echo room';
    expect(await outputOf(engine, shell(second + freed, mounts))).toMatch(/full\nroom\n$/);
    await engine.dockerOk('volume', 'rm', 'small', 'open');
  });

  test.skipIf(disk === undefined)('holds for a volume that is mounted by its options, too', async () => {
    const image = path.join(directory, 'external');
    makeFilesystem(image, { type, projectQuota: true });
    const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    try {
      const options = { type, device, o: 'prjquota', size: '8m' };
      expect((await volume(engine, 'external', options)).status).toBe(201);
      const mounts = { Binds: ['external:/d'] };
      expect(await outputOf(engine, shell(fill('/d/full'), mounts))).toMatch(FULL);
      await engine.dockerOk('volume', 'rm', 'external');
    } finally {
      execFileSync('losetup', ['--detach', device]);
    }
  });

  test.skipIf(disk === undefined || !hasRepquota)('goes off the books with what it was for', () => {
    const report = execFileSync('repquota', ['-P', '-n', disk?.mountpoint ?? '']).toString();
    expect(report.match(/\s8192\s/g)).toBeNull();
  });
});

describe('a size on a file system without project quotas', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-no-quota-'));
  let disk: LoopFilesystem;
  let engine: TestEngine;
  beforeAll(async () => {
    disk = mountLoop(directory);
    engine = await startEngine({ dataRoot: path.join(disk.mountpoint, 'data') });
  });
  afterAll(async () => {
    await engine.stop();
    disk.unmount();
    rmSync(directory, { recursive: true });
  });

  test('is refused for a container', async () => {
    await expect(create(engine, shell('true', limited))).rejects.toThrow('--storage-opt is supported only');
    expect(await engine.dockerOk('ps', '-aq')).toBe('');
  });

  test('is refused for a volume, of which nothing stays', async () => {
    const { status, json } = await volume(engine, 'small', { size: '8m' });
    expect([status, json.message]).toEqual([400, 'create small: quota size requested but no quota support']);
    expect(await engine.dockerOk('volume', 'ls', '-q')).toBe('');
  });

  test('is refused where a volume with other options is mounted', async () => {
    const options = { type: 'tmpfs', device: 'tmpfs', size: '8m' };
    expect((await volume(engine, 'mounted', options)).status).toBe(201);
    await expect(outputOf(engine, shell('true', { Binds: ['mounted:/d'] }))).rejects.toThrow(
      'size quota requested for volume but no quota support',
    );
    expect(execFileSync('cat', ['/proc/mounts'], { encoding: 'utf8' })).not.toContain('volumes/mounted');
    await engine.dockerOk('volume', 'rm', 'mounted');
  });

  test('is refused when it is none', async () => {
    await expect(create(engine, shell('true', { StorageOpt: { size: 'big' } }))).rejects.toThrow(
      "500 invalid size: 'big'",
    );
    await expect(create(engine, shell('true', { StorageOpt: { odd: '1' } }))).rejects.toThrow(
      '500 Unknown option odd',
    );
    expect(await engine.dockerOk('ps', '-aq')).toBe('');
  });
});
