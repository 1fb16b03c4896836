import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRuntimeFixture, type RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;
let outside: string;
beforeAll(async () => {
  fixture = await createRuntimeFixture();
  outside = path.join(fixture.directory, 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'file'), 'precious');
});
afterAll(() => fixture.dispose());

test('a tree is removed, but nothing behind a mount or a link in it', async () => {
  const tree = path.join(fixture.directory, 'tree');
  const mounted = path.join(tree, 'a/mounted');
  mkdirSync(mounted, { recursive: true });
  symlinkSync(outside, path.join(tree, 'a/link'));
  execFileSync('mount', ['--bind', outside, mounted]);
  try {
    await expect(fixture.runtime.runTask(['remove-tree', tree])).rejects.toMatchObject({ code: 'EXDEV' });
    expect(readFileSync(path.join(outside, 'file'), 'utf8')).toBe('precious');
  } finally {
    execFileSync('umount', [mounted]);
  }
  await fixture.runtime.runTask(['remove-tree', tree]);
  expect(existsSync(tree)).toBe(false);
  expect(readdirSync(outside)).toEqual(['file']);
});

test('stubs of mounts are removed while they are empty, and nothing behind a link', async () => {
  const upper = path.join(fixture.directory, 'stubs');
  mkdirSync(path.join(upper, 'run/secrets'), { recursive: true });
  mkdirSync(path.join(upper, 'used/deep'), { recursive: true });
  mkdirSync(path.join(outside, 'empty'));
  writeFileSync(path.join(upper, 'run/secrets/token'), '');
  writeFileSync(path.join(upper, 'used/written'), 'by the step');
  symlinkSync(outside, path.join(upper, 'link'));
  const stubs = ['/run/secrets/token', '/run/secrets', '/used/deep', '/used/written', '/used', '/link/empty'];
  await fixture.runtime.runTask(['remove-stubs', upper, ...stubs, '/link', '/not/there']);
  expect(readdirSync(upper).sort()).toEqual(['link', 'run', 'used']);
  expect(readdirSync(path.join(upper, 'run'))).toEqual([]);
  expect(readdirSync(path.join(upper, 'used'))).toEqual(['written']);
  expect(existsSync(path.join(outside, 'empty'))).toBe(true);
  rmdirSync(path.join(outside, 'empty'));
});

test('times are clamped in the tree, never behind a link', async () => {
  const upper = path.join(fixture.directory, 'times');
  mkdirSync(path.join(upper, 'a'), { recursive: true });
  writeFileSync(path.join(upper, 'a/new'), '');
  writeFileSync(path.join(upper, 'a/old'), '');
  utimesSync(path.join(upper, 'a/old'), 500, 500);
  symlinkSync(path.join(outside, 'file'), path.join(upper, 'link'));
  const before = statSync(path.join(outside, 'file')).mtimeMs;
  await fixture.runtime.runTask(['clamp-times', upper, '1000']);
  const secondsOf = (name: string): number => lstatSync(path.join(upper, name)).mtimeMs / 1000;
  expect(['a', 'a/new', 'a/old', 'link'].map(secondsOf)).toEqual([1000, 1000, 500, 1000]);
  expect(statSync(path.join(outside, 'file')).mtimeMs).toBe(before);
});

test("a volume's first content comes from inside the image, wherever its links point", async () => {
  const image = path.join(fixture.directory, 'image');
  mkdirSync(path.join(image, 'real'), { recursive: true });
  writeFileSync(path.join(image, 'real/own'), '');
  symlinkSync('/real', path.join(image, 'inside'));
  symlinkSync(outside, path.join(image, 'absolute'));
  symlinkSync('../outside', path.join(image, 'climbing'));
  const seed = async (name: string): Promise<string[]> => {
    const volume = path.join(fixture.directory, `volume-${name}`);
    mkdirSync(volume);
    await fixture.runtime.runTask(['copy-up', `/${name}`, volume, image]);
    return readdirSync(volume);
  };
  expect(await seed('inside')).toEqual(['own']);
  expect(await seed('absolute')).toEqual([]);
  expect(await seed('climbing')).toEqual([]);
});

test('a working directory is made inside the root, wherever its links point, and only where it is missing', async () => {
  const at = (...names: string[]): string => path.join(fixture.directory, 'cwd', ...names);
  mkdirSync(at('image/there'), { recursive: true, mode: 0o700 });
  symlinkSync(outside, at('image/absolute'));
  mkdirSync(at('image', outside), { recursive: true });
  symlinkSync(path.join(outside, 'dangling'), at('image/dangling'));
  writeFileSync(at('image/file'), '');
  for (const name of ['upper', 'work']) mkdirSync(at(name));
  const layers = ['--lower', at('image'), '--upper', at('upper'), '--work', at('work')];
  const make = (target: string): Promise<void> =>
    fixture.runtime.runTask(['make-directory', ...layers, target]);
  await make('/there');
  expect(readdirSync(at('upper'))).toEqual([]);
  await expect(make('/file')).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(make('/dangling/deep')).rejects.toMatchObject({ code: 'ENOENT' });
  await make('/absolute/deep');
  expect(readdirSync(outside)).toEqual(['file']);
  expect(existsSync(at('upper', outside, 'deep'))).toBe(true);
  expect(statSync(at('upper', outside, 'deep')).mode & 0o7777).toBe(0o755);
});
