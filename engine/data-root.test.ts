import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataRoot } from './data-root.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-root-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openDataRoot(path.join(directory, 'data'), path.join(directory, 'run'));
const lockFile = (): string => path.join(directory, 'data', 'engine.lock');

test('directories are made passable but not readable for others', async () => {
  const root = await open();
  expect(statSync(path.join(directory, 'data')).mode & 0o777).toBe(0o710);
  await root.release();
});

test('the identity is kept', async () => {
  const first = await open();
  await first.release();
  const second = await open();
  expect(second.engineId).toBe(first.engineId);
  await second.release();
});

test('a second engine is refused as long as the first lives', async () => {
  const first = await open();
  await expect(open()).rejects.toThrow(`another engine (pid ${process.pid}) is using ${directory}/data`);
  await first.release();
  await (await open()).release();
});

test('the lock of a dead engine and of a recycled pid are taken over', async () => {
  await (await open()).release();
  const child = spawn('true');
  await once(child, 'exit');
  for (const stale of [`${child.pid} 12345\n`, `${process.pid} 1\n`, 'nonsense']) {
    writeFileSync(lockFile(), stale);
    const root = await open();
    expect(readFileSync(lockFile(), 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+\\n$`));
    await root.release();
  }
});

test('a data root of a newer engine is refused and stays as it is', async () => {
  await (await open()).release();
  const version = path.join(directory, 'data', 'version');
  writeFileSync(version, '999\n');
  await expect(open()).rejects.toThrow('a newer Gantry made it');
  expect(readFileSync(version, 'utf8')).toBe('999\n');
});

test('a path through a file is refused by name', async () => {
  const file = path.join(directory, 'file');
  writeFileSync(file, '');
  await expect(openDataRoot(path.join(file, 'data'), directory)).rejects.toThrow(
    `cannot use directory ${file}/data`,
  );
});
