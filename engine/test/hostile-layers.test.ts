import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { dockerArchive, ociArchive, sha256, tar, type TarEntry } from './tar-fixture.ts';

const symlink = (name: string, link: string): TarEntry => ({ name, type: 'symlink', link });

describe.each(['image', 'directory'])('kept as %s', (form) => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({
      starterImage: false,
      flags: ['--layer-form', form, '--max-layer-size', String(64 << 20), '--max-layer-ratio', '100'],
    });
  });
  afterAll(() => engine.stop());

  /** Nothing half-made is left, and nothing was written outside of the data root. */
  afterEach(async () => {
    const left = () =>
      ['tmp/images', 'trash', 'layers'].flatMap((name) => readdirSync(path.join(engine.dataRoot, name)));
    await expect.poll(left).toEqual([]);
    expect(existsSync('/tmp/gantry-escaped')).toBe(false);
  });

  const load = async (archive: Buffer): Promise<string> => {
    const { json } = await engine.api<{ error: string }>('POST', '/images/load?quiet=1', archive);
    return json.error;
  };
  const loadLayer = (entries: TarEntry[]): Promise<string> =>
    load(dockerArchive({ layers: [tar(entries)], tags: ['never:1'] }));

  test.each<[string, TarEntry[], RegExp]>([
    ['a name that climbs', [{ name: '../../../tmp/gantry-escaped' }], /leaves the archive's root/],
    [
      'a name that climbs in the middle',
      [{ name: 'a/../../tmp/gantry-escaped' }],
      /leaves the archive's root/,
    ],
    [
      'a link to outside and a file behind it',
      [symlink('l', '/tmp'), { name: 'l/gantry-escaped' }],
      /leaves/,
    ],
    [
      'a climbing link and a file behind it',
      [symlink('d/l', '../../tmp'), { name: 'd/l/gantry-escaped' }],
      /leaves/,
    ],
    ['a chain of links', [symlink('a', 'b'), symlink('b', 'a'), { name: 'a/file' }], /symbolic links/],
    ['a hard link to outside', [{ name: 'h', type: 'hard-link', link: '../../etc/passwd' }], /leaves/],
    ['a hard link to nothing', [{ name: 'h', type: 'hard-link', link: 'nothing' }], /link target/],
    [
      'a hard link to a directory',
      [
        { name: 'd', type: 'directory' },
        { name: 'h', type: 'hard-link', link: 'd' },
      ],
      /not permitted/,
    ],
    ['a whiteout of the parent', [{ name: 'd/.wh...' }], /invalid whiteout/],
    [
      'a whiteout behind a link to outside',
      [symlink('l', '/tmp'), { name: 'l/.wh.gantry-escaped' }],
      /leaves/,
    ],
    ['a file as a directory', [{ name: 'f', content: 'x' }, { name: 'f/inside' }], /not a directory/],
    [
      'a giant extended header',
      [{ name: 'x', type: 'pax', content: Buffer.alloc(2 << 20, 0x20) }, { name: 'f' }],
      /extended header/,
    ],
  ])('%s is refused', async (_, entries, message) => {
    expect(await loadLayer(entries)).toMatch(message);
  });

  test('an absolute name means the root of the layer, the last of several entries counts', async () => {
    const entries = [
      { name: '/absolute', content: 'first' },
      { name: 'absolute', content: 'second' },
      { name: './absolute', content: 'third!' },
    ];
    expect(await load(dockerArchive({ layers: [tar(entries)], tags: ['absolute:1'] }))).toBeUndefined();
    const container = await engine.dockerOk('create', 'absolute:1', 'x');
    const copied = await engine.api('GET', `/containers/${container}/archive?path=/absolute`);
    expect(copied.bytes.toString('latin1', 512, 518)).toBe('third!');
    await engine.dockerOk('rm', container);
    await engine.dockerOk('rmi', 'absolute:1');
  });

  test('a gzip bomb is stopped by its ratio, and by its size', async () => {
    const bomb = tar([{ name: 'zeros', content: Buffer.alloc(48 << 20) }]);
    expect(await load(ociArchive({ layers: [bomb], tags: ['bomb:1'] }, gzipSync))).toMatch(
      /more than 100 times as large as its \d+ bytes/,
    );
    const large = tar([{ name: 'zeros', content: Buffer.alloc(65 << 20) }]);
    expect(await load(dockerArchive({ layers: [large], tags: ['bomb:2'] }))).toMatch(
      /larger than 67108864 bytes/,
    );
  });

  test('a cut, a damaged and a lying compressed layer are refused', async () => {
    const image = { layers: [tar([{ name: 'file', content: 'content' }])], tags: ['cut:1'] };
    const cut = (bytes: Buffer): Buffer => gzipSync(bytes).subarray(0, -12);
    expect(await load(ociArchive(image, cut))).toMatch(/truncated|unexpected EOF/);
    const garbage = (bytes: Buffer): Buffer => Buffer.concat([gzipSync(bytes), Buffer.from('garbage')]);
    expect(await load(ociArchive(image, garbage))).toMatch(/garbage|damaged/);
    const damaged = (bytes: Buffer): Buffer => {
      const packed = gzipSync(bytes);
      packed.writeUInt8(packed.readUInt8(30) ^ 0xff, 30);
      return packed;
    };
    expect(await load(ociArchive(image, damaged))).toMatch(/damaged|invalid/);
    const zstdCut = (bytes: Buffer): Buffer => execFileSync('zstd', ['-c'], { input: bytes }).subarray(0, -6);
    expect(await load(ociArchive(image, zstdCut))).toMatch(/truncated|damaged/);
  });

  test('several gzip members and zeros behind them are one layer', async () => {
    const layer = tar([{ name: 'file', content: 'x'.repeat(5000) }]);
    const members = (bytes: Buffer): Buffer =>
      Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700)), Buffer.alloc(100)]);
    expect(await load(ociArchive({ layers: [layer], tags: ['members:1'] }, members))).toBeUndefined();
    const inspected = await engine.dockerOk('image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'members:1');
    expect(JSON.parse(inspected)).toEqual([`sha256:${sha256(layer)}`]);
    await engine.dockerOk('rmi', 'members:1');
  });

  test.each<[string, object, RegExp]>([
    ['of no list', { manifests: { a: 1 } }, /not a list of descriptors/],
    ['with a digest that is a path', { manifests: [{ digest: 'sha256:../../../etc/passwd' }] }, /bad digest/],
    ['of nothing', { manifests: [] }, /no image for this platform/],
  ])('an index %s is refused', async (_, index, message) => {
    const archive = tar([
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: JSON.stringify(index) },
    ]);
    expect(await load(archive)).toMatch(message);
  });

  test('indexes in indexes end somewhere', async () => {
    const blobs: TarEntry[] = [];
    let digest = `sha256:${'0'.repeat(64)}`;
    for (let depth = 0; depth < 50; depth++) {
      const content = JSON.stringify({ depth, manifests: [{ digest }] });
      digest = `sha256:${sha256(content)}`;
      blobs.push({ name: `blobs/sha256/${sha256(content)}`, content });
    }
    const index = { name: 'index.json', content: JSON.stringify({ manifests: [{ digest }] }) };
    expect(await load(tar([...blobs, index]))).toMatch(/nested too deep/);
  });
});

