import { expect, test } from 'vitest';
import { SharedTransfers } from './shared-transfers.ts';
import { Slots } from './slots.ts';

const NEVER = new AbortController().signal;

function counted() {
  const holds = { taken: 0, released: 0 };
  const transfers = new SharedTransfers<string>({
    take: () => void (holds.taken += 1),
    release: async () => void (holds.released += 1),
  });
  return { holds, transfers };
}

test('who comes later joins, hears where the work is, and gets a hold of its own', async () => {
  const { holds, transfers } = counted();
  let finish: (value: string) => void = () => undefined;
  let runs = 0;
  const heard: string[] = [];
  const run = (name: string) =>
    transfers.run(
      'key',
      NEVER,
      ({ status }) => heard.push(`${name} ${status}`),
      (report) => {
        runs += 1;
        report({ status: 'begun' });
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    );
  const both = [run('first'), run('second')];
  finish('done');
  expect(await Promise.all(both)).toEqual(['done', 'done']);
  expect([runs, holds, heard]).toEqual([1, { taken: 2, released: 1 }, ['first begun', 'second begun']]);
});

test('the work stops when the last one has left, and the next one begins anew', async () => {
  const { holds, transfers } = counted();
  const stops: AbortSignal[] = [];
  const run = (signal: AbortSignal) =>
    transfers.run(
      'key',
      signal,
      () => undefined,
      (_, stop) => {
        stops.push(stop);
        return new Promise((resolve, reject) => {
          stop.addEventListener('abort', () => reject(new Error('stopped')));
          if (stops.length === 2) resolve('second');
        });
      },
    );
  const [first, second] = [new AbortController(), new AbortController()];
  const leaving = [run(first.signal), run(second.signal)];
  first.abort(new Error('left'));
  await expect(leaving[0]).rejects.toThrow('left');
  expect(stops[0]?.aborted).toBe(false);
  second.abort(new Error('left, too'));
  await expect(leaving[1]).rejects.toThrow('left, too');
  expect(stops[0]?.aborted).toBe(true);
  expect(await run(NEVER)).toBe('second');
  expect(holds).toEqual({ taken: 1, released: 1 });
});

test('a failure is everybody’s', async () => {
  const { transfers } = counted();
  const run = () =>
    transfers.run(
      'key',
      NEVER,
      () => undefined,
      () => Promise.reject(new Error('broken')),
    );
  const ended = await Promise.allSettled([run(), run()]);
  expect(ended.map((each) => each.status === 'rejected' && String(each.reason))).toEqual([
    'Error: broken',
    'Error: broken',
  ]);
});

test('slots are given in the order of asking; who gives up waiting takes none', async () => {
  const slots = new Slots(1);
  const order: number[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = slots.run(NEVER, () => held);
  expect(slots.full).toBe(true);
  const leaver = new AbortController();
  const waiting = [1, 2, 3].map((number) =>
    slots.run(number === 2 ? leaver.signal : NEVER, async () => void order.push(number)),
  );
  leaver.abort(new Error('gave up'));
  release();
  await first;
  const ended = await Promise.allSettled(waiting);
  expect([order, ended.map(({ status }) => status)]).toEqual([
    [1, 3],
    ['fulfilled', 'rejected', 'fulfilled'],
  ]);
  expect(slots.full).toBe(false);
});
