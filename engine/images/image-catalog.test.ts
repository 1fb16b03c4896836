import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { BlobStore } from './blob-store.ts';
import { ImageCatalog } from './image-catalog.ts';
import type { OciImageConfig } from './image-store.ts';
import { createImages } from './images.ts';
import type { LayerStore } from './layer-store.ts';
import { parseReference } from './reference.ts';

let dataRoot: string;
beforeEach(() => {
  dataRoot = mkdtempSync(path.join(os.tmpdir(), 'gantry-catalog-'));
});
afterEach(() => rmSync(dataRoot, { recursive: true }));

const start = () =>
  createImages({
    dataRoot,
    binary: '/bin/false',
    events: { publish: () => undefined },
    logger: createLogger('error', () => undefined),
    layerForm: 'auto',
    layerLimits: { maxBytes: 1, maxRatio: 1, ratioFromBytes: 0 },
    runTask: async () => undefined,
    forgetLayer: () => undefined,
  }).start();

test.each([
  ['an image without layers', { images: { [`sha256:${'a'.repeat(64)}`]: { lastTagTime: '' } } }],
  ['a later version', { version: 3 }],
  ['no references', { references: undefined }],
])('a catalogue with %s is named and left as it is', async (_, change) => {
  const file = path.join(dataRoot, 'images.json');
  const text = JSON.stringify({
    version: 2,
    seeded: true,
    images: {},
    references: {},
    detached: {},
    ...change,
  });
  writeFileSync(file, text);
  await expect(start()).rejects.toThrow(`${file} is damaged or of another build of Gantry`);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('a catalogue that is no JSON is named', async () => {
  const file = path.join(dataRoot, 'images.json');
  writeFileSync(file, '{"version":1');
  await expect(start()).rejects.toThrow(`${file} is damaged: `);
});

test('an empty catalogue and none at all are a start without images', async () => {
  await start();
  const empty = { version: 2, seeded: true, images: {}, references: {}, detached: {} };
  writeFileSync(path.join(dataRoot, 'images.json'), JSON.stringify(empty));
  await start();
});

test('changes that are made together are written together, and undone together when one fails', async () => {
  const file = path.join(dataRoot, 'images.json');
  const layers = { sync: async () => undefined };
  const blobs = new BlobStore(path.join(dataRoot, 'blobs'));
  await blobs.start();
  const logger = createLogger('error', () => undefined);
  const catalog = new ImageCatalog({ file, blobs, layers: layers as unknown as LayerStore, logger });
  const id = `sha256:${'a'.repeat(64)}`;
  const config: OciImageConfig = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
  };
  const reference = parseReference('busybox:1');
  const failing = catalog.together(async () => {
    await catalog.add(id, config);
    await catalog.tag(reference, id);
    expect(existsSync(file)).toBe(false);
    await catalog.tag(reference, `sha256:${'b'.repeat(64)}`);
  });
  await expect(failing).rejects.toThrow('No such image');
  expect([catalog.all(), catalog.byReference(reference)]).toEqual([[], undefined]);

  await catalog.together(async () => {
    await catalog.add(id, config);
    await catalog.tag(reference, id);
  });
  const written = JSON.parse(readFileSync(file, 'utf8')) as { images: object; references: object };
  expect(Object.keys(written.images)).toEqual([id]);
  expect(written.references).toEqual({ 'docker.io/library/busybox:1': id });
  await catalog.untag(reference);
  expect(readFileSync(file, 'utf8')).not.toContain('busybox');
});
