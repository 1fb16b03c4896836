import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { paddingOf, type TarEntry } from '../tar/tar-entry.ts';
import { TAR_END, encodeTarHeader } from '../tar/tar-header.ts';
import { TarParser } from '../tar/tar-parser.ts';
import { CopyLayer, type CopyLayerOptions, type Destination } from './copy-layer.ts';
import { hashSources, selectSources } from './copy-selection.ts';
import { changeMode, parseModeChange } from './file-mode.ts';
import { compileIgnorePatterns } from './ignore-patterns.ts';
import { SourceTree } from './source-tree.ts';

const work = mkdtempSync(path.join(tmpdir(), 'gantry-copy-'));
afterAll(() => rmSync(work, { recursive: true }));

type Files = Record<string, string | Partial<TarEntry>>;
let spools = 0;

/** Names with content, or with what a member is. */
async function treeOf(files: Files): Promise<SourceTree> {
  const parts = Object.entries(files).flatMap(([name, what]) => {
    const content = typeof what === 'string' ? what : '';
    const entry: TarEntry = {
      name,
      type: 'file',
      mode: 0o644,
      uid: 7,
      gid: 8,
      size: content.length,
      modifiedAt: 100,
      link: '',
      major: 0,
      minor: 0,
      xattrs: new Map(),
      ...(typeof what === 'string' ? {} : what),
    };
    return [encodeTarHeader(entry), Buffer.from(content), Buffer.alloc(paddingOf(content.length))];
  });
  async function* bytes() {
    yield* parts;
    yield TAR_END;
  }
  spools += 1;
  return SourceTree.read(bytes(), path.join(work, String(spools)));
}

const TREE: Files = {
  'a.txt': 'A',
  'd/': { type: 'directory', mode: 0o700 },
  'd/b.txt': 'B',
  'd/e/c.md': 'C',
  link: { type: 'symlink', link: 'd' },
  'd/up': { type: 'symlink', link: '../a.txt' },
};

const root = { path: '', mode: 0o040755, uid: 0, gid: 0, modifiedAt: 1 };
const EMPTY: Destination = { existing: [root], rest: 'x/y' };
const OPTIONS: CopyLayerOptions = {
  asDirectory: false,
  owner: undefined,
  chmod: undefined,
  now: 50,
  latest: undefined,
};

async function layerOf(layer: CopyLayer): Promise<Record<string, string>> {
  const members: Record<string, string> = {};
  let last = '';
  const parser = new TarParser({
    entry({ name, type, mode, uid }) {
      last = name;
      members[name] = `${type} ${mode.toString(8)} ${uid}`;
    },
    data(chunk) {
      members[last] += ` ${Buffer.from(chunk).toString()}`;
    },
  });
  for await (const chunk of layer.tar()) parser.push(chunk);
  parser.end();
  return members;
}

const select = async (text: string, files = TREE, parents = false) =>
  selectSources(await treeOf(files), text, { parents, ownership: 'root' });

test.each([
  ['a.txt', ['a.txt']],
  ['/a.txt', ['a.txt']],
  ['../../a.txt', ['a.txt']],
  ['d', ['d']],
  ['.', ['']],
  ['*.txt', ['a.txt']],
  ['d/*', ['d/b.txt', 'd/e', 'a.txt']],
  ['link/b.txt', ['d/b.txt']],
  ['l*/e/*.md', ['d/e/c.md']],
  ['nothing*', []],
])('%s selects %j', async (text, expected) => {
  expect((await select(text)).map(({ node }) => node.path)).toEqual(expected);
});

test('a source that is not there is named', async () => {
  await expect(select('nope/x')).rejects.toThrow(
    'file not found in build context or excluded by .dockerignore: stat nope/x: file does not exist',
  );
});

test('a file goes to the destination itself, or into it when it is a directory', async () => {
  const [source] = await select('a.txt');
  if (!source) throw new Error('no source');
  const plain = new CopyLayer(EMPTY, OPTIONS);
  plain.add(source);
  expect(await layerOf(plain)).toEqual({ 'x/': 'directory 755 0', 'x/y': 'file 644 0 A' });
  const inside = new CopyLayer(EMPTY, { ...OPTIONS, asDirectory: true });
  inside.add({ ...source, ownership: 'kept' });
  expect(await layerOf(inside)).toEqual({
    'x/': 'directory 755 0',
    'x/y/': 'directory 755 0',
    'x/y/a.txt': 'file 644 7 A',
  });
});

test('existing directories on the way keep their attributes, at their true place', async () => {
  const [source] = await select('a.txt');
  if (!source) throw new Error('no source');
  const existing = [root, { ...root, path: '/usr', mode: 0o040711, uid: 3 }, { ...root, path: '/usr/lib' }];
  const layer = new CopyLayer({ existing, rest: '' }, OPTIONS);
  layer.add(source);
  expect(await layerOf(layer)).toEqual({
    'usr/': 'directory 711 3',
    'usr/lib/': 'directory 755 0',
    'usr/lib/a.txt': 'file 644 0 A',
  });
});

test('of a directory its content is copied', async () => {
  const [source] = await select('d');
  if (!source) throw new Error('no source');
  const layer = new CopyLayer(EMPTY, OPTIONS);
  layer.add(source);
  expect(await layerOf(layer)).toEqual({
    'x/': 'directory 755 0',
    'x/y/': 'directory 755 0',
    'x/y/b.txt': 'file 644 0 B',
    'x/y/e/': 'directory 755 0',
    'x/y/e/c.md': 'file 644 0 C',
    'x/y/up': 'symlink 644 0',
  });
});

