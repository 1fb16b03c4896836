import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { dockerArchive, readTar, sha256, tar } from './tar-fixture.ts';

let engine: TestEngine;
let other: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  other = await startEngine({ starterImage: false });
});
afterAll(async () => {
  await engine.stop();
  await other.stop();
});

const layer = (name: string): Buffer => tar([{ name, content: name }]);
const imageId = async (on: TestEngine, name: string): Promise<string> =>
  on.dockerOk('image', 'inspect', '--format', '{{.Id}}', name);
const save = async (names: string[]): Promise<Buffer> => {
  const query = names.map((name) => `names=${encodeURIComponent(name)}`).join('&');
  const reply = await engine.api('GET', `/images/get?${query}`);
  expect(reply.status).toBe(200);
  return reply.bytes;
};

test('what save writes is loaded with the same IDs and names, shared layers are in it once', async () => {
  const base = layer('base');
  const images = [
    { layers: [base, layer('one')], tags: ['save/one:1', 'save/one:2'] },
    { layers: [base, layer('two'), base], tags: ['save/two:latest'] },
  ];
  await engine.dockerWithInput(gzipSync(dockerArchive(...images)), 'load');
  const archive = await save(['save/one', 'save/two']);
  const files = readTar(archive);
  expect([...files.keys()].filter((name) => name === `blobs/sha256/${sha256(base)}`)).toHaveLength(1);
  expect(files.get(`blobs/sha256/${sha256(base)}`)).toEqual(base);
  expect(Object.keys(JSON.parse(String(files.get('repositories'))) as object)).toEqual([
    'save/one',
    'save/two',
  ]);
  const loaded = await other.dockerWithInput(archive, 'load');
  expect(loaded.stdout).toBe(
    'Loaded image: save/one:1\nLoaded image: save/one:2\nLoaded image: save/two:latest\n',
  );
  for (const name of ['save/one:1', 'save/one:2', 'save/two'])
    expect(await imageId(other, name)).toBe(await imageId(engine, name));
});

test('the OCI layout in a saved archive is whole: index, manifest, configuration and layers by digest', async () => {
  await engine.dockerWithInput(dockerArchive({ layers: [layer('oci')], tags: ['save/oci:v1'] }), 'load');
  const files = readTar(await save(['save/oci:v1']));
  files.delete('manifest.json');
  const index = JSON.parse(String(files.get('index.json'))) as {
    manifests: { digest: string; size: number; annotations: object }[];
  };
  expect(index.manifests[0]?.annotations).toEqual({
    'io.containerd.image.name': 'docker.io/save/oci:v1',
    'org.opencontainers.image.ref.name': 'v1',
  });
  for (const [name, content] of files) {
    if (name.startsWith('blobs/sha256/') && content.length > 0)
      expect(name).toBe(`blobs/sha256/${sha256(content)}`);
  }
  const oci = tar(
    [...files].filter(([name]) => !name.endsWith('/')).map(([name, content]) => ({ name, content })),
  );
  expect((await other.dockerWithInput(oci, 'load')).stdout).toBe('Loaded image: save/oci:v1\n');
  expect(await imageId(other, 'save/oci:v1')).toBe(await imageId(engine, 'save/oci:v1'));
});

test('an image can be saved by ID, and what is not there is refused before anything is sent', async () => {
  const id = await imageId(engine, 'busybox');
  const files = readTar(await save([id.slice(7, 19)]));
  expect(JSON.parse(String(files.get('manifest.json')))).toMatchObject([{ RepoTags: null }]);
  for (const [name, message] of [
    ['nothing:here', 'reference does not exist'],
    ['nothing', 'No such image: nothing:latest'],
  ]) {
    const refused = await engine.api<{ message: string }>('GET', `/images/${name}/get`);
    expect([refused.status, refused.json.message]).toEqual([404, message]);
  }
});

