import { expect, test } from 'vitest';
import { tar, type TarEntry } from '../test/tar-fixture.ts';
import { exploreLayers } from './explore-layers.ts';
import type { CatalogImage } from './image-catalog.ts';

/** Layers by number, read in pieces that fit no block. */
function explore(...layers: TarEntry[][]) {
  const held = new Map<string, number>();
  const change = (diffId: string, by: number) => held.set(diffId, (held.get(diffId) ?? 0) + by);
  const store = {
    async *readTar(diffId: string) {
      const archive = tar(layers[Number(diffId)] ?? []);
      for (let start = 0; start < archive.length; start += 333) yield archive.subarray(start, start + 333);
    },
    get: () => undefined,
    acquire: (diffId: string) => void change(diffId, 1),
    release: async (diffId: string) => void change(diffId, -1),
  };
  const history = [
    { created_by: 'first' },
    { created_by: 'ENV', empty_layer: true },
    { created_by: 'second' },
  ];
  const image = { layers: layers.map((_, index) => String(index)), config: { history } };
  return exploreLayers(store, image as unknown as CatalogImage).then((explored) => {
    expect([...held.values()].every((count) => count === 0)).toBe(true);
    return explored;
  });
}

const file = (name: string, bytes: number): TarEntry => ({ name, content: Buffer.alloc(bytes, 'x') });
const directory = (name: string): TarEntry => ({ name, type: 'directory' });

test('a layer’s files are added, changed and deleted against those below it', async () => {
  const { Layers, WastedBytes } = await explore(
    [directory('etc/'), file('./etc/a', 10), file('etc/b', 200), file('lib/deep/c', 3000)],
    [file('etc/a', 15), file('etc/.wh.b', 0), file('lib/.wh.deep', 0), directory('etc/'), file('new', 1)],
  );
  expect(Layers.map(({ CreatedBy }) => CreatedBy)).toEqual(['first', 'second']);
  expect(Layers[0]).toMatchObject({ Added: 4, Changed: 0, Deleted: 0, WastedBytes: 0 });
  expect(Layers[1]).toMatchObject({ Added: 1, Changed: 1, Deleted: 2, WastedBytes: 3210, Unlisted: 0 });
  expect(Layers[1]?.Entries).toEqual([
    { Path: '/lib/deep', Kind: 'directory', Change: 'deleted', Size: 3000 },
    { Path: '/etc/b', Kind: 'file', Change: 'deleted', Size: 200 },
    { Path: '/etc/a', Kind: 'file', Change: 'changed', Size: 15 },
    { Path: '/new', Kind: 'file', Change: 'added', Size: 1 },
  ]);
  expect(WastedBytes).toBe(3210);
});

test('an opaque directory hides what was in it, but nothing of its own layer', async () => {
  const { Layers } = await explore(
    [file('d/old', 100), file('e/old', 50)],
    [file('d/new', 7), file('d/.wh..wh..opq', 0), file('e/.wh.old', 0), file('e/old', 8)],
  );
  expect(Layers[1]).toMatchObject({ Added: 2, Deleted: 1, WastedBytes: 150 });
});

test('a file in the place of a directory hides all that was below', async () => {
  const { WastedBytes } = await explore([file('d/one', 1), file('d/two/three', 20)], [file('d', 5)]);
  expect(WastedBytes).toBe(21);
});

test('of a layer of very many entries the largest are told and the rest counted', async () => {
  const { Layers } = await explore(Array.from({ length: 2500 }, (_, index) => file(`f${index}`, index % 7)));
  expect([Layers[0]?.Entries.length, Layers[0]?.Unlisted, Layers[0]?.Added]).toEqual([2000, 500, 2500]);
  expect(Layers[0]?.Entries[0]?.Size).toBe(6);
});
