import { describe, expect, it } from 'vitest';
import { entryRecords, nanosecondsOf } from './entry-records.ts';
import { createEntryView, INCOMPLETE, TORN } from './log-format.ts';
import { record } from './record-fixture.ts';

describe('entryRecords', () => {
  it('cuts a record out, bytes as they were', () => {
    const text = Buffer.from([0xff, 0, 0x22, 0x0a]);
    const block = Buffer.concat([Buffer.from('junk'), record(text, 2, 1_767_225_600, 7)]);
    const view = createEntryView();
    expect(entryRecords.parse(block, 4, block.length, view)).toBe(block.length);
    expect(view.stream).toBe(2);
    expect(block.subarray(view.start, view.end)).toEqual(text);
    expect(entryRecords.timeOf(view)).toBe('2026-01-01T00:00:00.000000007Z');
    expect(nanosecondsOf(view.source, view.timeStart)).toBe(1_767_225_600_000_000_007n);
  });

  it('waits for the rest of a record, wherever it is cut', () => {
    const block = record('text\n');
    for (let filled = 0; filled < block.length; filled += 1) {
      expect(entryRecords.parse(block, 0, filled, createEntryView())).toBe(INCOMPLETE);
    }
  });

  it.each([
    ['stream', 12],
    ['size', 9],
    ['size behind the text', 21],
  ])('does not go on where the %s is wrong', (_what, at) => {
    const block = Buffer.concat([record('text\n'), record('text\n')]);
    block[at] = 0x77;
    expect(entryRecords.parse(block, 0, block.length, createEntryView())).toBe(TORN);
  });

  it('counts from the end', () => {
    const block = Buffer.concat([record('a\n'), record(''), record('c\n')]);
    expect(entryRecords.lastEntries(block, block.length, 2, true)).toEqual({ start: 22, entries: 2 });
    expect(entryRecords.lastEntries(block, block.length, 9, true)).toEqual({ start: 0, entries: 3 });
    expect(entryRecords.lastEntries(block.subarray(1), block.length - 1, 9, false)).toEqual({
      start: 21,
      entries: 2,
    });
  });
});
