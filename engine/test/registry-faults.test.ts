import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fail, gate, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, startFakeRegistry } from './fake-registry.ts';
import type { FakeRegistry } from './fake-registry.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { sha256, tar } from './tar-fixture.ts';

let engine: TestEngine;
let registry: FakeRegistry;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

beforeEach(async () => {
  registry = await startFakeRegistry();
});
afterEach(async () => {
  await registry.close();
  // Nothing half-made is on the disk, whatever went wrong.
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

interface Line {
  status?: string;
  id?: string;
  error?: string;
  errorDetail?: { message: string };
  progressDetail?: { current?: number; total?: number };
  progress?: string;
  aux?: { Tag: string; Digest: string; Size: number };
}

/** Layers that no other test has, with content that does not shrink. */
const freshLayer = (bytes = 3000): Buffer =>
  tar([{ name: `f-${randomBytes(4).toString('hex')}`, content: randomBytes(bytes) }]);

function addTagged(name: string, layers: Buffer[], diffIds?: string[]) {
  const image = registry.addImage(name, { layers, ...(diffIds ? { diffIds } : {}) });
  const manifest = registry.manifests.get(`${name}:${image.digest}`);
  if (manifest) registry.manifests.set(`${name}:latest`, manifest);
  return image;
}

const auth = (config: object): Record<string, string> => ({
  'X-Registry-Auth': Buffer.from(JSON.stringify(config)).toString('base64url'),
});

/** Status and lines; an error that came before any line is told as one. */
async function pull(name: string, { tag = 'latest', headers = {}, more = '' } = {}) {
  const target = `/images/create?fromImage=${registry.host}/${name}&tag=${tag}${more}`;
  const { status, text } = await engine.api('POST', target, undefined, headers);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line & { message?: string });
  const failure = lines.map((line) => line.error ?? line.message).find((message) => message !== undefined);
  return { status, lines, failure };
}

async function push(name: string, headers: Record<string, string> = {}) {
  const { status, text } = await engine.api(
    'POST',
    `/images/${registry.host}/${name}/push?tag=latest`,
    undefined,
    headers,
  );
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { status, lines, failure: lines.map(({ error }) => error).find((message) => message !== undefined) };
}

const imageOf = (name: string) => engine.docker('image', 'inspect', `${registry.host}/${name}`);

/** Sends some of a blob and cuts the connection. */
async function cutAfter(response: ServerResponse, content: Buffer, bytes: number): Promise<true> {
  response.writeHead(200, { 'Content-Length': content.length });
  response.write(content.subarray(0, bytes), () => response.socket?.resetAndDestroy());
  return true;
}

const isBlob = ({ url, method }: IncomingMessage, digest = ''): boolean =>
  method === 'GET' && (url ?? '').includes(`/blobs/${digest || 'sha256:'}`);

test.each([
  ['goes on where it broke', true],
  ['is skipped over what it has, where the registry knows no ranges', false],
])('a connection that drops in a layer %s', async (_, ranges) => {
  registry.ranges = ranges;
  const { digest } = addTagged('a/drop', [freshLayer(400_000)]);
  const [layer] = layersOf('a/drop', digest);
  let drops = 0;
  registry.fault = (request, response) => {
    if (!isBlob(request, layer?.digest) || drops === 2) return false;
    drops += 1;
    const content = registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0);
    const from = ranges ? Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0) : 0;
    if (from > 0) {
      response.writeHead(206, { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` });
      response.write(content.subarray(from, from + 100_000), () => response.socket?.resetAndDestroy());
      return true;
    }
    return cutAfter(response, content, 150_000 * drops);
  };
  const { status, lines } = await pull('a/drop');
  expect([status, lines.at(-1)?.status]).toEqual([
    200,
    `Status: Downloaded newer image for ${registry.host}/a/drop:latest`,
  ]);
  const asked = registry.seen.filter(({ path: target }) => target.endsWith(layer?.digest ?? '-'));
  expect(asked.map(({ range }) => range !== undefined)).toEqual([false, true, true]);
});

function layersOf(name: string, digest: string): { digest: string; size: number }[] {
  const bytes = registry.manifests.get(`${name}:${digest}`)?.bytes ?? Buffer.from('{}');
  return (JSON.parse(bytes.toString()) as { layers: { digest: string; size: number }[] }).layers;
}

test('a layer comes with Docker’s progress, and what is there already is said to be', async () => {
  const shared = freshLayer(200_000);
  addTagged('a/progress', [shared]);
  const first = await pull('a/progress');
  const statuses = first.lines.map(({ status }) => status);
  expect(statuses[0]).toBe('Pulling from a/progress');
  expect(statuses.slice(-2)).toEqual([
    expect.stringMatching(/^Digest: sha256:[0-9a-f]{64}$/),
    `Status: Downloaded newer image for ${registry.host}/a/progress:latest`,
  ]);
  for (const status of ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete'])
    expect(statuses).toContain(status);
  const counted = first.lines.find(({ status }) => status === 'Downloading');
  expect(counted?.progress).toMatch(/^\[=*> *\] +[\d.]+k?B\/200\.\dkB$/);
  expect(counted?.id).toMatch(/^[0-9a-f]{12}$/);

  const again = await pull('a/progress');
  expect(again.lines.at(-1)?.status).toBe(
    `Status: Image is up to date for ${registry.host}/a/progress:latest`,
  );
  addTagged('a/other', [shared, freshLayer()]);
  const other = await pull('a/other');
  expect(other.lines.map(({ status }) => status)).toContain('Already exists');
});

test('server errors are tried again, and told as they are when they stay', async () => {
  addTagged('a/busy', [freshLayer()]);
  let failures = 2;
  registry.fault = ({ url }, response) => {
    if (!url?.includes('/manifests/') || failures === 0) return false;
    failures -= 1;
    response.writeHead(503).end();
    return true;
  };
  expect((await pull('a/busy')).failure).toBeUndefined();
  failures = 100;
  const { status, failure } = await pull('a/busy', { tag: 'other' });
  expect([status, failure]).toEqual([500, 'received unexpected HTTP status: 503 Service Unavailable']);
});

test('a rate limit is told in the registry’s words, and waited for only when it is short', async () => {
  addTagged('a/limited', [freshLayer()]);
  const limit = 'You have reached your pull rate limit.';
  let answers = 0;
  registry.fault = ({ url }, response) => {
    if (!url?.includes('/manifests/')) return false;
    answers += 1;
    fail(response, 429, 'TOOMANYREQUESTS', limit);
    return true;
  };
  expect((await pull('a/limited')).failure).toBe(`toomanyrequests: ${limit}`);
  expect(answers).toBe(1);
  registry.fault = ({ url }, response) => {
    if (!url?.includes('/manifests/') || answers === 2) return false;
    answers += 1;
    response.setHeader('Retry-After', '0');
    fail(response, 429, 'TOOMANYREQUESTS', limit);
    return true;
  };
  expect((await pull('a/limited')).failure).toBeUndefined();
});

test('what is not there is told in the words that clients know', async () => {
  const missing = await pull('a/none');
  expect([missing.status, missing.failure]).toEqual([
    404,
    `manifest for ${registry.host}/a/none:latest not found: manifest unknown: manifest unknown`,
  ]);
  registry.fault = ({ url }, response) => {
    if (!url?.includes('/manifests/')) return false;
    fail(response, 403, 'DENIED', 'requested access to the resource is denied');
    return true;
  };
  const denied = await pull('a/none');
  expect([denied.status, denied.failure]).toEqual([
    404,
    `pull access denied for ${registry.host}/a/none, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
  ]);
  const run = await engine.docker('run', '--rm', `${registry.host}/a/none`);
  expect(run.stderr).toContain(`Unable to find image '${registry.host}/a/none:latest' locally`);
  expect(run.code).toBe(125);
  await registry.close();
  const unreachable = await pull('a/none');
  expect(unreachable.failure).toBe(
    `Get "http://${registry.host}/v2/": dial tcp ${registry.host}: connect: connection refused`,
  );
  registry = await startFakeRegistry();
});

test.each<[string, () => void, RegExp]>([
  [
    'a layer of other bytes',
    () => {
      const { digest } = addTagged('bad/image', [freshLayer()]);
      const [layer] = layersOf('bad/image', digest);
      const content = Buffer.from(registry.blobs.get(layer?.digest ?? '') ?? []);
      content[content.length - 9]! ^= 0xff;
      registry.blobs.set(layer?.digest ?? '', content);
    },
    /damaged|invalid layer|expected sha256/,
  ],
  [
    'a layer that is not what the configuration says',
    () => addTagged('bad/image', [freshLayer()], [`sha256:${'0'.repeat(64)}`]),
    /the image says sha256:0{64}/,
  ],
  [
    'a layer that is longer than promised',
    () => {
      const { digest } = addTagged('bad/image', [freshLayer()]);
      const [layer] = layersOf('bad/image', digest);
      const content = registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0);
      registry.blobs.set(layer?.digest ?? '', Buffer.concat([content, randomBytes(100_000)]));
    },
    /is longer than \d+ bytes/,
  ],
  [
    'a layer that the registry has not',
    () => {
      const { digest } = addTagged('bad/image', [freshLayer()]);
      registry.blobs.delete(layersOf('bad/image', digest)[0]?.digest ?? '');
    },
    /^unknown blob$/,
  ],
  [
    'another number of layers than its configuration',
    () => addTagged('bad/image', [freshLayer()], []),
    /layers from manifest don't match image configuration/,
  ],
  [
    'a configuration without end',
    () => {
      const config = registry.addBlob(Buffer.alloc(9 * 1024 * 1024, ' '));
      addManifest({ config, layers: [] });
    },
    /error pulling image configuration: 9437184 bytes are more than/,
  ],
  [
    'a configuration that is larger than it says',
    () => {
      const config = registry.addBlob(Buffer.alloc(9 * 1024 * 1024, ' '));
      addManifest({ config: { ...config, size: 100 }, layers: [] });
    },
    /is larger than 8388608 bytes/,
  ],
  [
    'a manifest without end',
    () => addManifest({ padding: 'x'.repeat(5 * 1024 * 1024) }),
    /the manifest is larger than 4194304 bytes/,
  ],
  ['a manifest of nothing', () => addManifest(Buffer.from('[]')), /invalid manifest: not an object/],
  ['a manifest that is no JSON', () => addManifest(Buffer.from('{')), /invalid manifest: not JSON/],
  [
    'a manifest of a form of old',
    () => addManifest({ schemaVersion: 1, fsLayers: [] }),
    /schema 1 support has been removed/,
  ],
  [
    'a manifest that is an index, too',
    () => addManifest({ manifests: [], config: {}, layers: [] }),
    /an image with the fields of an index/,
  ],
  [
    'a manifest of a plugin',
    () => {
      const config = {
        ...registry.addBlob(Buffer.from('{}')),
        mediaType: 'application/vnd.docker.plugin.v1+json',
      };
      addManifest({ config, layers: [] });
    },
    /Encountered remote "application\/vnd.docker.plugin.v1\+json"\(plugin\) when fetching/,
  ],
  [
    'a digest that is a path',
    () => addManifest({ config: { digest: '../../../etc/passwd', size: 1 }, layers: [] }),
    /the digest of config is not sha256/,
  ],
  [
    'a negative size',
    () => addManifest({ config: { ...registry.addBlob(Buffer.from('{}')), size: -1 }, layers: [] }),
    /the size of config is no number of bytes/,
  ],
  [
    'more layers than any image has',
    () => {
      const blob = registry.addBlob(Buffer.from('x'), `${OCI_LAYER}+gzip`);
      addManifest({
        config: registry.addBlob(Buffer.from('{}')),
        layers: Array.from({ length: 2000 }, () => blob),
      });
    },
    /more than 1000 layers/,
  ],
  [
    'indexes in indexes without end',
    () => {
      let inner = registry.addImage('bad/image', { layers: [] });
      for (let depth = 0; depth < 8; depth += 1) inner = addIndex([{ ...inner, platform: HERE }]);
    },
    /indexes nested more than 4 deep/,
  ],
  [
    'an index of other platforms only',
    () => {
      const inner = registry.addImage('bad/image', { layers: [] });
      addIndex([{ ...inner, platform: { os: 'linux', architecture: 's390x' } }]);
    },
    /no matching manifest for linux\/amd64 in the manifest list entries/,
  ],
  [
    'an index whose entry has another digest',
    () => {
      const inner = registry.addImage('bad/image', { layers: [] });
      const claimed = `sha256:${'1'.repeat(64)}`;
      const manifest = registry.manifests.get(`bad/image:${inner.digest}`);
      if (manifest) registry.manifests.set(`bad/image:${claimed}`, manifest);
      addIndex([{ ...inner, digest: claimed, platform: HERE }]);
    },
    /manifest verification failed for digest sha256:1{64}/,
  ],
])('an image with %s is refused and leaves nothing', async (_, make, message) => {
  make();
  const { failure } = await pull('bad/image');
  expect(failure).toMatch(message);
  expect((await imageOf('bad/image')).code).toBe(1);
});

