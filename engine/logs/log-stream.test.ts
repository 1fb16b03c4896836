import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogRequest } from './entry-writer.ts';
import { LogWatcher } from './log-watcher.ts';
import { streamLog, type ReadableLog } from './log-stream.ts';

let directory: string;
let log: string;
let endContainer: () => void;
let stopped: ReadableLog;
let running: ReadableLog;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-log-'));
  log = path.join(directory, 'c1-json.log');
  const ended = new Promise<void>((resolve) => (endContainer = resolve));
  stopped = { place: { format: 'json', path: log }, attributes: undefined, ended: undefined };
  running = { ...stopped, ended: () => ended };
});
afterEach(() => rm(directory, { recursive: true }));

const line = (log: string, stream = 'stdout', second = 0): string =>
  `${JSON.stringify({ log: `${log}\n`, stream, time: `2026-01-01T00:00:0${second}.5Z` })}\n`;

const request = (part: Partial<LogRequest>): LogRequest => ({
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  tail: undefined,
  since: undefined,
  until: undefined,
  raw: true,
  signal: undefined,
  ...part,
});

async function read(part: Partial<LogRequest>): Promise<Buffer> {
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  await streamLog(stopped, out, request(part));
  return Buffer.concat(chunks);
}

describe('streamLog', () => {
  it('gives every line a frame of its own', async () => {
    await writeFile(log, line('a') + line('b') + line('c', 'stderr') + line('d'));
    const output = await read({ raw: false });
    const frame = (stream: number, text: string) => [
      stream,
      0,
      0,
      0,
      0,
      0,
      0,
      text.length,
      ...Buffer.from(text),
    ];
    expect([...output]).toEqual([
      ...frame(1, 'a\n'),
      ...frame(1, 'b\n'),
      ...frame(2, 'c\n'),
      ...frame(1, 'd\n'),
    ]);
  });

  it('selects by stream, time and tail, and prints timestamps of fixed width', async () => {
    await writeFile(log, line('a', 'stdout', 1) + line('b', 'stderr', 2) + line('c', 'stdout', 3));
    expect(String(await read({ stderr: false }))).toBe('a\nc\n');
    expect(String(await read({ since: '2026-01-01T00:00:02.500000000Z' }))).toBe('b\nc\n');
    expect(String(await read({ until: '2026-01-01T00:00:02.500000000Z' }))).toBe('a\nb\n');
    expect(String(await read({ tail: 1 }))).toBe('c\n');
    expect(String(await read({ tail: 1, timestamps: true }))).toBe('2026-01-01T00:00:03.500000000Z c\n');
  });

  it('delivers lines larger than a frame whole', async () => {
    const long = 'x'.repeat(200_000);
    await writeFile(log, line('a') + line(long) + line('b'));
    expect(String(await read({}))).toBe(`a\n${long}\nb\n`);
  });

  it('follows over a rotation until the container has ended', async () => {
    await writeFile(log, line('one'));
    const out = new PassThrough();
    let text = '';
    out.on('data', (chunk) => (text += String(chunk)));
    const seen = async (wanted: string): Promise<void> => {
      await vi.waitFor(() => expect(text).toBe(wanted), { timeout: 10_000, interval: 5 });
    };
    const finished = streamLog(running, out, request({ follow: true }));
    await seen('one\n');
    await appendFile(log, line('two'));
    await seen('one\ntwo\n');
    await appendFile(log, line('three'));
    await rename(log, `${log}.1`);
    await writeFile(log, line('four'));
    await appendFile(log, line('five'));
    endContainer();
    await finished;
    expect(text).toBe('one\ntwo\nthree\nfour\nfive\n');
  });

  it('looks from time to time where the kernel does not tell of changes', async () => {
    // No such directory: as if there were no watches left.
    const watcher = new LogWatcher({ format: 'json', path: path.join(directory, 'none', 'c1-json.log') });
    await watcher.changed();
    watcher.close();
  });

  it('ends when the client hangs up', async () => {
    await writeFile(log, line('one'));
    const out = new PassThrough();
    const finished = streamLog(running, out, request({ follow: true }));
    out.once('data', () => out.destroy());
    await finished;
  });
});
