import { describe, expect, it } from 'vitest';
import { parseLogEntry } from './log-entry.ts';

const parse = (line: string) => {
  const padded = Buffer.from(
    `junk${line}\n{"log":"next\\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}`,
  );
  const entry = parseLogEntry(padded, 4, 4 + Buffer.byteLength(line));
  return entry && { ...entry, payload: Buffer.from(entry.payload).toString() };
};

describe('parseLogEntry', () => {
  it('cuts a plain line out', () => {
    expect(parse('{"log":"hello\\n","stream":"stdout","time":"2026-01-01T00:00:00.5Z"}')).toEqual({
      stream: 'stdout',
      payload: 'hello\n',
      time: '2026-01-01T00:00:00.500000000Z',
      attributes: undefined,
    });
    expect(parse('{"log":"part","stream":"stderr","time":"2026-01-01T00:00:00Z"}')).toMatchObject({
      stream: 'stderr',
      payload: 'part',
    });
  });

  it('unescapes and is not fooled by text that looks like the rest of the line', () => {
    const tricky = '\u001b[31m","stream":"stderr","time":"x\\n"\t\\';
    const line = JSON.stringify({ log: `${tricky}\n`, stream: 'stdout', time: '2026-01-01T00:00:00Z' });
    expect(parse(line)).toMatchObject({ stream: 'stdout', payload: `${tricky}\n` });
  });

  it('reads attributes', () => {
    const line = '{"log":"a\\n","stream":"stdout","attrs":{"k":"v"},"time":"2026-01-01T00:00:00Z"}';
    expect(parse(line)).toMatchObject({ attributes: { k: 'v' }, payload: 'a\n' });
  });

  it.each(['', '{"log":"torn', '{"log":"x","stream":"stdout"', '\0\0\0', '[]'])('skips %j', (line) => {
    expect(parse(line)).toBeUndefined();
  });
});