test('commit keeps what a container changed, its configuration and the history', async () => {
  const name = 'commit-source';
  await engine.dockerOk('run', '--name', 'before', 'busybox', 'sh', '-c', 'mkdir /old && touch /old/gone');
  const base = (await engine.dockerOk('commit', 'before')).slice('sha256:'.length);
  const script =
    'mkdir -p /made/deep && echo data >/made/deep/file && ln /made/deep/file /made/link && ' +
    'rm /bin/vi && rm -r /old && mkdir /old && touch /old/new && chmod 4755 /made/deep/file';
  await engine.dockerOk('run', '--name', name, '-e', 'A=1', '-l', 'x=y', base, 'sh', '-c', script);
  const id = await engine.dockerOk(
    'commit',
    '-a',
    'An Author',
    '-m',
    'a comment',
    '-c',
    'CMD ["cat","/made/link"]',
    '-c',
    'ENV B=2',
    name,
    'made:1',
  );
  const events = await engine.dockerOk(
    'events',
    '--since=1h',
    `--until=${(Date.now() / 1000).toFixed(3)}`,
    '--filter=type=image',
    '--format={{.Actor.ID}} {{.Action}} {{.Actor.Attributes.name}}',
  );
  expect(events.split('\n').slice(-2)).toEqual([`${id} create ${id}`, `${id} tag made:1`]);
  const [image] = JSON.parse(await engine.dockerOk('image', 'inspect', 'made:1')) as [
    Record<string, unknown>,
  ];
  expect(image).toMatchObject({
    Id: id,
    Author: 'An Author',
    Comment: 'a comment',
    Parent: `sha256:${base}`,
    Config: { Cmd: ['cat', '/made/link'], Labels: { x: 'y' } },
  });
  expect((image['Config'] as { Env: string[] }).Env).toEqual(expect.arrayContaining(['A=1', 'B=2']));
  const history = await engine.dockerOk(
    'history',
    '--no-trunc',
    '--format',
    '{{.CreatedBy}}|{{.Comment}}',
    'made:1',
  );
  expect(history.split('\n')[0]).toBe(`sh -c ${script}|a comment`);
  expect(await engine.dockerOk('run', '--rm', 'made:1')).toBe('data');
  const seen = await engine.dockerOk(
    'run',
    '--rm',
    'made:1',
    'sh',
    '-c',
    'ls /old; ls /bin/vi 2>&1; stat -c "%a %h" /made/link',
  );
  expect(seen.split('\n')).toEqual(['new', 'ls: /bin/vi: No such file or directory', '4755 2']);
  const files = readTar(await save(['made:1']));
  await other.dockerWithInput(await save(['made:1']), 'load');
  expect(await imageId(other, 'made:1')).toBe(id);
  expect(files.size).toBeGreaterThan(5);
});

test('a container that ends while it is committed is an image all the same', async () => {
  for (let round = 0; round < 8; round += 1) {
    const container = await engine.dockerOk('create', 'busybox', 'touch', '/made');
    await engine.api('POST', `/containers/${container}/start`);
    const { status, json } = await engine.api<{ Id: string }>('POST', `/commit?container=${container}`);
    expect(status).toBe(201);
    await engine.dockerOk('rm', '-f', container);
    await engine.dockerOk('rmi', json.Id);
  }
});

test('a load that takes a name from another image says so; images made here have IDs in the history', async () => {
  await engine.dockerOk('tag', 'busybox', 'renamed:1');
  const archive = (await engine.api('GET', '/images/renamed:1/get')).bytes;
  const container = await engine.dockerOk('create', 'busybox');
  const made = await engine.dockerOk('commit', container, 'renamed:1');
  const history = await engine.dockerOk('history', '-q', '--no-trunc', 'renamed:1');
  const base = await engine.dockerOk('image', 'inspect', '-f', '{{.Id}}', 'busybox');
  expect(history.split('\n').slice(0, 2)).toEqual([made, base]);
  const { stdout } = await engine.dockerWithInput(archive, 'load');
  expect(stdout).toBe(
    `The image renamed:1 already exists, renaming the old one with ID ${made} to empty string\nLoaded image: renamed:1\n`,
  );
  await engine.dockerOk('rm', container);
  await engine.dockerOk('rmi', 'renamed:1', made);
  expect((await engine.api<{ message: string }>('DELETE', '/images/%20')).json.message).toBe(
    'image name cannot be blank',
  );
});

