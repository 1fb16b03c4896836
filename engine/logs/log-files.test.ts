import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EntryReader } from './entry-reader.ts';
import { formatOf, openLogFiles, openNewer, type LogFile, type LogPlace } from './log-files.ts';
import { createEntryView } from './log-format.ts';
import { record } from './record-fixture.ts';
import { findTail } from './tail.ts';

let directory: string;
let log: string;
let json: LogPlace;
let entries: LogPlace;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-log-'));
  log = path.join(directory, 'x.log');
  json = { format: 'json', path: log };
  entries = { format: 'entries', path: log };
});
afterEach(() => rm(directory, { recursive: true }));

const line = (text: string): string =>
  `{"log":"${text}\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n`;
const lines = (...texts: (string | number)[]): string => texts.map((text) => line(String(text))).join('');
const records = (...texts: (string | number)[]): Buffer =>
  Buffer.concat(texts.map((text) => record(`${text}\n`)));

async function textFrom(
  place: LogPlace,
  files: LogFile[],
  from = { index: 0, offset: 0, skip: 0 },
): Promise<string> {
  let text = '';
  const view = createEntryView();
  for (const [index, file] of files.entries()) {
    if (index < from.index) continue;
    const start = index === from.index ? from : { offset: 0, skip: 0 };
    const reader = new EntryReader(file, formatOf(place), start);
    const take = (): boolean => {
      text += view.source.toString('utf8', view.start, view.end);
      return true;
    };
    while (await reader.next(view, take));
    await reader.close();
  }
  return text;
}

async function tail(place: LogPlace, count: number): Promise<string> {
  const files = await openLogFiles(place);
  try {
    return await textFrom(place, files, await findTail(files, formatOf(place), count));
  } finally {
    for (const { handle } of files) await handle.close();
  }
}

async function expectTails(place: LogPlace): Promise<void> {
  expect(await tail(place, 0)).toBe('');
  expect(await tail(place, 1)).toBe('6\n');
  expect(await tail(place, 2)).toBe('5\n6\n');
  expect(await tail(place, 3)).toBe('4\n5\n6\n');
  expect(await tail(place, 5)).toBe('2\n3\n4\n5\n6\n');
  expect(await tail(place, 6)).toBe('1\n2\n3\n4\n5\n6\n');
  expect(await tail(place, 99)).toBe('1\n2\n3\n4\n5\n6\n');
}

describe('log files', () => {
  it('take the last lines over rotated files', async () => {
    await writeFile(`${log}.2`, lines(1, 2));
    await writeFile(`${log}.1`, lines(3, 4));
    await writeFile(log, lines(5, 6));
    await expectTails(json);
  });

  it('take the last lines over compressed files', async () => {
    await writeFile(`${log}.2.gz`, gzipSync(lines(1, 2)));
    await writeFile(`${log}.1.gz`, gzipSync(lines(3, 4)));
    await utimes(`${log}.2.gz`, 1, 1);
    await utimes(`${log}.1.gz`, 2, 2);
    await writeFile(log, lines(5, 6));
    await expectTails(json);
  });

  it('take the last records over numbered files, compressed or not', async () => {
    await writeFile(`${log}.9.gz`, gzipSync(records(1, 2)));
    await writeFile(`${log}.9`, 'about to go');
    await writeFile(`${log}.10`, records(3, 4));
    await writeFile(`${log}.11`, records(5, 6));
    await writeFile(`${log}.10.gz.tmp`, 'half');
    await expectTails(entries);
  });

  it('find lines and records far from the end of a large file', async () => {
    const texts = Array.from({ length: 60_000 }, (_, number) => `${number} ${'x'.repeat(number % 50)}`);
    const wanted = `${texts.slice(-20_000).join('\n')}\n`;
    await writeFile(log, lines(...texts));
    expect(await tail(json, 20_000)).toBe(wanted);
    await writeFile(`${log}.1`, records(...texts));
    expect(await tail(entries, 20_000)).toBe(wanted);
  });

  it('count from the beginning where the end is torn', async () => {
    await writeFile(`${log}.1`, Buffer.concat([records(1, 2, 3), records(4).subarray(0, 15)]));
    expect(await tail(entries, 2)).toBe('2\n3\n');
    await writeFile(log, `${lines(1, 2, 3)}{"log":"to`);
    expect(await tail(json, 2)).toBe('2\n3\n');
  });

  it('keep an unfinished entry for later', async () => {
    await writeFile(log, `${line('whole')}${line('partial').slice(0, 20)}`);
    const [file] = await openLogFiles(json);
    const view = createEntryView();
    const reader = new EntryReader(file as LogFile, formatOf(json), { offset: 0, skip: 0 });
    const seen: string[] = [];
    const take = () => seen.push(view.source.toString('utf8', view.start, view.end)) > 0;
    expect(await reader.next(view, take)).toBe(true);
    expect(await reader.next(view, take)).toBe(false);
    expect(seen).toEqual(['whole\n']);
    await writeFile(log, line('partial').slice(20), { flag: 'a' });
    expect(await reader.next(view, take)).toBe(true);
    expect(seen).toEqual(['whole\n', 'partial\n']);
    await file?.handle.close();
  });

  it('are opened once although found under two names', async () => {
    await writeFile(log, lines('a'));
    await rename(log, `${log}.1`);
    const files = await openLogFiles(json);
    expect(files).toHaveLength(1);
    for (const { handle } of files) await handle.close();
  });

  it('are known again when they were compressed meanwhile', async () => {
    await writeFile(log, lines('a'));
    const [last] = await openLogFiles(json);
    const moment = new Date(1_700_000_000_000);
    await utimes(log, moment, moment);
    await rename(log, `${log}.1`);
    await writeFile(`${log}.1.gz`, gzipSync(lines('a')));
    await utimes(`${log}.1.gz`, moment, moment);
    await rm(`${log}.1`);
    await writeFile(log, lines('b'));
    const newer = await openNewer(json, last);
    expect(await textFrom(json, newer)).toBe('b\n');
    for (const file of [...newer, last]) await file?.handle.close();
  });

  it('are seen as an unbroken row while they are rotated', async () => {
    const rotations = 40;
    for (let age = 0; age < 20; age += 1) await writeFile(age ? `${log}.${age}` : log, lines(19 - age));
    const rotateOften = async (): Promise<void> => {
      for (let newest = 20; newest < 20 + rotations; newest += 1) {
        for (let age = newest - 1; age > 0; age -= 1) await rename(`${log}.${age}`, `${log}.${age + 1}`);
        await rename(log, `${log}.1`);
        await writeFile(log, lines(newest));
      }
    };
    const look = async (): Promise<number[]> => {
      const files = await openLogFiles(json);
      const text = await textFrom(json, files);
      for (const { handle } of files) await handle.close();
      return text.trim().split('\n').map(Number);
    };
    const rotated = rotateOften();
    for (let count = 0; count < 40; count += 1) {
      const numbers = await look();
      expect(numbers).toEqual(numbers.map((_, index) => index));
    }
    await rotated;
  });
});