const HERE = { os: 'linux', architecture: 'amd64' };

function addManifest(fields: object): void {
  const value = Buffer.isBuffer(fields) ? fields : { schemaVersion: 2, mediaType: OCI_MANIFEST, ...fields };
  registry.addManifest('bad/image', 'latest', OCI_MANIFEST, value);
}

function addIndex(manifests: object[], name = 'bad/image') {
  return registry.addManifest(name, 'latest', OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests,
  });
}

test('of an index the image for the machine is taken, or the one that is asked for; attestations never', async () => {
  const image = (architecture: string, variant?: string) => ({
    ...registry.addImage('a/multi', {
      layers: [freshLayer()],
      architecture,
      ...(variant === undefined ? {} : { variant }),
    }),
    platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
  });
  const attestation = {
    ...registry.addImage('a/multi', { layers: [] }),
    platform: { os: 'unknown', architecture: 'unknown' },
  };
  const inner = addIndex([image('amd64')], 'a/multi');
  addIndex([attestation, image('arm', 'v6'), image('arm64', 'v8'), inner], 'a/multi');
  const { lines } = await pull('a/multi');
  const platform = async (): Promise<string> =>
    engine.dockerOk('image', 'inspect', '-f', '{{.Architecture}}{{.Variant}}', `${registry.host}/a/multi`);
  expect(await platform()).toBe('amd64');
  const digest = lines.find(({ status }) => status?.startsWith('Digest: '))?.status?.slice('Digest: '.length);
  expect(
    await engine.dockerOk('image', 'inspect', '-f', '{{.RepoDigests}}', `${registry.host}/a/multi`),
  ).toBe(`[${registry.host}/a/multi@${digest}]`);
  expect((await pull('a/multi', { more: '&platform=linux/arm64' })).failure).toBeUndefined();
  expect(await platform()).toBe('arm64v8');
  expect((await pull('a/multi', { more: '&platform=linux/arm/v7' })).failure).toBeUndefined();
  expect(await platform()).toBe('armv6');
  expect((await pull('a/multi', { more: '&platform=linux/riscv64' })).failure).toBe(
    'no matching manifest for linux/riscv64 in the manifest list entries',
  );
});

