import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chainIds } from './layer-store.ts';
import { nameLayersByDiffId } from './migrate-layers.ts';

let dataRoot: string;
beforeEach(() => {
  dataRoot = mkdtempSync(path.join(os.tmpdir(), 'gantry-migrate-'));
});
afterEach(() => rmSync(dataRoot, { recursive: true }));

const diffIds = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);
const chain = chainIds(diffIds);
const at = (...names: string[]): string => path.join(dataRoot, ...names);
const hex = (id = ''): string => id.slice('sha256:'.length);

function writeOldRoot(): void {
  for (const [index, chainId] of chain.entries()) {
    mkdirSync(at('layers', hex(chainId), 'diff'), { recursive: true });
    writeFileSync(at('layers', hex(chainId), 'diff', 'file'), diffIds[index] ?? '');
    const meta = { chainId, diffId: diffIds[index], sizeBytes: 71 };
    writeFileSync(at('layers', hex(chainId), 'meta.json'), JSON.stringify(meta));
  }
  const images = { 'sha256:1': { lastTagTime: '', layers: chain } };
  const catalog = { version: 1, seeded: true, images, references: { x: 'sha256:1' }, detached: {} };
  writeFileSync(at('images.json'), JSON.stringify(catalog));
}

function expectNewRoot(): void {
  for (const diffId of diffIds)
    expect(readFileSync(at('layers', hex(diffId), 'diff', 'file'), 'utf8')).toBe(diffId);
  expect(JSON.parse(readFileSync(at('images.json'), 'utf8'))).toEqual({
    version: 2,
    seeded: true,
    images: { 'sha256:1': { lastTagTime: '', layers: diffIds, manifests: [], parent: '' } },
    references: { x: 'sha256:1' },
    detached: {},
  });
}

test('layers of a data root of version 1 are found under their diff-ids', async () => {
  writeOldRoot();
  await nameLayersByDiffId(dataRoot);
  expectNewRoot();
});

test('a migration that ended half-way or before it was noted is finished by the next one', async () => {
  writeOldRoot();
  const name = hex(chain[0]);
  await nameLayersByDiffId(dataRoot);
  mkdirSync(at('layers-1', name), { recursive: true });
  const meta = { chainId: chain[0], diffId: diffIds[0], sizeBytes: 71 };
  writeFileSync(at('layers-1', name, 'meta.json'), JSON.stringify(meta));
  rmSync(at('trash', 'layers-1'), { recursive: true });
  await nameLayersByDiffId(dataRoot);
  await nameLayersByDiffId(dataRoot);
  expectNewRoot();
});
