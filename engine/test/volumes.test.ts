import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const shell = (script: string, ...flags: string[]): Promise<string> =>
  engine.dockerOk('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);

test('what a container writes into a volume is there for the next one and after an engine crash', async () => {
  await shell('echo kept > /d/file; chown 1000:1000 /d/file; chmod 640 /d/file', '-v', 'data:/d');
  await engine.kill9();
  await engine.restart();
  expect(await shell('cat /d/file; stat -c "%u:%g %a" /d/file', '-v', 'data:/d')).toBe('kept\n1000:1000 640');
  const mountpoint = await engine.dockerOk('volume', 'inspect', 'data', '-f', '{{.Mountpoint}}');
  expect(readFileSync(path.join(mountpoint, 'file'), 'utf8')).toBe('kept\n');
});

test('a read-only volume cannot be written', async () => {
  const { code, stderr } = await engine.docker('run', '--rm', '-v', 'data:/d:ro', 'busybox', 'touch', '/d/x');
  expect(code).toBe(1);
  expect(stderr).toContain('Read-only file system');
});

test('what the image has at the mount point is copied into an empty volume, and only then', async () => {
  expect(await shell('ls /etc/passwd', '-v', 'seeded:/etc')).toBe('/etc/passwd');
  await shell('rm /e/passwd', '-v', 'seeded:/e');
  expect(await shell('ls /etc | grep -c passwd || true', '-v', 'seeded:/etc')).toBe('0');
  expect(
    await shell('ls /etc/passwd 2>&1 || true', '--mount', 'type=volume,src=bare,dst=/etc,volume-nocopy'),
  ).toContain('No such file');
});

test('a volume in use cannot be removed, and the answer names its containers', async () => {
  const id = await engine.dockerOk('create', '-v', 'held:/d', 'busybox');
  const refused = await engine.api('DELETE', '/volumes/held?force=1');
  expect([refused.status, refused.json]).toEqual([
    409,
    { message: `remove held: volume is in use - [${id}]` },
  ]);
  await engine.restart();
  expect((await engine.api('DELETE', '/volumes/held')).status).toBe(409);
  await engine.dockerOk('rm', id);
  expect((await engine.api('DELETE', '/volumes/held')).status).toBe(204);
});

test('wrong requests are answered with the status and words of Docker', async () => {
  const bad = await engine.api<{ message: string }>('POST', '/volumes/create', { Name: '../etc' });
  expect(bad.status).toBe(400);
  expect(bad.json.message).toContain('"../etc" includes invalid characters for a local volume name');
  expect((await engine.api('POST', '/volumes/create', { Name: 'x1', Driver: 'nope' })).status).toBe(404);
  const odd = await engine.api('POST', '/volumes/create', { Name: 'x1', DriverOpts: { colour: 'red' } });
  expect([odd.status, odd.json]).toEqual([400, { message: 'create x1: invalid option: "colour"' }]);
  expect((await engine.api('POST', '/volumes/create', { Name: {} })).status).toBe(400);
  const missing = await engine.api('GET', '/volumes/nope');
  expect([missing.status, missing.json]).toEqual([404, { message: 'get nope: no such volume' }]);
  const updated = await engine.api<{ message: string }>('PUT', '/volumes/nope?version=1', {});
  expect([updated.status, updated.json.message]).toEqual([
    503,
    'volume update only valid for cluster volumes, but swarm is unavailable',
  ]);
  const cluster = { Name: 'x1', ClusterVolumeSpec: {} };
  expect((await engine.api('POST', '/v1.42/volumes/create', cluster)).status).toBe(503);
  expect(existsSync(path.join(engine.dataRoot, 'volumes/x1'))).toBe(false);
});

test('volumes are listed by their filters', async () => {
  await engine.dockerOk('volume', 'create', '--label', 'team=a', 'labelled');
  const list = (filter: string) => engine.dockerOk('volume', 'ls', '-q', '-f', filter);
  expect(await list('label=team')).toBe('labelled');
  expect(await list('name=abel')).toBe('labelled');
  const id = await engine.dockerOk('create', '-v', 'labelled:/d', 'busybox');
  expect(await list('dangling=false')).toBe('labelled');
  await engine.dockerOk('rm', id);
  expect((await list('dangling=true')).split('\n')).toContain('labelled');
  expect((await engine.docker('volume', 'ls', '-f', 'nope=1')).stderr).toContain("invalid filter 'nope'");
});

test('an anonymous volume goes with its container when asked, and is what prune takes by default', async () => {
  await engine.dockerOk('run', '--rm', '-v', '/d', 'busybox', 'true');
  const list = () => engine.dockerOk('volume', 'ls', '-q', '-f', 'label=com.docker.volume.anonymous');
  expect(await list()).toBe('');
  const id = await engine.dockerOk('create', '-v', '/d', 'busybox');
  const anonymous = await list();
  expect(anonymous).toMatch(/^[0-9a-f]{64}$/);
  // Not by the CLI: before API 1.42, which Debian's CLI speaks, prune takes named volumes too.
  const prune = async (filters: object = {}) =>
    (await engine.api('POST', `/v1.50/volumes/prune?filters=${JSON.stringify(filters)}`)).text;
  expect(await prune()).not.toContain(anonymous);
  await engine.dockerOk('rm', id);
  expect(await prune()).toContain(anonymous);
  expect(await engine.dockerOk('volume', 'ls', '-q')).toContain('labelled');
  expect(await prune({ all: ['true'], label: ['team'] })).toContain('labelled');
});

test('sizes and references of volumes are in system df', async () => {
  await shell('head -c 5000 /dev/zero > /d/f', '-v', 'sized:/d');
  const id = await engine.dockerOk('create', '-v', 'sized:/d', 'busybox');
  const { json } = await engine.api<{ Volumes: { Name: string; UsageData: object }[] }>(
    'GET',
    '/system/df?type=volume',
  );
  expect(json.Volumes.find(({ Name }) => Name === 'sized')?.UsageData).toEqual({ Size: 5000, RefCount: 1 });
  await engine.dockerOk('rm', id);
});

test('bind mounts and tmpfs work beside volumes', async () => {
  const script = 'cat /b/api && echo new > /t/file && cat /t/file && mount | grep -c " /t type tmpfs"';
  const source = path.join(engine.directory, 'source');
  await shell('echo bound > /b/api', '-v', `${source}:/b`);
  expect(await shell(script, '-v', `${source}:/b:ro`, '--tmpfs', '/t:size=1m')).toBe('bound\nnew\n1');
  const missing = await engine.docker(
    'run',
    '--rm',
    '--mount',
    'type=bind,src=/nope/x,dst=/b',
    'busybox',
    'true',
  );
  expect(missing.stderr).toContain('bind source path does not exist: /nope/x');
});

test('a run tells of the volumes that it mounts and leaves', async () => {
  await engine.dockerOk('volume', 'create', 'told');
  await engine.dockerOk('run', '--name', 'teller', '-v', 'told:/d:ro', 'busybox', 'true');
  await engine.dockerOk('rm', 'teller');
  await engine.dockerOk('volume', 'rm', 'told');
  const filters = encodeURIComponent('{"volume":["told"]}');
  const { text } = await engine.api('GET', `/events?since=0&until=${Date.now() / 1000}&filters=${filters}`);
  const events = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: object } });
  expect(events.map(({ Action }) => Action)).toEqual(['create', 'mount', 'unmount', 'destroy']);
  expect(events[1]?.Actor.Attributes).toMatchObject({
    driver: 'local',
    destination: '/d',
    propagation: '',
    'read/write': 'false',
  });
});