const USER = { username: 'tester', password: 'a very secret word' };

test('bearer tokens are asked for by scope and again when they end; no secret is ever told', async () => {
  registry.authentication = { kind: 'bearer', ...USER, uses: 2 };
  addTagged('a/private', [freshLayer(), freshLayer(), freshLayer()]);
  expect((await pull('a/private', { headers: auth(USER) })).failure).toBeUndefined();
  const asked = registry.seen.filter(({ path: target }) => target.startsWith('/token'));
  expect(asked.length).toBeGreaterThan(1);
  for (const { path: target } of asked) {
    expect(target).toBe('/token?service=fake&scope=repository%3Aa%2Fprivate%3Apull&account=tester');
  }
  const wrong = { ...USER, password: 'another secret word' };
  const refused = await pull('a/private', { headers: auth(wrong), tag: 'other' });
  expect(refused.failure).toBe(
    `Get "http://${registry.host}/v2/a/private/manifests/other": unauthorized: incorrect username or password`,
  );
  const anonymous = await pull('a/private', { tag: 'other' });
  expect(anonymous.failure).toContain('unauthorized: incorrect username or password');
  const events = await engine.dockerOk('events', '--since', '10m', '--until', '0s');
  for (const text of [engine.log(), events]) {
    for (const { password } of [USER, wrong]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(Buffer.from(`tester:${password}`).toString('base64'));
    }
    expect(text).not.toContain(auth(USER)['X-Registry-Auth']);
  }
});

