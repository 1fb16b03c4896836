import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { dockerArchive, ociArchive, sha256, tar } from './tar-fixture.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** Nothing half-made is on the disk, whatever went wrong. */
afterEach(async () => {
  await expect.poll(() => leftovers(engine.dataRoot)).toEqual([]);
});

function leftovers(dataRoot: string): string[] {
  const listed = ['tmp/images', 'trash'].flatMap((name) => readdirSync(path.join(dataRoot, name)));
  const layers = readdirSync(path.join(dataRoot, 'layers'));
  return [
    ...listed,
    ...layers.filter((name) => !existsSync(path.join(dataRoot, 'layers', name, 'meta.json'))),
  ];
}

const layer = (name: string, content = name): Buffer => tar([{ name, content }]);
const load = (archive: Buffer) => engine.dockerWithInput(archive, 'load');
const loadOverApi = (archive: Buffer) =>
  engine.api<{ error: string }>('POST', '/images/load?quiet=1', archive, {
    'Content-Type': 'application/x-tar',
  });

test('an archive with several images is loaded, listed and described', async () => {
  const first = { layers: [layer('a'), layer('b')], tags: ['first:1', 'localhost:5000/x/first:2'] };
  const second = {
    layers: [layer('a')],
    tags: ['second:latest'],
    config: {
      config: { Cmd: ['run'], Labels: { part: 'two' }, ExposedPorts: { '80/tcp': {} } },
      history: [{ created_by: 'COPY a' }, { created_by: 'CMD run', empty_layer: true, comment: 'last' }],
    },
  };
  const { code, stdout } = await load(gzipSync(dockerArchive(first, second)));
  expect([code, stdout]).toEqual([
    0,
    'Loaded image: first:1\nLoaded image: localhost:5000/x/first:2\nLoaded image: second:latest\n',
  ]);
  const listed = await engine.dockerOk(
    'images',
    '--format',
    '{{.Repository}}:{{.Tag}} {{.Size}}',
    '--filter',
    'reference=fir*',
  );
  expect(listed.split('\n')).toEqual(['first:1 2B']);
  const [inspected] = JSON.parse(await engine.dockerOk('image', 'inspect', 'second')) as [
    Record<string, unknown>,
  ];
  expect(inspected).toMatchObject({
    RepoTags: ['second:latest'],
    Architecture: 'amd64',
    Config: { Cmd: ['run'], Labels: { part: 'two' } },
    RootFS: { Type: 'layers', Layers: [`sha256:${sha256(layer('a'))}`] },
  });
  const history = await engine.dockerOk(
    'history',
    '--format',
    '{{.CreatedBy}} {{.Size}} {{.Comment}}',
    'second',
  );
  expect(history).toBe('CMD run 0B last\nCOPY a 1B');
  expect(await engine.dockerOk('images', '-q', '--filter', 'label=part=two')).toBe(
    String(inspected['Id']).slice(7, 19),
  );
});

test('an OCI layout with compressed layers is loaded and its blobs are verified', async () => {
  const image = { layers: [layer('oci')], tags: ['docker.io/team/oci:v1'] };
  expect((await load(ociArchive(image, gzipSync))).stdout).toBe('Loaded image: team/oci:v1\n');
  const damaged = ociArchive({ layers: [layer('oci2')], tags: ['oci2:v1'] }, gzipSync);
  const place = damaged.indexOf(Buffer.from([0x1f, 0x8b, 0x08]));
  damaged[place + 20]! ^= 0xff;
  const refused = await loadOverApi(damaged);
  expect(refused.json.error).not.toBe('');
  expect(await engine.dockerOk('images', '-q', 'oci2')).toBe('');
});

test.each([
  ['xz', '-c'],
  ['zstd', '-c'],
  ['bzip2', '-c'],
])('an archive compressed with %s is loaded', async (tool, flag) => {
  const archive = dockerArchive({ layers: [layer(tool)], tags: [`${tool}:1`] });
  const packed = execFileSync(tool, [flag], { input: archive });
  expect((await load(packed)).stdout).toBe(`Loaded image: ${tool}:1\n`);
});

