import { describe, expect, it } from 'vitest';
import { createDetachFilter, parseDetachKeys } from './detach-keys.ts';

async function feed(keys: string, chunks: string[]): Promise<{ output: string; detached: boolean }> {
  let detached = false;
  const filter = createDetachFilter(parseDetachKeys(keys), () => (detached = true));
  for (const chunk of chunks) filter.write(Buffer.from(chunk, 'latin1'));
  filter.end();
  let output = '';
  for await (const chunk of filter) output += (chunk as Buffer).toString('latin1');
  return { output, detached };
}

describe('detach keys', () => {
  it('parses control and plain keys', () => {
    expect([...parseDetachKeys('ctrl-a,x,ctrl-[')]).toEqual([1, 120, 27]);
    expect([...parseDetachKeys(undefined)]).toEqual([16, 17]);
  });

  it('refuses an unknown key', () => {
    expect(() => parseDetachKeys('shift-a')).toThrow('Invalid detach keys (shift-a) provided');
  });

  it('detaches on the sequence, also split over chunks, and swallows what follows', async () => {
    expect(await feed('', ['ab\x10', '\x11cd'])).toEqual({ output: 'ab', detached: true });
  });

  it('passes an incomplete sequence on', async () => {
    expect(await feed('', ['\x10a', '\x10'])).toEqual({ output: '\x10a\x10', detached: false });
  });

  it('recognises a sequence that begins again inside a false start', async () => {
    expect(await feed('', ['\x10\x10\x11'])).toEqual({ output: '\x10', detached: true });
  });
});
