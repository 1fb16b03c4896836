import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { hostWitness, type HostWitness } from './host-witness.ts';
import { dockerArchive, tar, type TarEntry } from './tar-fixture.ts';

/**
 * Hostile images and archives against a host that must stay as it was; SECURITY.md has the classes, ARCHITECTURE.md's
 * table says which test answers which.
 */
let engine: TestEngine;
let witness: HostWitness;
let host: string;

beforeAll(async () => {
  engine = await startEngine();
  witness = hostWitness(engine.directory);
  host = witness.directory;
});
afterAll(async () => {
  witness.expectUntouched();
  witness.dispose();
  await engine.stop();
});

const run = (...args: string[]) => engine.docker('run', '--rm', ...args);
const BUSYBOX = readFileSync('/bin/busybox');

/** An image with a shell and whatever else is wanted, loaded under the name. */
async function loadImage(name: string, entries: TarEntry[], config: object = {}): Promise<void> {
  const own = new Set(entries.map((entry) => entry.name.replace(/\/$/, '')));
  const all: TarEntry[] = [
    { name: 'bin/', type: 'directory', mode: 0o755 },
    { name: 'bin/busybox', content: BUSYBOX, mode: 0o755 },
    ...['sh', 'cat', 'ls', 'id', 'env', 'echo', 'touch', 'readlink', 'sleep', 'mount'].map(
      (applet): TarEntry => ({ name: `bin/${applet}`, type: 'symlink', link: '/bin/busybox' }),
    ),
    { name: 'tmp/', type: 'directory', mode: 0o1777 },
  ];
  const shell = all.filter((entry) => !own.has(entry.name.replace(/\/$/, '')));
  const archive = dockerArchive({ layers: [tar([...shell, ...entries])], tags: [`${name}:latest`], config });
  const { status, text } = await load(archive);
  expect([status, text]).toEqual([200, expect.not.stringContaining('"error"')]);
}

const load = (archive: Buffer) =>
  engine.api('POST', '/images/load', archive, { 'Content-Type': 'application/x-tar' });

describe('an image', () => {
  test.each(['dev', 'proc', 'sys', 'etc', 'dev/pts', 'dev/shm', 'sys/fs/cgroup'])(
    'whose /%s leads out has nothing mounted or written there',
    async (name) => {
      const image = `link-${name.replaceAll('/', '-')}`;
      await loadImage(image, [{ name, type: 'symlink', link: host }]);
      const { stdout, code } = await run(
        '-h',
        'inside',
        image,
        'sh',
        '-c',
        'ls /proc/1/ > /dev/null && echo runs',
      );
      // Its own real directories lie above, or the mount is refused: never is a link followed out.
      if (code === 0) expect(stdout).toBe('runs\n');
      witness.expectUntouched();
    },
  );

  test.each([
    ['etc/hosts'],
    ['etc/hostname'],
    ['etc/resolv.conf'],
    ['etc/mtab'],
    ['.dockerenv'],
    ['dev/console'],
    ['dev/null'],
  ])('whose /%s is a link leaves what it points at unwritten', async (name) => {
    const image = `file-${name.replaceAll(/[/.]/g, '-')}`;
    await loadImage(image, [{ name, type: 'symlink', link: path.join(host, 'secret') }]);
    const { stdout } = await run(
      '-t',
      '-h',
      'inside',
      image,
      'sh',
      '-c',
      'cat /etc/hosts /etc/hostname; echo x > /dev/null',
    );
    expect(stdout).not.toContain(witness.secret);
    expect(readFileSync(path.join(host, 'secret'), 'utf8')).toBe(witness.secret);
  });

  test.each([
    ['a WORKDIR that is a link', [{ name: 'w', type: 'symlink', link: '' }], { WorkingDir: '/w/made/here' }],
    ['a VOLUME that is a link', [{ name: 'v', type: 'symlink', link: '' }], { Volumes: { '/v': {} } }],
    ['a VOLUME below a link', [{ name: 'v', type: 'symlink', link: '' }], { Volumes: { '/v/deep': {} } }],
    ['a HOME that is a link', [{ name: 'root', type: 'symlink', link: '' }], {}],
  ] as [string, TarEntry[], object][])('with %s makes nothing outside', async (what, entries, config) => {
    const image = what.toLowerCase().replaceAll(' ', '-');
    const linked = entries.map((entry) => ({ ...entry, link: path.join(host, 'directory') }));
    await loadImage(image, linked, { config });
    await run(image, 'sh', '-c', 'touch made ~/made');
    witness.expectUntouched();
  });

  test('with a WORKDIR behind a descriptor stays inside', async () => {
    for (const directory of [
      '/proc/self/fd/3',
      '/proc/self/fd/7',
      '/proc/self/fd/9',
      '/proc/self/cwd/../..',
    ]) {
      await loadImage('cwd', [], { config: { WorkingDir: directory } });
      const { stdout } = await run(
        'cwd',
        'sh',
        '-c',
        `ls ../../../../../..${witness.marker} ./${witness.marker} 2>/dev/null`,
      );
      expect([directory, stdout]).toEqual([directory, '']);
    }
  });

  test("gets no variable of the engine's environment", async () => {
    await loadImage('bare', [], { config: { Env: ['GANTRY_TEST', 'PATH', 'HOME=/', '=x', 'A=b'] } });
    const { stdout } = await run('bare', '/bin/env');
    expect(stdout.split('\n').filter(Boolean).toSorted()).toEqual(
      expect.not.arrayContaining([expect.stringContaining('GANTRY_TEST') as string]),
    );
    expect(stdout).toContain('A=b\n');
  });

  test('makes nobody root by an odd name or number', async () => {
    const passwd = 'root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n+7:x:0:0::/:/bin/sh\n';
    await loadImage('users', [
      { name: 'etc/', type: 'directory', mode: 0o755 },
      { name: 'etc/passwd', content: passwd },
      { name: 'etc/group', content: '1000:x:0:\nroot:x:0:\n' },
    ]);
    expect((await run('-u', '1000', 'users', 'id', '-u')).stdout).toBe('1000\n');
    expect((await run('-u', '1000:1000', 'users', 'sh', '-c', 'id -g; id -G')).stdout).toBe('1000\n1000\n');
    for (const user of ['-1', '4294967296', '2147483648', '0x0', '1:-1', '99999999999999999999', ' 0']) {
      const refused = await run('-u', user, 'users', 'id', '-u');
      expect([user, refused.code]).not.toEqual([user, 0]);
    }
  });

  test.each<[string, TarEntry[]]>([
    ['a fifo', [{ name: 'etc/passwd', type: 'symlink', link: '/proc/self/fd/0' }]],
    ['a link out', [{ name: 'etc/passwd', type: 'symlink', link: '../../../../../../../../etc/shadow' }]],
    ['endless', [{ name: 'etc/passwd', type: 'symlink', link: '/dev/zero' }]],
    ['huge', [{ name: 'etc/passwd', content: `x:${'y'.repeat(3 << 20)}\n` }]],
  ])('whose passwd file is %s does not hang or leak', async (what, entries) => {
    await loadImage(`passwd-${what.replaceAll(' ', '-')}`, entries);
    const { code } = await run('-u', 'somebody', `passwd-${what.replaceAll(' ', '-')}`, 'id');
    expect(code).not.toBe(0);
  });
});

