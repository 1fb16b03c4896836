import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { dockerArchive, readTar, tar } from './tar-fixture.ts';

const LIST_TREE = fileURLToPath(new URL('./trees/list-tree.py', import.meta.url));
const NEEDED = ['/usr/bin/python3', '/usr/bin/skopeo', '/usr/bin/umoci', '/usr/bin/setfattr'];
const missing = NEEDED.filter((tool) => !existsSync(tool));
if (missing.length > 0) console.warn(`trees of layers are not compared: no ${missing.join(', ')}`);

/** What the engine puts into a running container. */
const ENGINES_OWN = ['proc', 'sys', 'dev', 'etc'];

/** Everything that layers hold which a careless unpacker loses. */
const LOWER = `
mkdir -p plain deep/er/est hidden/below opaque/below sticky UPPER upper
echo content >plain/file && : >plain/empty && ln plain/file plain/hard && ln plain/file deep/er/est/hard
ln -s ../plain/file deep/relative && ln -s /plain/file deep/absolute && ln -s nowhere deep/dangling
ln -s $(printf 'long-target/%.0s' $(seq 60)) deep/long-link
echo 1 >UPPER/Name && echo 2 >UPPER/name && echo 3 >upper/NAME
mknod plain/char c 1 3 && mknod plain/block b 7 300 && mkfifo plain/fifo
echo setuid >plain/setuid && chmod 4755 plain/setuid && chmod 1777 sticky && chmod 2755 deep
echo owned >plain/owned && chown 12345:3000000 plain/owned && chown -h 7:8 deep/dangling
mkdir -p $(printf 'component-of-a-long-path/%.0s' $(seq 12)) && echo long >$(printf 'component-of-a-long-path/%.0s' $(seq 12))file
echo name >plain/$(printf 'n%.0s' $(seq 200))
printf 'latin1' >plain/$(printf '\\351t\\351') ; echo utf8 >plain/été
setfattr -n user.note -v value plain/file && setfattr -n user.empty plain/owned && setfattr -n user.dir -v d deep
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 plain/empty
dd if=/dev/zero of=plain/sparse bs=1 count=0 seek=3000000 2>/dev/null && echo end >>plain/sparse
echo gone >hidden/gone && echo gone >hidden/below/gone && echo kept >hidden/kept
echo gone >opaque/gone && echo gone >opaque/below/gone && mkdir replaced && echo gone >replaced/gone && echo file >becomes-directory
mkdir many && for i in $(seq 300); do echo $i >many/file-number-$i; done
find . -exec touch -h -d '2001-02-03 04:05:06.789012345' {} + && touch -d '1969-12-31 23:59:58' plain/owned
`;
const UPPER = `
mkdir -p hidden opaque/fresh becomes-directory
: >hidden/.wh.gone && : >hidden/.wh.below && : >opaque/.wh..wh..opq && echo new >opaque/fresh/file
echo file >replaced && echo inside >becomes-directory/file && mkdir -p plain && chmod 711 plain && echo over >plain/file
: >.wh.sticky
find . -exec touch -h -d '2011-12-13 14:15:16.171819202' {} +
`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-trees-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Files with holes in front, between and behind, one all hole, and many short pieces. */
const SPARSE = `
truncate -s 5M nothing && echo start >start && truncate -s 3000000 start && truncate -s 7M end && echo end >>end
truncate -s 9M middle && echo middle | dd of=middle bs=4096 seek=700 conv=notrunc status=none
truncate -s 8M pieces && for i in $(seq 0 60); do echo $i | dd of=pieces bs=8192 seek=$((i * 3)) conv=notrunc status=none; done
ln pieces link && : >empty && echo plain >plain
cd .. && find . -exec touch -h -d '2001-02-03 04:05:06.789012345' {} +
`;
/** All formats of sparse files that GNU tar writes. */
const SPARSE_FORMATS: [string, string[]][] = [
  ['gnu', []],
  ['pax', ['--sparse-version=0.0']],
  ['pax', ['--sparse-version=0.1']],
  ['pax', ['--sparse-version=1.0']],
];

/** The layer that a shell script makes, as GNU tar writes it. */
function layerOf(name: string, script: string, format: string, more: string[] = []): Buffer {
  const tree = path.join(directory, name);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree);
  execFileSync('bash', ['-ec', script], { cwd: tree });
  const options = [
    '--format',
    format,
    '--sort=name',
    '--numeric-owner',
    ...(format === 'pax' ? ['--xattrs', '--xattrs-include=*'] : []),
    ...more,
  ];
  const names = execFileSync('ls', ['-A'], { cwd: tree, encoding: 'utf8' }).split('\n').filter(Boolean);
  return execFileSync('tar', [...options, '-C', tree, '-cf', '-', ...names], { maxBuffer: 1 << 28 });
}

