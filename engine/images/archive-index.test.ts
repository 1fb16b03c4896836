import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tar, type TarEntry } from '../test/tar-fixture.ts';
import { ArchiveIndex } from './archive-index.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-index-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function open(archive: Buffer): Promise<ArchiveIndex> {
  const file = path.join(directory, 'archive.tar');
  writeFileSync(file, archive);
  return ArchiveIndex.open(file);
}

async function readAll(archive: Buffer, name: string): Promise<string> {
  const index = await open(archive);
  try {
    return (await index.read(name, 1000)).toString();
  } finally {
    await index.close();
  }
}

const pax = (records: string): TarEntry => ({ name: 'pax', type: 'pax', content: records });

test('files are found by their cleaned names, through links of the archive', async () => {
  const archive = tar([
    { name: './a/layer.tar', content: 'layer' },
    { name: 'b/layer.tar', type: 'symlink', link: '../a/layer.tar' },
    { name: 'c', type: 'hard-link', link: 'b/layer.tar' },
  ]);
  for (const name of ['a/layer.tar', 'b/layer.tar', 'c']) expect(await readAll(archive, name)).toBe('layer');
  await expect(readAll(archive, 'd')).rejects.toThrow('d is missing');
});

test('links that go round in a circle lead nowhere', async () => {
  const circle = tar([
    { name: 'a', type: 'symlink', link: 'b' },
    { name: 'b', type: 'symlink', link: 'a' },
  ]);
  await expect(readAll(circle, 'a')).rejects.toThrow('a is missing');
});

test('PAX headers change names and sizes of the entry that follows', async () => {
  const archive = tar([
    pax('15 path=long/x\n'),
    { name: 'short', content: 'content' },
    { name: 'next', content: 'n' },
  ]);
  expect(await readAll(archive, 'long/x')).toBe('content');
  expect(await readAll(archive, 'next')).toBe('n');
});

test.each<[string, Buffer]>([
  ['cut inside content', tar([{ name: 'a', content: 'x'.repeat(600) }]).subarray(0, 1000)],
  ['cut inside a header', tar([{ name: 'a', content: 'x' }]).subarray(0, 300)],
  ['with a broken checksum', Buffer.concat([Buffer.from('y'), tar([{ name: 'a' }]).subarray(1)])],
  ['with a PAX record that runs over', tar([pax('99 path=a\n'), { name: 'a' }])],
  ['with a PAX size that is no number', tar([pax('12 size=-1x\n'), { name: 'a' }])],
  ['with a PAX size beyond the end', tar([pax('16 size=9999999\n'), { name: 'a' }])],
])('an archive %s is refused', async (_, archive) => {
  await expect(open(archive)).rejects.toMatchObject({ kind: 'invalid-argument' });
});

test('what is larger than asked for is refused', async () => {
  await expect(readAll(tar([{ name: 'a', content: 'x'.repeat(1001) }]), 'a')).rejects.toThrow(
    'larger than 1000',
  );
});