test('a volume whose directory somebody has deleted goes by force', async () => {
  await engine.dockerOk('volume', 'create', 'hollow');
  rmSync(path.join(engine.dataRoot, 'volumes', 'hollow'), { recursive: true });
  expect((await engine.docker('volume', 'rm', 'hollow')).code).not.toBe(0);
  await engine.dockerOk('volume', 'rm', '-f', 'hollow');
  expect(await engine.dockerOk('volume', 'ls', '-q')).not.toContain('hollow');
});

test('an image is copied into a volume with owners, modes, times, links and attributes', async () => {
  const tree = path.join(engine.directory, 'tree');
  const seed = path.join(tree, 'seed');
  mkdirSync(seed, { recursive: true });
  writeFileSync(path.join(seed, 'file'), 'content');
  linkSync(path.join(seed, 'file'), path.join(seed, 'hard'));
  symlinkSync('../file', path.join(seed, 'soft'));
  execFileSync('setfattr', ['-n', 'user.colour', '-v', 'red', path.join(seed, 'file')]);
  chownSync(path.join(seed, 'file'), 7, 8);
  chmodSync(path.join(seed, 'file'), 0o4751);
  utimesSync(path.join(seed, 'file'), 1_000_000, 1_000_000);
  mkdirSync(path.join(seed, 'empty'));
  chmodSync(path.join(seed, 'empty'), 0o1770);
  execFileSync('chown', ['9:10', seed]);
  chmodSync(seed, 0o2750);
  const archive = path.join(engine.directory, 'tree.tar');
  execFileSync('tar', ['--xattrs', '--format=posix', '-C', tree, '-cf', archive, '.']);
  await engine.dockerOk('import', '-c', 'VOLUME /seed', '-c', 'CMD ["/none"]', archive, 'attributes');
  const id = await engine.dockerOk('create', '-v', 'attributes:/seed', 'attributes');
  const data = await engine.dockerOk('volume', 'inspect', 'attributes', '-f', '{{.Mountpoint}}');
  const look = (directory: string): string =>
    execFileSync('find', ['.', '-printf', '%P %U:%G %m %n %T@ %l\n'], { cwd: directory, encoding: 'utf8' })
      .split('\n')
      .sort()
      .join('\n');
  expect(look(data)).toBe(look(seed));
  const attributes = execFileSync('getfattr', ['--only-values', '-n', 'user.colour', 'file'], { cwd: data });
  expect(attributes.toString()).toBe('red');
  await engine.dockerOk('rm', id);
});