const good = { layers: [layer('good')], tags: ['never:1'] };
const whole = dockerArchive(good);
test.each<[string, Buffer, RegExp]>([
  ['cut in the middle', whole.subarray(0, 1400), /unexpected EOF/],
  ['random bytes', randomBytes(8192), /invalid tar header/],
  ['a root file system', layer('etc'), /neither manifest.json nor index.json.*docker import/],
  [
    'damaged gzip',
    Buffer.concat([gzipSync(whole).subarray(0, 200), randomBytes(300)]),
    /damaged gzip|invalid/,
  ],
  [
    'a layer that is not what the configuration says',
    dockerArchive({ ...good, diffIds: [`sha256:${'0'.repeat(64)}`] }),
    /invalid layer: its content is sha256:/,
  ],
  [
    'a missing layer',
    tar([
      { name: 'manifest.json', content: '[{"Config":"c.json","RepoTags":["n:1"],"Layers":["l"]}]' },
      { name: 'c.json', content: '{"rootfs":{"diff_ids":["sha256:' + 'a'.repeat(64) + '"]}}' },
    ]),
    /l is missing/,
  ],
  ['a manifest of nothing', tar([{ name: 'manifest.json', content: '[null]' }]), /not a list of objects/],
  ['an index of a number', tar([{ name: 'index.json', content: '{"manifests":5}' }]), /list of descriptors/],
  ['an index of nothing', tar([{ name: 'index.json', content: '{"manifests":[null]}' }]), /descriptors/],
  [
    'an upper-case name',
    dockerArchive({ ...good, tags: ['Never:1'] }),
    /repository name \(library\/Never\) must be lowercase/,
  ],
  [
    'another number of layers',
    dockerArchive({ ...good, diffIds: [] }),
    /layers length mismatch: expected 0, got 1/,
  ],
])('an archive that is %s is refused and leaves nothing', async (_, archive, message) => {
  const before = await engine.dockerOk('images', '-aq');
  const reply = await loadOverApi(archive);
  expect([reply.status, reply.json.error]).toEqual([200, expect.stringMatching(message)]);
  expect(await engine.dockerOk('images', '-aq')).toBe(before);
});

test.each<[string, Buffer]>([
  ['a name with ..', tar([{ name: '../../../../../../../../tmp/gantry-escape', content: 'x' }])],
  [
    'a file behind an absolute link',
    tar([
      { name: 'l', type: 'symlink', link: '/tmp' },
      { name: 'l/gantry-escape', content: 'x' },
    ]),
  ],
  [
    'a file behind a climbing link',
    tar([
      { name: 'l', type: 'symlink', link: '../../../../../../../../../tmp' },
      { name: 'l/gantry-escape', content: 'x' },
    ]),
  ],
  [
    'a hard link out of the layer',
    tar([{ name: 'h', type: 'hard-link', link: '../../../../../../../../etc/passwd' }]),
  ],
  [
    'a hard link through a link',
    tar([
      { name: 'l', type: 'symlink', link: '/etc' },
      { name: 'h', type: 'hard-link', link: 'l/passwd' },
    ]),
  ],
  ['a whiteout of the parent directory', tar([{ name: 'd/.wh...', content: '' }])],
])('a layer with %s is refused and nothing is written outside', async (_, hostile) => {
  const reply = await loadOverApi(dockerArchive({ layers: [hostile], tags: ['hostile:1'] }));
  expect([reply.status, reply.json.error]).toEqual([200, expect.stringMatching(/^invalid layer: /)]);
  expect(existsSync('/tmp/gantry-escape')).toBe(false);
  expect(await engine.dockerOk('images', '-q', 'hostile')).toBe('');
});

test('whiteouts of an upper layer hide what is below, and overlay attributes of an archive are not taken over', async () => {
  const below = tar([
    { name: 'd/gone', content: '1' },
    { name: 'd/kept', content: '2' },
    { name: 'o/old', content: '3' },
  ]);
  const above = tar([
    { name: 'd/.wh.gone' },
    { name: 'o/.wh..wh..opq' },
    { name: 'o/new', content: '4' },
    { name: 'x', type: 'pax', content: '38 SCHILY.xattr.trusted.overlay.opaque=y\n'.replace('38', '41') },
    { name: 'd', type: 'directory', mode: 0o755 },
  ]);
  const container = await engine.dockerOk('create', 'busybox');
  const shell = (await engine.api('GET', `/containers/${container}/export`)).bytes;
  await engine.dockerOk('rm', container);
  await load(dockerArchive({ layers: [shell, below, above], tags: ['whiteouts:1'] }));
  const found = await engine.dockerOk('run', '--rm', 'whiteouts:1', '/bin/sh', '-c', 'ls /d /o');
  expect(found).toBe('/d:\nkept\n\n/o:\nnew');
});

