import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineReader, findTail, openLogFiles, type LogFile } from './log-files.ts';

let directory: string;
let log: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-log-'));
  log = path.join(directory, 'x-json.log');
});
afterEach(() => rm(directory, { recursive: true }));

async function textFrom(files: LogFile[], from: { index: number; offset: number }): Promise<string> {
  let text = '';
  for (const [index, file] of files.entries()) {
    if (index < from.index) continue;
    const reader = new LineReader(file.handle, index === from.index ? from.offset : 0);
    for (let block = await reader.next(); block; block = await reader.next()) text += block.toString();
  }
  return text;
}

async function tail(count: number): Promise<string> {
  const files = await openLogFiles(log);
  const text = await textFrom(files, await findTail(files, count));
  for (const { handle } of files) await handle.close();
  return text;
}

describe('log files', () => {
  it('takes the last lines over rotated files', async () => {
    await writeFile(`${log}.2`, '1\n2\n');
    await writeFile(`${log}.1`, '3\n4\n');
    await writeFile(log, '5\n6\n');
    expect(await tail(0)).toBe('');
    expect(await tail(1)).toBe('6\n');
    expect(await tail(2)).toBe('5\n6\n');
    expect(await tail(3)).toBe('4\n5\n6\n');
    expect(await tail(6)).toBe('1\n2\n3\n4\n5\n6\n');
    expect(await tail(99)).toBe('1\n2\n3\n4\n5\n6\n');
  });

  it('finds lines far from the end of a large file', async () => {
    const lines = Array.from(
      { length: 60_000 },
      (_, number) => `line ${number} ${'x'.repeat(number % 50)}\n`,
    );
    await writeFile(log, lines.join(''));
    expect(await tail(20_000)).toBe(lines.slice(-20_000).join(''));
  });

  it('keeps an unfinished line for later', async () => {
    await writeFile(log, 'whole\npar');
    const [file] = await openLogFiles(log);
    const reader = new LineReader((file as LogFile).handle, 0);
    expect(String(await reader.next())).toBe('whole\n');
    expect(await reader.next()).toBeUndefined();
    await writeFile(log, 'tial\n', { flag: 'a' });
    expect(String(await reader.next())).toBe('partial\n');
    await file?.handle.close();
  });

  it('opens a file once although it is found under two names', async () => {
    await writeFile(log, 'a\n');
    await rename(log, `${log}.1`);
    const files = await openLogFiles(log);
    expect(files).toHaveLength(1);
    for (const { handle } of files) await handle.close();
  });

  it('sees an unbroken row of files while they are rotated', async () => {
    const rotations = 40;
    for (let age = 0; age < 20; age += 1) await writeFile(age ? `${log}.${age}` : log, `${19 - age}\n`);
    const rotateOften = async (): Promise<void> => {
      for (let newest = 20; newest < 20 + rotations; newest += 1) {
        for (let age = newest - 1; age > 0; age -= 1) await rename(`${log}.${age}`, `${log}.${age + 1}`);
        await rename(log, `${log}.1`);
        await writeFile(log, `${newest}\n`);
      }
    };
    const look = async (): Promise<number[]> => {
      const files = await openLogFiles(log);
      const text = await textFrom(files, { index: 0, offset: 0 });
      for (const { handle } of files) await handle.close();
      return text.trim().split('\n').map(Number);
    };
    const rotated = rotateOften();
    for (let count = 0; count < 100; count += 1) {
      const numbers = await look();
      expect(numbers).toEqual(numbers.map((_, index) => index));
    }
    await rotated;
  });
});
