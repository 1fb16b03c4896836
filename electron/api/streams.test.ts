import { expect, test } from 'vitest';
import { batched, jsonLines } from './streams.ts';

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* of<T>(...items: T[]) {
  yield* items;
}

test('values are parsed whatever the chunks, the last one without a newline too', async () => {
  const text = Buffer.from('{"a":"ü"}\n\n{"b":2}\r\n[3]');
  for (let size = 1; size <= text.length; size += 1) {
    const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.subarray(i * size, (i + 1) * size),
    );
    expect(await collect(jsonLines(of(...parts)))).toEqual([{ a: 'ü' }, { b: 2 }, [3]]);
  }
});

test('a body that is no JSON fails', async () => {
  await expect(collect(jsonLines(of('{"a":')))).rejects.toThrow(SyntaxError);
});

test('a batch is never larger than asked and nothing is lost', async () => {
  const batches = await collect(batched(of([1, 2, 3], [4], [5, 6, 7, 8, 9]), 4, 1000));
  expect(batches.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(Math.max(...batches.map((batch) => batch.length))).toBe(4);
});

test('what is there is given out while the source is silent', async () => {
  let release = (): void => undefined;
  const silence = new Promise<void>((resolve) => (release = resolve));
  async function* source() {
    yield [1];
    yield [2];
    await silence;
    yield [3];
  }
  const batches = batched(source(), 100, 1);
  expect(await batches.next()).toEqual({ done: false, value: [1, 2] });
  release();
  expect(await batches.next()).toEqual({ done: false, value: [3] });
  expect(await batches.next()).toEqual({ done: true, value: undefined });
});

test('a failing source fails the batches, and leaving early ends the source', async () => {
  let ended = false;
  async function* failing() {
    yield [1];
    throw new Error('broken');
  }
  await expect(collect(batched(failing(), 10, 1))).rejects.toThrow('broken');
  async function* endless() {
    try {
      for (;;) yield [1];
    } finally {
      ended = true;
    }
  }
  for await (const batch of batched(endless(), 2, 1000)) {
    expect(batch).toEqual([1, 1]);
    break;
  }
  expect(ended).toBe(true);
});
