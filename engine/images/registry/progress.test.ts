import { expect, test, vi } from 'vitest';
import { layerMessage, ProgressStream, throttled, type LayerProgress } from './progress.ts';

test.each([
  [0, 100, '[>                                                  ]       0B/100B'],
  [50, 100, '[=========================>                         ]      50B/100B'],
  [100, 100, '[==================================================>]     100B/100B'],
  [1_234_567, 5_000_000, '[============>                                      ]  1.235MB/5MB'],
  [200, 100, '[==================================================>]     200B'],
  [999_999, 0, '  1000kB'],
])('%d of %d bytes are drawn as Docker does', (current, total, bar) => {
  expect(layerMessage('id', { status: 'Downloading', current, total })).toEqual({
    id: 'id',
    status: 'Downloading',
    progressDetail: { current, total },
    progress: bar,
  });
});

test('counts that follow each other closely are left out, but never the last one or another status', () => {
  const told: LayerProgress[] = [];
  const report = throttled((progress) => told.push(progress));
  for (let current = 0; current <= 10; current += 1) report({ status: 'Downloading', current, total: 10 });
  report({ status: 'Download complete' });
  expect(told).toEqual([
    { status: 'Downloading', current: 0, total: 10 },
    { status: 'Downloading', current: 10, total: 10 },
    { status: 'Download complete' },
  ]);
});

test('a transfer that stands still is told where it stands', () => {
  vi.useFakeTimers();
  try {
    const told: LayerProgress[] = [];
    const report = throttled((progress) => told.push(progress));
    for (const current of [1, 2, 3]) report({ status: 'Downloading', current, total: 10 });
    expect(told.map(({ current }) => current)).toEqual([1]);
    vi.advanceTimersByTime(200);
    expect(told.map(({ current }) => current)).toEqual([1, 3]);
  } finally {
    vi.useRealTimers();
  }
});

test('for a slow reader a newer count takes the place of the one that waits; the order of the rest stays', async () => {
  const written: unknown[] = [];
  let unblock = (): void => undefined;
  const blocked = new Promise<void>((resolve) => {
    unblock = resolve;
  });
  const stream = new ProgressStream(() => ({
    async write(value) {
      await blocked;
      written.push(value);
    },
  }));
  const count = (current: number) => layerMessage('a', { status: 'Downloading', current, total: 9 });
  stream.send({ status: 'first' });
  for (const current of [1, 2, 3]) stream.send(count(current));
  stream.send({ status: 'Pull complete', id: 'a' });
  stream.send({ status: 'last' });
  unblock();
  await stream.end();
  stream.send({ status: 'too late' });
  expect(written).toEqual([
    { status: 'first' },
    count(3),
    { status: 'Pull complete', id: 'a' },
    { status: 'last' },
  ]);
});