test('a login answers with the refresh token, which then stands in for the password', async () => {
  registry.authentication = { kind: 'bearer', ...USER, refreshToken: 'r-1', uses: 100 };
  addTagged('a/private', [freshLayer()]);
  const login = await engine.api<{ Status: string; IdentityToken: string; message: string }>(
    'POST',
    '/auth',
    {
      ...USER,
      serveraddress: registry.host,
    },
  );
  expect([login.status, login.json]).toEqual([200, { Status: 'Login Succeeded', IdentityToken: 'r-1' }]);
  expect((await pull('a/private', { headers: auth({ identitytoken: 'r-1' }) })).failure).toBeUndefined();
  const posted = registry.seen.find(({ method }) => method === 'POST');
  expect(Object.fromEntries(new URLSearchParams(posted?.body))).toEqual({
    grant_type: 'refresh_token',
    refresh_token: 'r-1',
    service: 'fake',
    client_id: 'docker',
    scope: 'repository:a/private:pull',
  });
  const refused = await engine.api<{ message: string }>('POST', '/auth', {
    username: 'tester',
    password: 'nope',
    serveraddress: registry.host,
  });
  expect([refused.status, refused.json.message]).toEqual([
    401,
    `Get "http://${registry.host}/v2/": unauthorized: incorrect username or password`,
  ]);
});