test('a disk that fills up while a layer is stored is said to be full, cleaned up and goes on', async () => {
  const mountPoint = '/tmp/gantry-full-layers';
  const file = `${mountPoint}.img`;
  execFileSync('sh', ['-c', `truncate -s 48M ${file} && mkfs.ext4 -q ${file}`]);
  mkdirSync(mountPoint, { recursive: true });
  execFileSync('mount', ['-o', 'loop', file, mountPoint]);
  try {
    const engine = await startEngine({ starterImage: false, dataRoot: path.join(mountPoint, 'data') });
    try {
      const big = tar([{ name: 'big', content: Buffer.alloc(60 << 20, 7) }]);
      const archive = ociArchive({ layers: [big], tags: ['big:1'] }, gzipSync);
      const refused = await engine.api<{ error: string }>('POST', '/images/load?quiet=1', archive);
      expect(refused.json.error).toMatch(/no space left on device/);
      await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'trash'))).toEqual([]);
      expect(readdirSync(path.join(engine.dataRoot, 'layers'))).toEqual([]);
      writeFileSync(path.join(mountPoint, 'still-writable'), Buffer.alloc(8 << 20));
      const small = dockerArchive({ layers: [tar([{ name: 'small', content: 'x' }])], tags: ['small:1'] });
      expect((await engine.dockerWithInput(small, 'load')).stdout).toBe('Loaded image: small:1\n');
    } finally {
      await engine.stop();
    }
  } finally {
    execFileSync('umount', [mountPoint]);
    rmSync(file);
    rmSync(mountPoint, { recursive: true });
  }
});