const listTree = (root: string): string[] =>
  execFileSync('/usr/bin/python3', [LIST_TREE, root, ...ENGINES_OWN], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
    .split('\n')
    .filter(Boolean);

/** What umoci makes of the image: independent code, another language. */
function referenceTree(archive: string, name: string): string[] {
  const layout = path.join(directory, `oci-${name}`);
  execFileSync('skopeo', [
    'copy',
    '-q',
    '--insecure-policy',
    `docker-archive:${archive}`,
    `oci:${layout}:it`,
  ]);
  const bundle = path.join(directory, `bundle-${name}`);
  execFileSync('umoci', ['unpack', '--image', `${layout}:it`, bundle], { stdio: 'ignore' });
  return listTree(path.join(bundle, 'rootfs'));
}

describe.each(['image', 'directory'])('kept as %s', (form) => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ flags: ['--layer-form', form] });
  });
  afterAll(() => engine.stop());

  test.skipIf(missing.length > 0).each(form === 'image' ? ['pax', 'gnu'] : ['pax'])(
    'layers in %s format are bit for bit what umoci makes of them',
    async (format) => {
      const container = await engine.dockerOk('create', 'busybox');
      const shell = (await engine.api('GET', `/containers/${container}/export`)).bytes;
      const layers = [shell, layerOf('lower', LOWER, format), layerOf('upper', UPPER, format)];
      const archive = path.join(engine.directory, `${format}.tar`);
      const image = dockerArchive({ layers, tags: [`trees:${format}`] });
      await engine.dockerWithInput(image, 'load');
      const id = await engine.dockerOk('run', '-d', `trees:${format}`, '/bin/sleep', '1000');
      const pid = await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', id);
      execFileSync('sh', ['-c', 'cat >"$1"', 'sh', archive], { input: image });
      const ours = listTree(`/proc/${pid}/root`);
      const theirs = referenceTree(archive, `${form}-${format}`);
      expect(ours.length).toBeGreaterThan(400);
      expect(ours).toEqual(theirs);
    },
  );

  test.skipIf(missing.length > 0)(
    'sparse files of every format are what they are without holes',
    async () => {
      const container = await engine.dockerOk('create', 'busybox');
      const shell = (await engine.api('GET', `/containers/${container}/export`)).bytes;
      const imageOf = (tag: string, isSparse: boolean): Buffer => {
        const layers = SPARSE_FORMATS.map(([format, more], index) =>
          layerOf(tag, `mkdir ${index} && cd ${index}${SPARSE}`, format, isSparse ? ['-S', ...more] : more),
        );
        return dockerArchive({ layers: [shell, ...layers], tags: [`holes:${tag}`] });
      };
      const image = imageOf('sparse', true);
      expect(image.length).toBeLessThan(8 * 2 ** 20);
      await engine.dockerWithInput(image, 'load');
      const id = await engine.dockerOk('run', '-d', 'holes:sparse', '/bin/sleep', '1000');
      const pid = await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', id);
      const archive = path.join(engine.directory, 'plain.tar');
      writeFileSync(archive, imageOf('plain', false));
      expect(listTree(`/proc/${pid}/root`)).toEqual(referenceTree(archive, `${form}-sparse`));
      const saved = (await engine.api('GET', '/images/holes:sparse/get')).bytes;
      await engine.dockerOk('rm', '-f', id, container);
      await engine.dockerOk('rmi', 'holes:sparse');
      await engine.dockerWithInput(saved, 'load');
      expect((await engine.api('GET', '/images/holes:sparse/get')).bytes.equals(saved)).toBe(true);
    },
  );

  test('a sparse file whose pieces are at odd places is what it says', async () => {
    const record = (text: string): string => `${text.length + 4} ${text}\n`;
    const map = ['major=0', 'minor=1', 'numblocks=3', 'size=2000', 'name=odd', 'map=100,3,700,2,1990,4'];
    const pax = map.map((text) => record(`GNU.sparse.${text}`)).join('');
    const layer = tar([
      { name: 'pax', type: 'pax', content: pax },
      { name: 'GNUSparseFile.0/odd', content: 'abcdefghi' },
      { name: 'behind', content: 'behind' },
    ]);
    await engine.dockerWithInput(dockerArchive({ layers: [layer], tags: ['odd:1'] }), 'load');
    const container = await engine.dockerOk('create', 'odd:1', 'x');
    const files = readTar((await engine.api('GET', `/containers/${container}/export`)).bytes);
    const expected = Buffer.alloc(2000);
    for (const [text, at] of [
      ['abc', 100],
      ['de', 700],
      ['fghi', 1990],
    ] as const)
      expected.write(text, at);
    expect(files.get('odd')?.equals(expected)).toBe(true);
    expect(files.get('behind')?.toString()).toBe('behind');
    await engine.dockerOk('rm', container);
    await engine.dockerOk('rmi', 'odd:1');
  });

  test('an image of 200 layers runs, is copied out of and exported', async () => {
    const container = await engine.dockerOk('create', 'busybox');
    const shell = (await engine.api('GET', `/containers/${container}/export`)).bytes;
    await engine.dockerOk('rm', container);
    const many = Array.from({ length: 199 }, (_, number) =>
      tar([
        { name: `file-${number}`, content: String(number) },
        { name: 'last', content: String(number) },
      ]),
    );
    await engine.dockerWithInput(dockerArchive({ layers: [shell, ...many], tags: ['many:1'] }), 'load');
    const script = 'ls / | grep -c ^file-; cat /last';
    expect(await engine.dockerOk('run', '--name', 'many', 'many:1', 'sh', '-c', script)).toBe('199\n198');
    const exported = (await engine.api('GET', '/containers/many/export')).bytes;
    expect([...readTar(exported).keys()].filter((name) => name.startsWith('file-'))).toHaveLength(199);
    expect(await engine.dockerOk('diff', 'many')).toBe('');
    await engine.dockerOk('rm', 'many');
    await engine.dockerOk('rmi', 'many:1');
  });

  test('the tar of every layer is read back byte for byte, and what a container changed is a layer like any', async () => {
    const script =
      'echo new >/new && ln /new /hard && rm -r /bin/vi && mkdir -p /a/b && chown 5:6 /a && ln -s x /a/l && mkfifo /a/f';
    const source = await engine.dockerOk('create', 'busybox', 'sh', '-c', script);
    await engine.dockerOk('start', '-a', source);
    const committed = await engine.dockerOk('commit', source);
    const saved = (await engine.api('GET', `/images/${committed}/get`)).bytes;
    const again = await engine.dockerWithInput(saved, 'load');
    expect(again.stdout).toContain(committed);
    await engine.dockerOk('rmi', committed);
    await engine.dockerWithInput(saved, 'load');
    expect((await engine.api('GET', `/images/${committed}/get`)).bytes.equals(saved)).toBe(true);
    const files = await engine.dockerOk(
      'run',
      '--rm',
      committed,
      'sh',
      '-c',
      'cat /hard; ls -ldn /a | cut -c-30; ls /bin/vi || true',
    );
    expect(files).toContain('new');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(engine.dataRoot);
  });
});