test('a hard link stays one where its target is copied with it', async () => {
  const files: Files = { 'd/a': 'A', 'd/b': { type: 'link', link: 'd/a' }, c: { type: 'link', link: 'd/a' } };
  const layer = new CopyLayer(EMPTY, OPTIONS);
  for (const source of await select('d', files)) layer.add(source);
  expect((await layerOf(layer))['x/y/b']).toBe('link 644 0');
  const alone = new CopyLayer(EMPTY, OPTIONS);
  for (const source of await select('c', files)) alone.add(source);
  expect((await layerOf(alone))['x/y']).toBe('file 644 0 A');
});

test('--chown gives a directory that is made to the user, its parents only for a file', async () => {
  const options = { ...OPTIONS, owner: { uid: 5, gid: 5 } };
  const [directory] = await select('d/e');
  const [file] = await select('a.txt');
  if (!directory || !file) throw new Error('no source');
  const ofDirectory = new CopyLayer(EMPTY, options);
  ofDirectory.add(directory);
  expect(await layerOf(ofDirectory)).toMatchObject({ 'x/': 'directory 755 0', 'x/y/': 'directory 755 5' });
  const ofFile = new CopyLayer(EMPTY, options);
  ofFile.add(file);
  expect(await layerOf(ofFile)).toEqual({ 'x/': 'directory 755 5', 'x/y': 'file 644 5 A' });
  const ofArchive = new CopyLayer(EMPTY, options);
  ofArchive.add({ ...directory, ownership: 'archived' });
  expect(await layerOf(ofArchive)).toMatchObject({ 'x/y/': 'directory 755 0', 'x/y/c.md': 'file 644 7 C' });
});

test('--parents keeps the directories of the source, from /./ on', async () => {
  const layer = new CopyLayer(EMPTY, OPTIONS);
  for (const source of await select('d/e/*.md', TREE, true)) layer.add(source);
  expect(Object.keys(await layerOf(layer))).toEqual(['x/', 'x/y/', 'x/y/d/', 'x/y/d/e/', 'x/y/d/e/c.md']);
  const pivoted = new CopyLayer(EMPTY, OPTIONS);
  for (const source of await select('d/./e/c.md', TREE, true)) pivoted.add(source);
  expect(Object.keys(await layerOf(pivoted))).toEqual(['x/', 'x/y/', 'x/y/e/', 'x/y/e/c.md']);
});

test('excluded members are neither copied nor counted', async () => {
  const excludes = compileIgnorePatterns(['**/*.md', 'up']);
  const sources = (await select('d')).map((source) => ({ ...source, excludes }));
  const layer = new CopyLayer(EMPTY, OPTIONS);
  for (const source of sources) layer.add(source);
  expect(Object.keys(await layerOf(layer))).toEqual(['x/', 'x/y/', 'x/y/b.txt', 'x/y/e/']);
  const changed = await select('d', { ...TREE, 'd/e/c.md': 'other' });
  expect(hashSources(changed.map((source) => ({ ...source, excludes })))).toBe(hashSources(sources));
  expect(hashSources(changed)).not.toBe(hashSources(await select('d')));
});

test('a directory cannot be copied to a file', async () => {
  const existing = [root, { ...root, path: '/f', mode: 0o100644 }];
  expect(() => new CopyLayer({ existing, rest: '' }, { ...OPTIONS, asDirectory: true })).toThrow(
    'cannot copy to non-directory: /f',
  );
});

test('the hash changes with content, name and mode, not with times or owners', async () => {
  const hash = async (files: Files) => hashSources(await select('.', files));
  const before = await hash({ f: 'x' });
  expect(await hash({ f: { modifiedAt: 999, uid: 1, size: 0 } })).not.toBe(before);
  expect(await hash({ f: 'y' })).not.toBe(before);
  expect(await hash({ g: 'x' })).not.toBe(before);
  const empty = { modifiedAt: 1, uid: 1 };
  expect(await hash({ f: empty })).toBe(await hash({ f: { ...empty, modifiedAt: 2, uid: 2 } }));
  expect(await hash({ f: empty })).not.toBe(await hash({ f: { ...empty, mode: 0o600 } }));
});

test('members that would leave the tree are refused, links cannot lead out', async () => {
  await expect(treeOf({ '../x': 'x' })).rejects.toThrow('leaves the archive');
  await expect(treeOf({ h: { type: 'link', link: '/etc/passwd' } })).rejects.toThrow('hard link');
  const tree = await treeOf({ out: { type: 'symlink', link: '../../etc' }, 'etc/passwd': 'mine' });
  expect(tree.find('out/passwd')?.path).toBe('etc/passwd');
  const loop = await treeOf({ l: { type: 'symlink', link: 'l' } });
  expect(loop.find('l')).toBeUndefined();
});

test.each([
  ['755', 0o644, false, 0o755],
  ['u+x', 0o644, false, 0o744],
  ['u=rwX,go=rX', 0o600, true, 0o755],
  ['u=rwX,go=rX', 0o600, false, 0o644],
  ['a-w', 0o666, false, 0o444],
  ['+t', 0o755, true, 0o1755],
])('--chmod=%s changes %i', (text, mode, isDirectory, expected) => {
  expect(changeMode(parseModeChange(text), mode, isDirectory)).toBe(expected);
});

test('a --chmod that is none is refused', () => {
  expect(() => parseModeChange('99')).toThrow("invalid chmod parameter: '99'");
});
