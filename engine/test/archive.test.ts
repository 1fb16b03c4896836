import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { request, type ClientRequest } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { tar, type TarEntry } from './tar-fixture.ts';

let engine: TestEngine;
let work: string;
beforeAll(async () => {
  engine = await startEngine();
  work = path.join(engine.directory, 'work');
  mkdirSync(path.join(work, 'host'), { recursive: true });
});
afterAll(() => engine.stop());

const SETUP = `mkdir -p /data/sub /target; echo one > /data/one; ln /data/one /data/sub/linked; ln -s /data/one /link
  ln -s / /evil; ln -s ../../../../../../../.. /climb; echo volume > /volume/file; chown 1000:1000 /data/one; chmod 640 /data/one`;

async function create(name: string, ...flags: string[]): Promise<void> {
  const mounts = ['-v', `${name}:/volume`, '-v', `${path.join(work, 'host')}:/readonly:ro`];
  const command = ['busybox', 'sh', '-c', `${SETUP}; echo ready; exec sleep 1000`];
  await engine.dockerOk('run', '-d', '--name', name, ...mounts, ...flags, ...command);
  const log = engine.dockerStart('logs', '-f', name);
  await log.waitFor(/ready/);
  log.kill();
}

const put = (container: string, directory: string, entries: TarEntry[] | Buffer, query = '') =>
  engine.api<{ message: string }>(
    'PUT',
    `/containers/${container}/archive?path=${encodeURIComponent(directory)}${query}`,
    Buffer.isBuffer(entries) ? entries : tar(entries),
    { 'Content-Type': 'application/x-tar' },
  );
const get = (container: string, file: string) =>
  engine.api('GET', `/containers/${container}/archive?path=${encodeURIComponent(file)}`);
