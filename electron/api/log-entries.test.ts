import { expect, test } from 'vitest';
import { logEntries } from './log-entries.ts';
import type { LogEntry } from './types.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const data = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

async function* chunks(...parts: Uint8Array[]) {
  yield* parts;
}

async function read(multiplexed: boolean, ...parts: Uint8Array[]): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const batch of logEntries(chunks(...parts), multiplexed)) entries.push(...batch);
  return entries;
}

const T1 = '2026-11-21T08:00:00.000000001Z';
const T2 = '2026-11-21T08:00:00.000000002Z';

test('frames of both streams become entries in the order of arrival', async () => {
  expect(await read(true, frame(1, `${T1} out\n`), frame(2, `${T2} \u001b[31merr\u001b[0m\n`))).toEqual([
    { stream: 'stdout', timestamp: T1, text: 'out' },
    { stream: 'stderr', timestamp: T2, text: '\u001b[31merr\u001b[0m' },
  ]);
});

test('every way of cutting the bytes gives the same entries', async () => {
  const body = Buffer.concat([frame(1, `${T1} grüße €\n${T2} b`), frame(2, `${T1} x\n`), frame(1, '\n')]);
  const whole = await read(true, body);
  expect(whole.map(({ text }) => text)).toEqual(['grüße €', 'x', 'b']);
  for (let size = 1; size < body.length; size += 1) {
    const parts = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
      body.subarray(i * size, (i + 1) * size),
    );
    expect(await read(true, ...parts)).toEqual(whole);
  }
});

test('a terminal has one raw stream with carriage returns', async () => {
  expect(await read(false, Buffer.from(`${T1} a\r\n${T2} \r\nno newline`))).toEqual([
    { stream: 'stdout', timestamp: T1, text: 'a' },
    { stream: 'stdout', timestamp: T2, text: '' },
    { stream: 'stdout', timestamp: '', text: 'no newline' },
  ]);
});

test('a line without end is cut, not collected', async () => {
  const entries = await read(false, Buffer.from(`${T1} `), Buffer.alloc(70_000, 'a'), Buffer.from('b\n'));
  expect(entries.map(({ text }) => text.length)).toEqual([70_000, 1]);
});