describe('an archive', () => {
  const layerWith = (...entries: TarEntry[]): Buffer =>
    dockerArchive({ layers: [tar(entries)], tags: ['hostile:latest'] });

  test.each<[string, () => TarEntry[]]>([
    [
      'a climbing name',
      () => [{ name: '../../../../../../../../../../../tmp/gantry-escaped', content: 'x' }],
    ],
    ['an absolute name', () => [{ name: path.join(host, 'written'), content: 'x' }]],
    [
      'a name below its own link',
      () => [
        { name: 'out', type: 'symlink', link: host },
        { name: 'out/written', content: 'x' },
      ],
    ],
    [
      'a link replaced while it is written through',
      () => [
        { name: 'd/', type: 'directory' },
        { name: 'd', type: 'symlink', link: host },
        { name: 'd/written', content: 'x' },
        { name: 'd/directory/', type: 'directory', mode: 0o777 },
      ],
    ],
    [
      'a hard link to a file of the host',
      () => [{ name: 'linked', type: 'hard-link', link: path.join(host, 'secret') }],
    ],
    [
      'a hard link through its own link',
      () => [
        { name: 'out', type: 'symlink', link: host },
        { name: 'linked', type: 'hard-link', link: 'out/secret' },
      ],
    ],
    [
      'a whiteout of what a link points at',
      () => [
        { name: 'out', type: 'symlink', link: host },
        { name: 'out/.wh.secret', content: '' },
        { name: 'out/.wh..wh..opq', content: '' },
      ],
    ],
    ['a whiteout that climbs', () => [{ name: '.wh...', content: '' }]],
  ])('with %s touches nothing outside its layer', async (_, entries) => {
    await load(layerWith(...entries()));
    witness.expectUntouched();
    expect(existsSync('/tmp/gantry-escaped')).toBe(false);
    await engine.docker('rmi', '-f', 'hostile');
  });

  test.each<[string, (layer: string) => TarEntry[]]>([
    [
      'a manifest that names files of the host',
      () => [
        {
          name: 'manifest.json',
          content: JSON.stringify([
            { Config: '../../../../etc/passwd', RepoTags: ['x:1'], Layers: ['/etc/shadow'] },
          ]),
        },
      ],
    ],
    [
      'parts that are links out',
      () => [
        { name: 'config.json', type: 'symlink', link: '/etc/passwd' },
        { name: 'layer.tar', type: 'hard-link', link: '/etc/shadow' },
        {
          name: 'manifest.json',
          content: '[{"Config":"config.json","RepoTags":["x:1"],"Layers":["layer.tar"]}]',
        },
      ],
    ],
    [
      'digests that are paths',
      () => [
        { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
        {
          name: 'index.json',
          content: JSON.stringify({
            schemaVersion: 2,
            manifests: [
              {
                mediaType: 'application/vnd.oci.image.manifest.v1+json',
                digest: 'sha256:../../../../etc/passwd',
                size: 10,
              },
            ],
          }),
        },
      ],
    ],
    [
      'JSON of another shape',
      () => [{ name: 'manifest.json', content: '[null, 1, {"Layers": {"length": 9}}]' }],
    ],
  ])('of images with %s is refused and leaves nothing', async (_, entries) => {
    const { status, text } = await load(tar(entries('')));
    expect(status >= 400 || text.includes('"error"')).toBe(true);
    expect(text).not.toContain('root:');
    expect(readdirSync(path.join(engine.dataRoot, 'tmp/images'))).toEqual([]);
  });
});