test('without credentials a registry that wants some is not asked twice', async () => {
  registry.authentication = { kind: 'basic', ...USER };
  addTagged('a/private', [freshLayer()]);
  expect((await pull('a/private')).failure).toBe(
    `Get "http://${registry.host}/v2/a/private/manifests/latest": no basic auth credentials`,
  );
  await engine.dockerOk('tag', 'busybox', `${registry.host}/a/mine`);
  expect((await push('a/mine')).failure).toBe('no basic auth credentials');
  expect((await pull('a/private', { headers: auth(USER) })).failure).toBeUndefined();
});

test('a redirect to another host carries no credential', async () => {
  const storage = await startFakeRegistry();
  registry.authentication = { kind: 'basic', ...USER };
  const { digest } = addTagged('a/moved', [freshLayer()]);
  const [layer] = layersOf('a/moved', digest);
  storage.addBlob(registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0));
  registry.fault = (request, response) => {
    if (!isBlob(request, layer?.digest)) return false;
    response.writeHead(307, { Location: `http://${storage.host}${request.url}?signature=s3cret` }).end();
    return true;
  };
  expect((await pull('a/moved', { headers: auth(USER) })).failure).toBeUndefined();
  expect(storage.seen).toEqual([expect.objectContaining({ authorization: undefined })]);
  await storage.close();
  const gone = await pull('a/moved', { headers: auth(USER), tag: digest });
  expect(gone.failure).toBeUndefined();
});

test('two pulls of one image share the work', async () => {
  const { digest } = addTagged('a/shared', [freshLayer(300_000), freshLayer(200_000)]);
  const layers = layersOf('a/shared', digest);
  const bothAsked = gate();
  let asked = 0;
  registry.fault = async (request) => {
    if (!layers.some((layer) => isBlob(request, layer.digest))) return false;
    asked += 1;
    if (asked === 2) bothAsked.open();
    await held.passed;
    return false;
  };
  const held = gate();
  const first = pull('a/shared');
  await bothAsked.passed;
  const second = pull('a/shared');
  await expect
    .poll(() => registry.seen.filter(({ path: target }) => target.includes('/blobs/')).length)
    .toBe(4);
  held.open();
  for (const { failure, lines } of await Promise.all([first, second])) {
    expect(failure).toBeUndefined();
    expect(lines.filter(({ status }) => status === 'Pull complete')).toHaveLength(2);
  }
  expect(asked).toBe(2);
});