/** `tar -tv` without owner and date. */
const listTar = (archive: Buffer): string[] =>
  execFileSync('tar', ['-tPf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');

describe.each(['running', 'stopped'])('a %s container', (state) => {
  const name = `cp-${state}`;
  const path1 = (...parts: string[]) => path.join(work, state, ...parts);
  beforeAll(async () => {
    mkdirSync(path1(), { recursive: true });
    await create(name);
    if (state === 'stopped') await engine.dockerOk('stop', '-t', '0', name);
  });

  const see = async (script: string): Promise<string> => {
    if (state === 'running') return engine.dockerOk('exec', name, 'sh', '-c', script);
    await engine.dockerOk('start', name);
    const output = await engine.dockerOk('exec', name, 'sh', '-c', script);
    await engine.dockerOk('stop', '-t', '0', name);
    return output;
  };

  test('gives files, directories, links and the content of volumes', async () => {
    await engine.dockerOk('cp', `${name}:/data`, path1('data'));
    expect(readFileSync(path1('data/sub/linked'), 'utf8')).toBe('one\n');
    expect(lstatSync(path1('data/one')).mode & 0o777).toBe(0o640);
    expect(lstatSync(path1('data/sub')).mode & 0o777).toBe(0o755);
    await engine.dockerOk('cp', `${name}:/link`, path1());
    expect(readlinkSync(path1('link'))).toBe('/data/one');
    await engine.dockerOk('cp', '-L', `${name}:/link`, path1('followed'));
    expect(readFileSync(path1('followed'), 'utf8')).toBe('one\n');
    await engine.dockerOk('cp', `${name}:/volume/file`, path1('volume'));
    expect(readFileSync(path1('volume'), 'utf8')).toBe('volume\n');
  });

  test('names the entries of an archive as Docker does', async () => {
    expect(listTar((await get(name, '/data')).bytes)).toEqual([
      'data/',
      'data/one',
      'data/sub/',
      'data/sub/linked',
    ]);
    expect(listTar((await get(name, '/data/.')).bytes)).toEqual(['./', './one', './sub/', './sub/linked']);
    expect(listTar((await get(name, 'data/one')).bytes)).toEqual(['one']);
    expect(listTar((await get(name, '/')).bytes)).toContain('/data/one');
  });

  test('describes a path in the header of HEAD and GET', async () => {
    const reply = await engine.api('HEAD', `/containers/${name}/archive?path=/link`);
    const header = String(reply.headers['x-docker-container-path-stat']);
    expect(JSON.parse(Buffer.from(header, 'base64').toString())).toMatchObject({
      name: 'link',
      size: 9,
      mode: (1 << 27) + 0o777,
      mtime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string,
      linkTarget: '/data/one',
    });
  });

  test('takes files and directories, into volumes too', async () => {
    mkdirSync(path1('in/deep'), { recursive: true });
    writeFileSync(path1('in/deep/file'), state);
    await engine.dockerOk('cp', path1('in'), `${name}:/target`);
    await engine.dockerOk('cp', path1('in/deep/file'), `${name}:/volume/put`);
    await engine.dockerWithInput(
      gzipSync(tar([{ name: 'packed', content: 'p', uid: 7, gid: 8, mode: 0o4755 }])),
      'cp',
      '-',
      `${name}:/target`,
    );
    expect(await see('cat /target/in/deep/file /volume/put; stat -c " %a %u:%g" /target/packed')).toBe(
      `${state}${state} 4755 7:8`,
    );
  });

  test('contains symlinks: what goes through them stays inside', async () => {
    for (const link of ['evil', 'climb']) {
      writeFileSync(path1('escape'), link);
      await engine.dockerOk('cp', path1('escape'), `${name}:/${link}/gantry-escape`);
      expect(existsSync('/gantry-escape')).toBe(false);
      expect(await see('cat /gantry-escape; rm /gantry-escape')).toBe(link);
    }
    // An absolute link means the container's root, not the host's.
    const passwd = await get(name, '/evil/etc/passwd');
    expect(passwd.text).toContain('root:x:0:0');
    expect(passwd.text).not.toBe(readFileSync('/etc/passwd', 'utf8'));
  });

  test.each<[string, TarEntry[]]>([
    ['a climbing name', [{ name: '../../../../../../../../gantry-escape', content: 'x' }]],
    [
      'a hard link out of the directory',
      [{ name: 'h', type: 'hard-link', link: '../../../../../../etc/passwd' }],
    ],
  ])('refuses an archive with %s', async (_, entries) => {
    const reply = await put(name, '/target', entries);
    expect([reply.status, reply.json.message]).toEqual([400, expect.stringContaining('leaves the archive')]);
    expect(existsSync('/gantry-escape')).toBe(false);
  });

  test('writes through a link of the archive only inside the container', async () => {
    const reply = await put(name, '/target', [
      { name: 'out', type: 'symlink', link: '/volume' },
      { name: 'out/through', content: 'inside' },
    ]);
    expect(reply.status).toBe(200);
    expect(await see('cat /volume/through')).toBe('inside');
  });

  test('keeps read-only mounts unwritten', async () => {
    const reply = await put(name, '/readonly', [{ name: 'x', content: 'x' }]);
    expect([reply.status, reply.json.message]).toEqual([403, 'mounted volume is marked read-only']);
    expect(existsSync(path.join(work, 'host/x'))).toBe(false);
  });

  test('refuses what does not fit, with the status and words of Docker', async () => {
    const missing = await get(name, '/nope');
    expect([missing.status, missing.json]).toEqual([
      404,
      { message: `Could not find the file /nope in container ${name}` },
    ]);
    expect((await engine.api('HEAD', `/containers/${name}/archive?path=/nope`)).status).toBe(404);
    expect((await put(name, '/nope', [])).status).toBe(404);
    const file = await put(name, '/data/one', []);
    expect([file.status, file.json.message]).toEqual([400, 'extraction point is not a directory']);
    expect((await put(name, '', [])).status).toBe(400);
    const over = await put(name, '/', [{ name: 'data', content: 'x' }], '&noOverwriteDirNonDir=1');
    expect([over.status, over.json.message]).toEqual([
      400,
      'cannot overwrite directory "data" with non-directory',
    ]);
    const cut = await put(
      name,
      '/target',
      tar([{ name: 'cut', content: 'x'.repeat(2000) }]).subarray(0, 1024),
    );
    expect([cut.status, cut.json.message]).toEqual([400, expect.stringContaining('unexpected EOF')]);
  });

  test('shows no files of the kernel', async () => {
    expect((await get(name, '/proc/version')).status).toBe(404);
    expect(listTar((await get(name, '/proc')).bytes)).toEqual(['proc/']);
  });

  test('lists a directory for the app', async () => {
    const { json } = await engine.api<{ name: string }[]>(
      'GET',
      `/gantry/v1/containers/${name}/files?path=/data`,
    );
    expect(json.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'one', type: 'file', sizeBytes: 4, mode: 0o640, modifiedAt: expect.any(Number) as number },
      expect.objectContaining({ name: 'sub', type: 'directory' }),
    ]);
  });

  test('is exported whole, without its volumes', async () => {
    const names = listTar((await engine.api('GET', `/containers/${name}/export`)).bytes);
    expect(names).toContain('data/one');
    expect(names).toContain('volume/');
    expect(names).not.toContain('volume/file');
  });
});