test('a root file system is imported with changes to its configuration', async () => {
  const file = path.join(engine.directory, 'root.tar.gz');
  writeFileSync(file, gzipSync(layer('file', 'four')));
  const changes = [
    'CMD ["a", "b"]',
    'ENV X=1 Y="two words"',
    'EXPOSE 80 53/udp',
    'LABEL a=b',
    'WORKDIR /w',
    'USER 1:2',
  ];
  const flags = changes.flatMap((change) => ['-c', change]);
  const id = await engine.dockerOk('import', '-m', 'by hand', ...flags, file, 'imported:1');
  const [{ Config, Comment, Size }] = JSON.parse(await engine.dockerOk('image', 'inspect', id)) as [
    { Config: object; Comment: string; Size: number },
  ];
  expect({ Config, Comment, Size }).toMatchObject({
    Config: {
      Cmd: ['a', 'b'],
      Env: ['X=1', 'Y=two words'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { a: 'b' },
      WorkingDir: '/w',
      User: '1:2',
    },
    Comment: 'by hand',
    Size: 4,
  });
  const refused = await engine.docker('import', '-c', 'FROM x', file);
  expect(refused.stderr).toContain('FROM is not a valid change command');
});

test('an image in use is removed by force only, and its containers outlive it', async () => {
  const busybox = await engine.dockerOk('images', '-q', 'busybox');
  const stopped = await engine.dockerOk('create', '--name', 'user', 'busybox', 'cat', '/etc/passwd');
  const byName = await engine.docker('rmi', 'busybox');
  expect(byName.stderr.trim()).toBe(
    `Error response from daemon: conflict: unable to remove repository reference "busybox" (must force) - container ${stopped.slice(0, 12)} is using its referenced image ${busybox}`,
  );
  const byId = await engine.docker('rmi', busybox);
  expect(byId.stderr).toContain(
    `conflict: unable to delete ${busybox} (must be forced) - image is being used by stopped container ${stopped.slice(0, 12)}`,
  );
  const running = await engine.dockerOk('run', '-d', 'busybox', 'sleep', '1000');
  expect((await engine.docker('rmi', '-f', busybox)).stderr).toContain(
    `conflict: unable to delete ${busybox} (cannot be forced) - image is being used by running container ${running.slice(0, 12)}`,
  );
  await engine.dockerOk('rm', '-f', running);
  await engine.dockerOk('tag', 'busybox', 'other/name:2');
  expect((await engine.docker('rmi', busybox)).stderr).toContain(
    `(must be forced) - image is referenced in multiple repositories`,
  );
  expect(await engine.dockerOk('rmi', 'other/name:2')).toBe('Untagged: other/name:2');
  await engine.dockerOk('rmi', '-f', busybox);
  expect(await engine.dockerOk('images', '-q', 'busybox')).toBe('');
  // Its layers are still there, after a restart too, as long as the container is.
  await engine.restart();
  expect(await engine.dockerOk('start', '-a', 'user')).toContain('root:x:0:0');
  const layers = readdirSync(path.join(engine.dataRoot, 'layers')).length;
  await engine.dockerOk('rm', 'user');
  await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'layers')).length).toBe(layers - 1);
});

test('images survive a crash; what it left half-made is removed, a damaged image is reported and left out', async () => {
  await load(dockerArchive({ layers: [layer('safe')], tags: ['safe:1'] }));
  await load(dockerArchive({ layers: [layer('hurt')], tags: ['hurt:1'] }));
  const hurt = await engine.dockerOk('images', '-q', '--no-trunc', 'hurt');
  await engine.kill9();
  mkdirSync(path.join(engine.dataRoot, 'tmp/images/layer-1/diff'), { recursive: true });
  mkdirSync(path.join(engine.dataRoot, 'trash/image-1/diff'), { recursive: true });
  writeFileSync(path.join(engine.dataRoot, 'blobs/sha256', hurt.slice('sha256:'.length)), 'damage');
  await engine.restart();
  expect(await engine.dockerOk('images', '--format', '{{.Repository}}')).toMatch(/safe/);
  expect(await engine.dockerOk('images', '-q', 'hurt')).toBe('');
  expect(engine.log()).toMatch(/image not usable.*missing or damaged/);
});

test('the same archive loaded several times at once gives one image', async () => {
  const archive = dockerArchive({
    layers: [layer('twin', 't'.repeat(1 << 20)), layer('top')],
    tags: ['twin:1'],
  });
  const results = await Promise.all(Array.from({ length: 4 }, () => load(archive)));
  expect(results.map(({ stdout }) => stdout)).toEqual(Array(4).fill('Loaded image: twin:1\n'));
  const layers = readdirSync(path.join(engine.dataRoot, 'layers')).length;
  await Promise.all([load(archive), engine.docker('rmi', 'twin:1'), load(archive)]);
  await engine.docker('rmi', 'twin:1');
  await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'layers')).length).toBe(layers - 2);
});

