import { describe, expect, it } from 'vitest';
import { jsonLines } from './json-lines.ts';
import { createEntryView, INCOMPLETE } from './log-format.ts';

const NEXT = '{"log":"next\\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}\n';

const parse = (line: string) => {
  const block = Buffer.from(`junk${line}\n${NEXT}`);
  const view = createEntryView();
  const next = jsonLines.parse(block, 4, block.length, view);
  expect(next).toBe(5 + Buffer.byteLength(line));
  const { stream, source, start, end, attributesStart, attributesEnd } = view;
  if (stream === 0) return undefined;
  const attributes =
    attributesStart > 0
      ? (JSON.parse(source.toString('utf8', attributesStart, attributesEnd)) as object)
      : {};
  const seen = {
    stream,
    text: source.toString('utf8', start, end),
    time: jsonLines.timeOf(view),
    attributes,
  };
  // Whatever was done to the line, the next one is whole.
  jsonLines.parse(block, next, block.length, view);
  expect(view.source.toString('utf8', view.start, view.end)).toBe('next\n');
  return seen;
};

describe('jsonLines', () => {
  it('cuts a plain line out', () => {
    expect(parse('{"log":"hello\\n","stream":"stdout","time":"2026-01-01T00:00:00.5Z"}')).toEqual({
      stream: 1,
      text: 'hello\n',
      time: '2026-01-01T00:00:00.500000000Z',
      attributes: {},
    });
    expect(parse('{"log":"part","stream":"stderr","time":"2026-01-01T00:00:00Z"}')).toMatchObject({
      stream: 2,
      text: 'part',
    });
  });

  it('unescapes and is not fooled by text that looks like the rest of the line', () => {
    const tricky = '\u001b[31m","stream":"stderr","time":"x\\n"\t\\ \u2028é😀/<&>\b\f\r';
    const line = JSON.stringify({ log: `${tricky}\n`, stream: 'stdout', time: '2026-01-01T00:00:00Z' });
    expect(parse(line)).toMatchObject({ stream: 1, text: `${tricky}\n` });
  });

  it('unescapes code points as Go writes them, halves of pairs become U+FFFD', () => {
    const line = (log: string) => `{"log":"${log}","stream":"stdout","time":"2026-01-01T00:00:00Z"}`;
    expect(parse(line('\\u003ca\\u0026\\u003e\\u00e9\\u2028\\ud83d\\ude00\\/'))?.text).toBe('<a&>é\u2028😀/');
    expect(parse(line('\\ud83d|\\ude00|\\ud83d\\u0041'))?.text).toBe('\ufffd|\ufffd|\ufffdA');
  });

  it('finds the end of the text wherever it lies, escapes or not', () => {
    for (let length = 0; length < 12; length += 1) {
      for (const end of ['', '\\\\', '\\"x', '\\\\\\""'.slice(0, 4)]) {
        const line = `{"log":"${'é'.repeat(length)}${end}","stream":"stdout","time":"2026-01-01T00:00:00Z"}`;
        expect(parse(line)?.text).toBe((JSON.parse(line) as { log: string }).log);
      }
    }
  });

  it('reads attributes', () => {
    const attrs = { k: 'v', tricky: '},"time":"x' };
    const line = JSON.stringify({ log: 'a\n', stream: 'stdout', attrs, time: '2026-01-01T00:00:00Z' });
    expect(parse(line)).toMatchObject({
      attributes: attrs,
      text: 'a\n',
      time: '2026-01-01T00:00:00.000000000Z',
    });
  });

  it('reads lines of other writers, whatever the order of their keys', () => {
    const line = '{"stream": "stderr", "time":"2026-01-01T00:00:00Z", "attrs":{"k":"v"}, "log":"a\\n" }';
    expect(parse(line)).toEqual({
      stream: 2,
      text: 'a\n',
      time: '2026-01-01T00:00:00.000000000Z',
      attributes: { k: 'v' },
    });
  });

  it.each(['', '{"log":"torn', '{"log":"x","stream":"stdout"', '\0\0\0', '[]', 'null'])(
    'skips %j',
    (line) => {
      expect(parse(line)).toBeUndefined();
    },
  );

  it('waits for the rest of a line, wherever it is cut', () => {
    const line = Buffer.from(NEXT);
    for (let filled = 0; filled < line.length; filled += 1) {
      const block = Buffer.concat([line.subarray(0, filled), Buffer.alloc(200)]);
      expect(jsonLines.parse(block, 0, filled, createEntryView())).toBe(INCOMPLETE);
    }
  });
});