test('a client that hangs up ends its pull; what was whole by then is not fetched again', async () => {
  const { digest } = addTagged('a/cancel', [freshLayer(5000), freshLayer(300_000)]);
  const [small, large] = layersOf('a/cancel', digest);
  const closed = gate();
  registry.fault = (incoming, response) => {
    if (!isBlob(incoming, large?.digest)) return false;
    const content = registry.blobs.get(large?.digest ?? '') ?? Buffer.alloc(0);
    response.writeHead(200, { 'Content-Length': content.length }).write(content.subarray(0, 100_000));
    response.once('close', () => closed.open());
    return true;
  };
  const target = `/images/create?fromImage=${registry.host}/a/cancel&tag=latest`;
  const client = request({ socketPath: engine.socketPath, method: 'POST', path: target });
  client.on('error', () => undefined);
  const completed = gate();
  client.on('response', (response) => {
    let text = '';
    response
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('Pull complete')) completed.open();
      });
  });
  client.end();
  await completed.passed;
  client.destroy();
  await closed.passed;
  expect((await imageOf('a/cancel')).code).toBe(1);
  registry.fault = undefined;
  registry.seen.length = 0;
  const { lines } = await pull('a/cancel');
  expect(lines.filter(({ status }) => status === 'Already exists')).toHaveLength(1);
  expect(registry.seen.some(({ path: asked }) => asked.endsWith(small?.digest ?? '-'))).toBe(false);
  expect(registry.seen.some(({ path: asked }) => asked.endsWith(large?.digest ?? '-'))).toBe(true);
});

test('a registry that sends a few bytes at a time is waited for', async () => {
  const { digest } = addTagged('a/slow', [freshLayer(2000)]);
  const [layer] = layersOf('a/slow', digest);
  registry.fault = (incoming, response) => {
    if (!isBlob(incoming, layer?.digest)) return false;
    const content = registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0);
    const trickle = (from: number): void => {
      if (from >= content.length) response.end();
      else response.write(content.subarray(from, from + 50), () => setTimeout(trickle, 5, from + 50));
    };
    trickle(0);
    return true;
  };
  expect((await pull('a/slow')).failure).toBeUndefined();
});

test('an upload that is cut goes on where the registry has got to', async () => {
  await engine.dockerOk('tag', 'busybox', `${registry.host}/a/upload`);
  registry.cutUploadAt = 300_000;
  const { failure, lines } = await push('a/upload');
  expect(failure).toBeUndefined();
  expect(registry.cutUploadAt).toBe(Infinity);
  const { aux } = lines.find((line) => line.aux !== undefined) ?? {};
  const manifest = registry.manifests.get('a/upload:latest');
  expect(aux).toEqual({
    Tag: 'latest',
    Digest: `sha256:${sha256(manifest?.bytes ?? '')}`,
    Size: manifest?.bytes.length,
  });
  expect(lines.some(({ status }) => status === 'Pushed')).toBe(true);
  const statuses = registry.seen.filter(
    ({ method, path: target }) => method === 'GET' && target.includes('uploads'),
  );
  expect(statuses).toHaveLength(1);
});

test('a foreign layer is fetched from nowhere without TLS', async () => {
  const { digest } = addTagged('a/foreign', [freshLayer()]);
  const [layer] = layersOf('a/foreign', digest);
  const manifest = JSON.parse(registry.manifests.get(`a/foreign:${digest}`)?.bytes.toString() ?? '') as {
    layers: object[];
  };
  const content = registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0);
  manifest.layers = [
    {
      ...layer,
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      urls: [`http://${registry.host}/elsewhere`],
    },
  ];
  registry.addManifest('a/foreign', 'latest', OCI_MANIFEST, manifest);
  registry.blobs.delete(layer?.digest ?? '');
  expect((await pull('a/foreign')).failure).toBe('refused to fetch a foreign layer without TLS');
  registry.blobs.set(layer?.digest ?? '', content);
  expect((await pull('a/foreign')).failure).toBeUndefined();
});

test('layers come uncompressed, too, and zero layers make an image', async () => {
  const plain = registry.addImage('a/plain', {
    layers: [freshLayer()],
    compress: (layer) => layer,
    layerType: OCI_LAYER,
  });
  expect((await pull('a/plain', { tag: plain.digest })).failure).toBeUndefined();
  const empty = registry.addImage('a/empty', { layers: [] });
  expect((await pull('a/empty', { tag: empty.digest })).failure).toBeUndefined();
});

