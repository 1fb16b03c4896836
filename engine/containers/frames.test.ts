import { expect, it } from 'vitest';
import { createFrameStripper, frameHeader } from './frames.ts';

it('strips headers however the bytes are cut', async () => {
  const whole = Buffer.concat([
    frameHeader('stdout', 5),
    Buffer.from('hello'),
    frameHeader('stderr', 0),
    frameHeader('stderr', 6),
    Buffer.from(' world'),
  ]);
  for (const size of [1, 3, 8, 13, whole.length]) {
    const stripper = createFrameStripper();
    for (let at = 0; at < whole.length; at += size) stripper.write(whole.subarray(at, at + size));
    stripper.end();
    let text = '';
    for await (const chunk of stripper) text += String(chunk);
    expect(text).toBe('hello world');
  }
});

it('writes the stream and the length into the header', () => {
  expect([...frameHeader('stderr', 0x01020304)]).toEqual([2, 0, 0, 0, 1, 2, 3, 4]);
});