test('a running container is paused while it is committed, and goes on', async () => {
  await engine.dockerOk('run', '-d', '--name', 'running-commit', 'busybox', 'top');
  const since = Date.now() / 1000;
  const { Id: id } = (await engine.api<{ Id: string }>('POST', '/commit?container=running-commit')).json;
  const events = await engine.api('GET', `/events?since=${since}&until=${Date.now() / 1000}`);
  const actions = events.text
    .split('\n')
    .filter((line) => line.includes('running-commit'))
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
  expect(actions).toEqual(['pause', 'commit', 'unpause']);
  expect(await engine.dockerOk('inspect', '--format', '{{.State.Status}}', 'running-commit')).toBe('running');
  // Nothing was changed: the image has the layers of its base.
  const layers = '{{len .RootFS.Layers}}';
  expect(await engine.dockerOk('image', 'inspect', '--format', layers, id)).toBe(
    await engine.dockerOk('image', 'inspect', '--format', layers, 'busybox'),
  );
});

test.each([
  ['container=nobody', {}, 404, 'No such container: nobody'],
  ['container=busy&changes=RUN%20x', {}, 400, 'RUN is not a valid change command'],
  ['container=busy', { Env: 'no list' }, 400, 'invalid JSON: Env must be a list of strings'],
  ['', {}, 400, 'container parameter is required'],
])('commit refuses %s', async (query, body, status, message) => {
  const refused = await engine.api<{ message: string }>('POST', `/commit?${query}`, body);
  expect([refused.status, refused.json.message]).toEqual([status, message]);
});

test('an image that others were made of stays until the last of them goes, and goes with it', async () => {
  const changed = async (name: string, image: string, tag: string): Promise<string> => {
    await engine.dockerOk('run', '--name', name, image, 'touch', `/${name}`);
    const id = await engine.dockerOk('commit', name, tag);
    await engine.dockerOk('rm', name);
    return id;
  };
  const parent = await changed('parent', 'busybox', 'family:parent');
  const child = await changed('child', 'family:parent', 'family:child');
  const refused = await engine.docker('rmi', '-f', parent.slice(7));
  expect(refused.stderr).toContain(
    `conflict: unable to delete ${parent.slice(7, 19)} (cannot be forced) - image has dependent child images`,
  );
  expect(await engine.dockerOk('rmi', 'family:parent')).toBe('Untagged: family:parent');
  expect(await engine.dockerOk('images', '-q', '--no-trunc')).not.toContain(parent);
  expect(await engine.dockerOk('images', '-a', '-q', '--no-trunc')).toContain(parent);
  const removed = await engine.dockerOk('rmi', 'family:child');
  expect(removed).toContain(`Deleted: ${child}`);
  expect(removed).toContain(`Deleted: ${parent}`);
});

test('another platform than the image has is not found, from the API version on that knows platforms', async () => {
  const asked = encodeURIComponent(JSON.stringify({ os: 'linux', architecture: 'riscv64' }));
  const refused = await engine.api<{ message: string }>(
    'GET',
    `/v1.49/images/busybox/json?platform=${asked}`,
  );
  expect([refused.status, refused.json.message]).toEqual([
    404,
    'image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/riscv64)',
  ]);
  expect((await engine.api('GET', `/v1.40/images/busybox/json?platform=${asked}`)).status).toBe(200);
  expect((await engine.api('GET', '/v1.49/images/busybox/history?platform=x')).status).toBe(400);
});