test('images made under a kernel that mounts them become directories where they cannot be mounted', async () => {
  const dataRoot = path.join(directory, 'moved');
  const layers = [tar([{ name: 'moved', content: 'moved' }]), tar([{ name: '.wh.moved' }, { name: 'kept' }])];
  const before = await startEngine({ dataRoot, starterImage: false, flags: ['--layer-form', 'image'] });
  await before.dockerWithInput(dockerArchive({ layers, tags: ['moved:1'] }), 'load');
  const saved = (await before.api('GET', '/images/moved:1/get')).bytes;
  await before.stop();
  const after = await startEngine({ dataRoot, starterImage: false, flags: ['--layer-form', 'directory'] });
  try {
    const forms = await after.dockerOk('image', 'inspect', '-f', '{{json .GraphDriver.Data}}', 'moved:1');
    expect(forms).not.toContain('layer.erofs');
    expect((await after.api('GET', '/images/moved:1/get')).bytes.equals(saved)).toBe(true);
    const container = await after.dockerOk('create', 'moved:1', 'x');
    const files = readTar((await after.api('GET', `/containers/${container}/export`)).bytes);
    expect([files.has('kept'), files.has('moved')]).toEqual([true, false]);
    expect((await after.api<{ whole: boolean }>('POST', '/gantry/v1/fsck')).json.whole).toBe(true);
  } finally {
    await after.stop();
  }
});