test('every change of an image is told as an event', async () => {
  const since = String(Date.now() / 1000);
  await load(dockerArchive({ layers: [layer('told')], tags: ['told:1'] }));
  await engine.dockerOk('tag', 'told:1', 'told:2');
  await engine.dockerOk('rmi', 'told:1', 'told:2');
  const events = await engine.dockerOk(
    'events',
    '--since',
    since,
    '--until',
    String(Date.now() / 1000),
    '--filter',
    'type=image',
    '--format',
    '{{.Action}}',
  );
  expect(events.split('\n')).toEqual(['load', 'tag', 'untag', 'untag', 'delete']);
});

test('the starter image does not come back after the user removed it', async () => {
  await engine.restart();
  expect(await engine.dockerOk('images', '-q', 'busybox')).toBe('');
});

test('wrong references and unknown images are answered with the status and words of Docker', async () => {
  const message = async (method: string, target: string) => {
    const { status, json } = await engine.api<{ message: string }>(method, target);
    return [status, json.message];
  };
  expect(await message('GET', '/images/nope/json')).toEqual([404, 'No such image: nope:latest']);
  expect(await message('DELETE', '/images/a:b:c')).toEqual([400, 'invalid reference format']);
  expect(await message('POST', '/images/first:1/tag?repo=Foo')).toEqual([
    400,
    'invalid reference format: repository name (library/Foo) must be lowercase',
  ]);
  expect(await message('GET', '/images/json?filters={"nope":["x"]}')).toEqual([400, "invalid filter 'nope'"]);
  expect(await message('POST', '/images/create?fromImage=scratch')).toEqual([
    403,
    "'scratch' is a reserved name",
  ]);
});

test('prune takes dangling images, and with -a every unused one', async () => {
  await load(dockerArchive({ layers: [layer('dangling')], tags: [] }));
  const dangling = await engine.dockerOk('images', '-q', '--filter', 'dangling=true');
  expect(dangling).not.toBe('');
  const pruned = await engine.dockerOk('image', 'prune', '-f');
  // With the layer of the image that was damaged above.
  expect(pruned).toContain(`Total reclaimed space: ${'dangling'.length + 'hurt'.length}B`);
  expect(await engine.dockerOk('images', '-q', 'first')).not.toBe('');
  await engine.dockerOk('image', 'prune', '-af');
  expect(await engine.dockerOk('images', '-aq')).toBe('');
  await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'layers'))).toEqual([]);
});

test('a client that hangs up in the middle of a load leaves nothing behind', async () => {
  const spooling = () => readdirSync(path.join(engine.dataRoot, 'tmp/images')).length;
  const client = request({ socketPath: engine.socketPath, method: 'POST', path: '/images/load' });
  const closed = new Promise((resolve) => client.on('error', resolve));
  client.write(
    dockerArchive({ layers: [layer('big', 'x'.repeat(1 << 20))], tags: ['big:1'] }).subarray(0, 1 << 19),
  );
  await expect.poll(spooling).toBe(1);
  client.destroy();
  await closed;
  await expect.poll(spooling).toBe(0);
  expect((await engine.api('GET', '/_ping')).status).toBe(200);
});

test('a full disk while loading is reported, cleaned up after and survived', async () => {
  const mountPoint = mkdtempSync(path.join(os.tmpdir(), 'gantry-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mountPoint]);
  const dataRoot = path.join(mountPoint, 'data');
  mkdirSync(dataRoot);
  const small = await startEngine({ dataRoot, starterImage: false });
  try {
    const loadSmall = (content: Buffer, compress: boolean) => {
      const archive = dockerArchive({ layers: [tar([{ name: 'f', content }])], tags: ['f:1'] });
      return small.dockerWithInput(compress ? gzipSync(archive) : archive, 'load');
    };
    // Once the spooled archive does not fit, once it does but its content does not.
    for (const megabytes of [16, 5]) {
      const { code, stderr } = await loadSmall(randomBytes(megabytes << 20), false);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/no space left on device/i)]);
      await expect.poll(() => leftovers(dataRoot)).toEqual([]);
      expect(readdirSync(path.join(dataRoot, 'layers'))).toEqual([]);
    }
    expect((await loadSmall(Buffer.from('fits'), true)).stdout).toBe('Loaded image: f:1\n');
  } finally {
    await small.stop();
    execFileSync('umount', [mountPoint]);
    rmSync(mountPoint, { recursive: true });
  }
});