test('a root file system is imported from the web', async () => {
  const root = freshLayer(5000);
  registry.fault = ({ url }, response) => {
    if (url === '/root.tar.gz') response.end(gzipSync(root));
    return url === '/root.tar.gz';
  };
  const imported = await engine.dockerOk('import', `http://${registry.host}/root.tar.gz`, 'from-web:1');
  expect(imported).toMatch(/sha256:[0-9a-f]{64}$/);
  const layers = await engine.dockerOk('image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'from-web:1');
  expect(JSON.parse(layers)).toEqual([`sha256:${sha256(root)}`]);
  registry.fault = (_, response) => {
    response.writeHead(404).end();
    return true;
  };
  const missing = await engine.docker('import', `http://${registry.host}/root.tar.gz`);
  expect(missing.stderr).toContain(
    `failed to GET http://${registry.host}/root.tar.gz with status 404 Not Found`,
  );
});

test('a search asks the registry that the term begins with', async () => {
  const found = [
    { name: 'team/tools', description: 'Tools', is_official: false, is_automated: true, star_count: 7 },
    { name: 'tools', description: '', is_official: true, star_count: 90 },
  ];
  registry.fault = ({ url }, response) => {
    if (!url?.startsWith('/v1/search')) return false;
    response.end(JSON.stringify({ num_results: 2, results: found }));
    return true;
  };
  const search = (filters: object) =>
    engine.api<{ name: string; is_automated: boolean }[]>(
      'GET',
      `/images/search?term=${registry.host}/tools&limit=5&filters=${encodeURIComponent(JSON.stringify(filters))}`,
    );
  const all = (await search({})).json;
  expect(all.map(({ name, is_automated: automated }) => [name, automated])).toEqual([
    ['team/tools', false],
    ['tools', false],
  ]);
  expect(registry.seen.at(-1)?.path).toBe('/v1/search?q=tools&n=5');
  expect((await search({ stars: ['10'] })).json).toHaveLength(1);
  expect((await search({ 'is-official': ['false'] })).json).toHaveLength(1);
  expect((await search({ nope: ['1'] })).status).toBe(400);
  expect((await engine.api('GET', '/images/search?term=x&limit=101')).status).toBe(400);
});

test('what a reference names is told without a pull, with the registry’s own status where it names nothing', async () => {
  const image = addTagged('a/remote', [freshLayer()]);
  const inspect = (name: string) =>
    engine.api<{ Descriptor: object; Platforms: object[] }>(
      'GET',
      `/distribution/${registry.host}/${name}/json`,
    );
  expect((await inspect('a/remote:latest')).json).toEqual({
    Descriptor: image,
    Platforms: [{ architecture: 'amd64', os: 'linux' }],
  });
  expect(await inspect('a/nothing')).toMatchObject({
    status: 404,
    json: { message: 'manifest unknown: manifest unknown' },
  });
  registry.authentication = { kind: 'bearer', ...USER, uses: 5 };
  expect((await inspect('a/remote')).status).toBe(401);
});

test('an image of another platform than asked for is pulled with a warning when there is only that one', async () => {
  addTagged('a/single', [freshLayer()]);
  const { failure, lines } = await pull('a/single', { more: '&platform=linux/arm64' });
  expect(failure).toBeUndefined();
  expect(lines.map(({ status }) => status)).toContain(
    `WARNING: image with reference ${registry.host}/a/single:latest was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64`,
  );
});

test('a mirror of Docker Hub is asked first, without what is known for Docker Hub', async () => {
  registry.authentication = { kind: 'bearer', ...USER, uses: 5 };
  addTagged('library/tiny', [freshLayer()]);
  registry.fault = ({ url, headers }, response) => {
    // Anonymous users get a token, too.
    if (!url?.startsWith('/token')) return false;
    expect(headers.authorization).toBeUndefined();
    registry.authentication = { kind: 'none' };
    response.end('{"token":"anonymous"}');
    return true;
  };
  const mirrored = await startEngine({
    starterImage: false,
    flags: ['--registry-mirror', `http://${registry.host}`],
  });
  try {
    const target = '/images/create?fromImage=tiny&tag=latest';
    const { status, text } = await mirrored.api('POST', target, undefined, auth(USER));
    expect([status, text]).toEqual([200, expect.stringContaining('Downloaded newer image for tiny:latest')]);
    expect(await mirrored.dockerOk('images', '--format', '{{.Repository}}')).toBe('tiny');
    const secret = Buffer.from(`${USER.username}:${USER.password}`).toString('base64');
    expect(registry.seen.some(({ authorization }) => authorization?.includes(secret))).toBe(false);
  } finally {
    await mirrored.stop();
  }
});
