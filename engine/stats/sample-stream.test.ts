import { expect, test } from 'vitest';
import { streamSamples } from './sample-stream.ts';
import type { SampleListener } from './stats-sampler.ts';
import type { Sample } from './stats.ts';

const at = (readAt: number): Sample => ({ readAt }) as Sample;

function fixture() {
  const listeners = new Set<SampleListener>();
  const stats = {
    subscribe: (_id: string, listener: SampleListener) => {
      listeners.add(listener);
      listener(at(0));
      return () => void listeners.delete(listener);
    },
  };
  const emit = (readAt: number): void => listeners.forEach((listener) => listener(at(readAt)));
  return { stats, listeners, emit };
}

test('a slow consumer gets the newest sample', async () => {
  const { stats, emit } = fixture();
  const samples = streamSamples(stats, 'a', new AbortController().signal);
  expect((await samples.next()).value?.readAt).toBe(0);
  for (const readAt of [1, 2, 3]) emit(readAt);
  expect((await samples.next()).value?.readAt).toBe(3);
  const waiting = samples.next();
  emit(4);
  expect((await waiting).value?.readAt).toBe(4);
  await samples.return(undefined);
});

test('the subscription ends with the signal and with the consumer', async () => {
  const { stats, listeners } = fixture();
  const abort = new AbortController();
  const samples = streamSamples(stats, 'a', abort.signal);
  await samples.next();
  const waiting = samples.next();
  abort.abort();
  expect((await waiting).done).toBe(true);
  expect(listeners.size).toBe(0);
  for await (const sample of streamSamples(stats, 'a', new AbortController().signal)) {
    expect(sample?.readAt).toBe(0);
    break;
  }
  expect(listeners.size).toBe(0);
});