test('a volume of the configuration cannot be where the image has a file', async () => {
  const refused = await engine.docker('create', '-v', '/etc/passwd', 'busybox');
  expect(refused.stderr).toContain('cannot mount volume over existing file, file exists /etc/passwd');
  expect(await engine.dockerOk('volume', 'ls', '-q', '-f', 'label=com.docker.volume.anonymous')).toBe('');
});

test('volumes are taken over from another container, and an anonymous one ends with its last user', async () => {
  const tmpfs = 'type=tmpfs,dst=/t';
  const origin = await engine.dockerOk(
    'create',
    '-v',
    '/anon',
    '-v',
    'named:/n',
    '--mount',
    tmpfs,
    'busybox',
  );
  const taker = await engine.dockerOk('create', '--volumes-from', `${origin}:ro`, 'busybox');
  const views = JSON.parse(await engine.dockerOk('inspect', '-f', '{{json .Mounts}}', taker)) as {
    Type: string;
    Destination: string;
    RW: boolean;
  }[];
  expect(views.map(({ Type, Destination, RW }) => `${Type} ${Destination} ${RW}`).sort()).toEqual([
    'tmpfs /t false',
    'volume /anon false',
    'volume /n false',
  ]);
  const left = () => engine.dockerOk('volume', 'ls', '-q', '-f', 'label=com.docker.volume.anonymous');
  await engine.dockerOk('rm', '-v', origin);
  expect(await left()).not.toBe('');
  await engine.dockerOk('rm', '-v', taker);
  expect(await left()).toBe('');
  expect(await engine.dockerOk('volume', 'ls', '-q', '-f', 'name=^na.ed$')).toBe('named');
});

test('a volume is made once; another driver of that name is not there', async () => {
  const create = (body: object) => engine.api<{ message: string }>('POST', '/volumes/create', body);
  await create({ Name: 'once', Labels: { a: '1' } });
  const again = await create({
    Name: 'once',
    Labels: { b: '2' },
    DriverOpts: { type: 'tmpfs', device: 'x' },
  });
  expect([again.status, again.json]).toMatchObject([201, { Labels: { a: '1' }, Options: null }]);
  const other = await create({ Name: 'once', Driver: 'other' });
  expect([other.status, other.json.message]).toEqual([
    404,
    'create once: error looking up volume plugin other: plugin "other" not found',
  ]);
  const filters = encodeURIComponent('{"volume":["once"]}');
  const { text } = await engine.api('GET', `/events?since=0&until=${Date.now() / 1000}&filters=${filters}`);
  expect(text.match(/"Action":"create"/g)).toHaveLength(1);
});

test('a bind that shows the data root takes part in what is mounted there', async () => {
  const id = await engine.dockerOk('create', '-v', `${engine.dataRoot}:/d`, 'busybox');
  expect(await engine.dockerOk('inspect', '-f', '{{(index .Mounts 0).Propagation}}', id)).toBe('rslave');
  await engine.dockerOk('rm', id);
  const refused = await engine.docker('create', '-v', '/:/d:rprivate', 'busybox');
  expect(refused.stderr).toContain('must use either propagation mode "rslave" or "rshared"');
});
