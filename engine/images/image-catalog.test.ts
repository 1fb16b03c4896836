import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { createImages } from './images.ts';

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
