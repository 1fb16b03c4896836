import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { roomOrEnd } from './back-pressure.ts';

test('a slow reader is waited for again and again without a trace', async () => {
  const out = new PassThrough({ highWaterMark: 1 });
  const listeners = (): number => out.listenerCount('drain') + out.listenerCount('close');
  const before = listeners();
  for (let round = 0; round < 20; round += 1) {
    expect(out.write('xx')).toBe(false);
    const room = roomOrEnd(out);
    out.read();
    await room;
  }
  expect(listeners()).toBe(before);
});

test('a reader that goes away ends the waiting', async () => {
  const out = new PassThrough({ highWaterMark: 1 });
  out.write('xx');
  const room = roomOrEnd(out);
  out.destroy();
  await room;
});
