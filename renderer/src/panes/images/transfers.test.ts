import { expect, test } from 'vitest';
import type { TransferStep } from '../../../../electron/api/types.ts';
import { archiveName } from './save-images.ts';
import { addStep, summarize, type LayerTransfer } from './transfer-progress.ts';

const step = (layer: string | undefined, status: string, current?: number, total?: number): TransferStep => ({
  layer,
  status,
  current,
  total,
});
const after = (...steps: TransferStep[]) =>
  steps.reduce<readonly LayerTransfer[]>((layers, each) => addStep(layers, each), []);

test('each layer is where its last step left it; what is about the whole is no layer', () => {
  const layers = after(
    step(undefined, 'Pulling from a/b'),
    step('a', 'Pulling fs layer'),
    step('b', 'Already exists'),
    step('a', 'Downloading', 50, 100),
    step('a', 'Download complete'),
  );
  expect(layers).toEqual([
    { id: 'a', status: 'Download complete', phase: 'working', current: 50, total: 100 },
    { id: 'b', status: 'Already exists', phase: 'done', current: 0, total: 0 },
  ]);
  expect(after(step('a', 'Downloading', 1, 100), step('a', 'Pull complete'))).toEqual([
    { id: 'a', status: 'Pull complete', phase: 'done', current: 100, total: 100 },
  ]);
});

test('the whole is counted in bytes when all are known, in layers until then', () => {
  expect(summarize([])).toMatchObject({ fraction: undefined, layers: 0 });
  const begun = after(step('a', 'Downloading', 50, 100), step('b', 'Pulling fs layer'));
  expect(summarize(begun)).toMatchObject({ fraction: 0.25, doneLayers: 0, layers: 2 });
  const known = after(step('a', 'Downloading', 50, 100), step('b', 'Downloading', 250, 300));
  expect(summarize(known)).toMatchObject({ fraction: 0.75, currentBytes: 300, totalBytes: 400 });
  const there = after(step('a', 'Already exists'), step('b', 'Layer already exists'));
  expect(summarize(there)).toMatchObject({ fraction: 1, doneLayers: 2 });
});

test.each([
  [['busybox:latest'], 'busybox-latest.tar'],
  [['localhost:5000/team/app:1.0'], 'team-app-1.0.tar'],
  [['library/a:1'], 'library-a-1.tar'],
  [['a:1', 'b:1'], 'images.tar'],
])('%j is saved as %s', (names, file) => {
  expect(archiveName(names)).toBe(file);
});
