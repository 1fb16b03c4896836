import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { mountLoop, type LoopFilesystem } from './loop-filesystem.ts';
import { create, outputOf, shell } from './run-container.ts';

const limited = { StorageOpt: { size: '8M' } };

/** undefined where the kernel has no project quotas. */
function mountWithQuota(directory: string): LoopFilesystem | undefined {
  try {
    return mountLoop(directory, { projectQuota: true });
  } catch (error) {
    console.warn(`no project quota in this kernel, storage-opt size is not tested: ${String(error)}`);
    return undefined;
  }
}

const hasRepquota = spawnSync('repquota', ['--version']).error === undefined;

describe('the size of a container', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-quota-'));
  const disk = mountWithQuota(directory);
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine(disk === undefined ? {} : { dataRoot: path.join(disk.mountpoint, 'data') });
  });
  afterAll(async () => {
    await engine.stop();
    disk?.unmount();
    rmSync(directory, { recursive: true });
  });

  test.skipIf(disk === undefined)('ends what it writes, and nobody else', async () => {
    const fill =
      'dd if=/dev/zero of=/full bs=1M count=12 2>&1 | grep -o "No space left\\|Disk quota exceeded"; ';
    // Renames go between the layer and the work directory of overlay.
    const renames = 'rm /full; mkdir /a; touch /a/x; mv /a /b; rm -r /b; touch /etc/passwd; echo ok';
    expect(await outputOf(engine, shell(fill + renames, limited))).toMatch(/^(No space|Disk quota).*\nok\n$/);
    expect(await outputOf(engine, shell(`${fill} echo free`))).toBe('free\n');
  });

  test.skipIf(disk === undefined || !hasRepquota)('goes off the books with the container', () => {
    const report = execFileSync('repquota', ['-P', '-n', disk?.mountpoint ?? '']).toString();
    expect(report.match(/\s8192\s/g)).toBeNull();
  });

  test.skipIf(disk !== undefined)('is refused where the file system cannot', async () => {
    await expect(create(engine, shell('true', limited))).rejects.toThrow('--storage-opt is supported only');
  });

  test('is refused when it is no size', async () => {
    await expect(create(engine, shell('true', { StorageOpt: { size: 'big' } }))).rejects.toThrow(
      "500 invalid size: 'big'",
    );
    await expect(create(engine, shell('true', { StorageOpt: { odd: '1' } }))).rejects.toThrow(
      '500 Unknown option odd',
    );
    expect(await engine.dockerOk('ps', '-aq')).toBe('');
  });
});
