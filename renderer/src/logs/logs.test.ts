import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../../../electron/api/types.ts';
import { parseAnsi, stripAnsi } from './ansi.ts';
import { appendLines, emptyLogBuffer, entriesAfter } from './log-buffer.ts';
import { filterLines, findMatches, markSegments } from './log-search.ts';

const entry = (text: string, timestamp = '2026-01-01T00:00:00.000000000Z'): LogEntry => ({
  stream: 'stdout',
  timestamp,
  text,
});

describe('ANSI sequences', () => {
  test('plain text is one unstyled segment', () => {
    expect(parseAnsi('hello')).toEqual([{ text: 'hello', style: {} }]);
  });

  test('colours and attributes hold until they are reset', () => {
    expect(parseAnsi('a\u001B[1;31mb\u001B[22mc\u001B[0md')).toEqual([
      { text: 'a', style: {} },
      { text: 'b', style: { bold: true, color: 1 } },
      { text: 'c', style: { color: 1, bold: undefined, dim: undefined } },
      { text: 'd', style: {} },
    ]);
  });

  test('bright, 256 and 24-bit colours are read', () => {
    const [bright, palette, grey, exact] = parseAnsi(
      '\u001B[92ma\u001B[38;5;208mb\u001B[38;5;232mc\u001B[48;2;1;2;255md',
    );
    expect(bright?.style.color).toBe(10);
    expect(palette?.style.color).toBe('#ff8700');
    expect(grey?.style.color).toBe('#080808');
    expect(exact?.style.background).toBe('#0102ff');
  });

  test('everything that is not a colour vanishes, even when it is cut off', () => {
    const text = '\u001B[2K\u001B]0;title\u0007a\u001B[?25lb\u001B]8;;http://x\u001B\\c\u001B[';
    expect(stripAnsi(text)).toBe('abc');
    expect(
      parseAnsi(text)
        .map((segment) => segment.text)
        .join(''),
    ).toBe('abc');
  });

  test('tabs and other scripts stay', () => {
    expect(stripAnsi('a\tb 한글\u0000')).toBe('a\tb 한글');
  });
});

describe('the log buffer', () => {
  test('keys go on when old lines are dropped', () => {
    let buffer = emptyLogBuffer;
    for (let index = 0; index < 25; index += 1) buffer = appendLines(buffer, [entry(`line ${index}`)], 20);
    expect(buffer.lines.length + buffer.dropped).toBe(25);
    expect(buffer.lines.length).toBeLessThanOrEqual(20);
    expect(buffer.lines.at(-1)).toMatchObject({ key: 24, text: 'line 24' });
  });

  test('a resumed stream does not repeat lines', () => {
    const old = entry('old', '2026-01-01T00:00:01.000000001Z');
    const fresh = entry('new', '2026-01-01T00:00:01.000000002Z');
    expect(entriesAfter([old, fresh], old.timestamp)).toEqual([fresh]);
  });
});

describe('log search', () => {
  const { lines } = appendLines(emptyLogBuffer, [
    entry('GET /a'),
    entry('\u001B[31mpost\u001B[0m /b'),
    entry('get /c'),
  ]);

  test('ignores case and colours', () => {
    expect(findMatches(lines, 'get')).toEqual([0, 2]);
    expect(filterLines(lines, 'POST /').map((line) => line.key)).toEqual([1]);
    expect(findMatches(lines, '')).toEqual([]);
  });

  test('marks a match that runs across colours', () => {
    const marked = markSegments(parseAnsi('x\u001B[31mab\u001B[0mcd'), 'bc');
    expect(marked.map((segment) => [segment.text, segment.marked])).toEqual([
      ['x', false],
      ['a', false],
      ['b', true],
      ['c', true],
      ['d', false],
    ]);
  });
});