test('a client that hangs up in the middle of a copy holds nothing up', async () => {
  await engine.dockerOk('create', '--name', 'left', 'busybox', 'true');
  const path = '/containers/left/archive?path=/bin';
  const hangUp = (method: string, begun: (client: ClientRequest, end: () => void) => void) =>
    new Promise<void>((resolve) => {
      const client = request({ socketPath: engine.socketPath, method, path });
      client.on('error', () => resolve()).on('close', () => resolve());
      begun(client, () => client.destroy());
    });
  await hangUp('GET', (client, end) => client.on('response', (response) => response.once('data', end)).end());
  await hangUp('PUT', (client, end) => {
    client.write(tar([{ name: 'half', content: 'x'.repeat(1 << 20) }]).subarray(0, 1 << 19), end);
  });
  // A copy keeps a stopped container from starting: this would wait for ever.
  await engine.dockerOk('start', '-a', 'left');
  expect(engine.log()).not.toContain('request failed');
});

test('diff tells what was added, changed and deleted', async () => {
  const script =
    'rm /etc/group; echo x >> /etc/passwd; mkdir -p /new/dir; rm -r /var/log; ln -s / /root/link';
  await engine.dockerOk('run', '--name', 'differs', 'busybox', 'sh', '-c', script);
  const lines = (await engine.dockerOk('diff', 'differs')).split('\n');
  const etc = ['C /etc', 'D /etc/group', 'C /etc/passwd'];
  expect(lines).toEqual([...etc, 'A /new', 'A /new/dir', 'C /root', 'A /root/link', 'C /var', 'D /var/log']);
  await engine.dockerOk('create', '--name', 'untouched', 'busybox');
  expect((await engine.api('GET', '/containers/untouched/changes')).json).toEqual([]);
});

test('a read-only root file system takes nothing, its volumes do', async () => {
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'sealed',
    '--read-only',
    '-v',
    'sealed:/volume',
    'busybox',
    'sleep',
    '1000',
  );
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await engine.dockerOk('stop', '-t', '0', 'sealed');
    const refused = await put('sealed', '/etc', [{ name: state, content: 'x' }]);
    expect([refused.status, refused.json.message]).toEqual([403, 'container rootfs is marked read-only']);
    expect((await put('sealed', '/volume', [{ name: state, content: 'x' }])).status).toBe(200);
  }
  expect(await engine.dockerOk('run', '--rm', '-v', 'sealed:/v', 'busybox', 'ls', '/v')).toBe(
    'running\nstopped',
  );
});

test("cp -a gives files to the container's user", async () => {
  await engine.dockerOk('run', '-d', '--name', 'owned', '-u', 'www-data', 'busybox', 'sleep', '1000');
  expect(
    (await put('owned', '/tmp', [{ name: 'f', content: 'x', uid: 5, gid: 6 }], '&copyUIDGID=1')).status,
  ).toBe(200);
  expect(await engine.dockerOk('exec', 'owned', 'stat', '-c', '%u:%g', '/tmp/f')).toBe('33:33');
});

test('a file is no directory, whatever is behind its name', async () => {
  await engine.dockerOk('create', '--name', 'plain', 'busybox');
  for (const suffix of ['/', '/.']) {
    const { status, json } = await engine.api<{ message: string }>(
      'GET',
      `/containers/plain/archive?path=/etc/passwd${suffix}`,
    );
    expect([status, json.message]).toEqual([500, 'lstat /etc/passwd/: not a directory']);
  }
});

test('a stopped container shows the /etc files of its last run, and each access is an event', async () => {
  await engine.dockerOk('run', '--name', 'ended', '--hostname', 'me', 'busybox', 'true');
  const since = Date.now() / 1000;
  expect(await engine.dockerOk('cp', 'ended:/etc/hostname', '-')).toContain('me\n');
  await put('ended', '/tmp', [{ name: 'file', content: 'x' }]);
  await engine.api('GET', '/containers/ended/export');
  const { text } = await engine.api('GET', `/events?since=${since}&until=${Date.now() / 1000}`);
  const actions = text.split('\n').filter(Boolean);
  expect(actions.map((line) => (JSON.parse(line) as { Action: string }).Action)).toEqual([
    'archive-path',
    'extract-to-dir',
    'export',
  ]);
});

test('directories that the archive does not mention are made, by absolute names too', async () => {
  await engine.dockerOk('create', '--name', 'sparse', 'busybox', 'cat', '/tmp/a/b/c', '/new/d');
  expect((await put('sparse', '/', [{ name: '/tmp/a/b/c', content: 'deep ' }])).status).toBe(200);
  expect((await put('sparse', '/', [{ name: 'new/d', content: 'new' }])).status).toBe(200);
  expect(await engine.dockerOk('start', '-a', 'sparse')).toBe('deep new');
  expect((await put('sparse', '/tmp', [{ name: 'x/y', content: '' }])).status).toBe(200);
});
