import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { firstTarEntry, tarOfFile } from './tar-file.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-tar-'))));
afterEach(() => rmSync(directory, { recursive: true }));

async function* inChunksOf(size: number, data: Buffer) {
  for (let offset = 0; offset < data.length; offset += size) yield data.subarray(offset, offset + size);
}

async function readFirst(archive: Buffer, chunk = 100) {
  const { head, content } = await firstTarEntry(inChunksOf(chunk, archive));
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return { head, content: Buffer.concat(parts) };
}

test.each(['a.txt', 'ü €.txt', `${'long'.repeat(50)}.txt`])('GNU tar reads what is written: %s', (name) => {
  const content = Buffer.from('hello\n'.repeat(200));
  const archive = tarOfFile(name, content, 0o755, Date.parse('2026-01-02T03:04:05Z'));
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  const file = path.join(directory, name);
  expect(readFileSync(file)).toEqual(content);
  expect(statSync(file).mode & 0o777).toBe(0o755);
  expect(statSync(file).mtime.toISOString()).toBe('2026-01-02T03:04:05.000Z');
});

test.each(['ustar', 'gnu', 'pax'])(
  'the first file of a %s archive is read, long names included',
  async (format) => {
    // ustar has no room for a long name without a directory.
    const name = format === 'ustar' ? 'short' : `${'n'.repeat(120)}.bin`;
    const content = Buffer.alloc(1500, 'x');
    writeFileSync(path.join(directory, name), content);
    const archive = execFileSync('tar', ['-c', `--format=${format}`, '-C', directory, name]);
    for (const chunk of [1, 511, 512, 513, archive.length]) {
      const first = await readFirst(archive, chunk);
      expect(first.head).toMatchObject({ type: '0', sizeBytes: 1500 });
      expect(first.content).toEqual(content);
    }
  },
);

test('a symbolic link is told by its type', async () => {
  symlinkSync('target', path.join(directory, 'link'));
  const archive = execFileSync('tar', ['-c', '-C', directory, 'link']);
  expect((await readFirst(archive)).head).toMatchObject({ name: 'link', type: '2', sizeBytes: 0 });
});

test('an archive that ends early and a header that is none are refused', async () => {
  const archive = tarOfFile('a', Buffer.alloc(2000), 0o644, 0);
  await expect(readFirst(archive.subarray(0, 1000))).rejects.toThrow('ended in the middle');
  await expect(readFirst(Buffer.alloc(1024, 'z'))).rejects.toThrow('damaged archive header');
});
