import { expect, test } from 'vitest';
import { tar, type TarEntry } from '../test/tar-fixture.ts';
import { archiveEntries } from './archive-entries.ts';
import type { ByteSource } from './decompress.ts';

async function* chunksOf(archive: Buffer, size: number): ByteSource {
  for (let offset = 0; offset < archive.length; offset += size) yield archive.subarray(offset, offset + size);
}

interface Seen {
  name: string;
  link: string | undefined;
  content: string;
}

async function readAll(archive: Buffer, chunk = 100): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { name, link, content } of archiveEntries(chunksOf(archive, chunk))) {
    const chunks: Uint8Array[] = [];
    for await (const bytes of content) chunks.push(bytes);
    seen.push({ name, link, content: Buffer.concat(chunks).toString() });
  }
  return seen;
}

const pax = (records: string): TarEntry => ({ name: 'pax', type: 'pax', content: records });

test.each([1, 100, 512, 10_000])('entries are read whole in chunks of %d bytes', async (chunk) => {
  const archive = tar([
    { name: './a//layer.tar', content: 'x'.repeat(1300) },
    { name: 'b/layer.tar', type: 'symlink', link: '../a/layer.tar' },
    { name: 'c', type: 'hard-link', link: 'b/layer.tar' },
    { name: 'last', content: 'y' },
  ]);
  expect(await readAll(archive, chunk)).toEqual([
    { name: 'a/layer.tar', link: undefined, content: 'x'.repeat(1300) },
    { name: 'b/layer.tar', link: 'a/layer.tar', content: '' },
    { name: 'c', link: 'b/layer.tar', content: '' },
    { name: 'last', link: undefined, content: 'y' },
  ]);
});

test('content that is not read, or not to its end, is passed over', async () => {
  const archive = tar(['a', 'b', 'c'].map((name) => ({ name, content: name.repeat(2000) })));
  const names: string[] = [];
  for await (const { name, content } of archiveEntries(chunksOf(archive, 100))) {
    names.push(name);
    if (name === 'b') for await (const bytes of content) if (bytes.length > 0) break;
  }
  expect(names).toEqual(['a', 'b', 'c']);
});

test('PAX headers change names and sizes of the entry that follows', async () => {
  const archive = tar([
    pax('15 path=long/x\n'),
    { name: 'short', content: 'content' },
    { name: 'next', content: 'n' },
  ]);
  expect(await readAll(archive)).toMatchObject([
    { name: 'long/x', content: 'content' },
    { name: 'next', content: 'n' },
  ]);
});

test.each<[string, Buffer]>([
  ['cut inside content', tar([{ name: 'a', content: 'x'.repeat(600) }]).subarray(0, 1000)],
  ['cut inside a header', tar([{ name: 'a', content: 'x' }]).subarray(0, 300)],
  ['with a broken checksum', Buffer.concat([Buffer.from('y'), tar([{ name: 'a' }]).subarray(1)])],
  ['with a PAX record that runs over', tar([pax('99 path=a\n'), { name: 'a' }])],
  ['with a PAX size that is no number', tar([pax('12 size=-1x\n'), { name: 'a' }])],
  ['with a PAX size beyond the end', tar([pax('16 size=9999999\n'), { name: 'a' }])],
])('an archive %s is refused', async (_, archive) => {
  await expect(readAll(archive)).rejects.toMatchObject({ kind: 'invalid-argument' });
});
