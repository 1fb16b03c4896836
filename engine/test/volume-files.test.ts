import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request, type ClientRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { mountLoop } from './loop-filesystem.ts';
import { readTar, tar, type TarEntry } from './tar-fixture.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const base = (volume: string): string => `/gantry/v1/volumes/${volume}`;
const place = (volume: string, ...names: string[]): string =>
  path.join(engine.dataRoot, 'volumes', volume, '_data', ...names);
const shell = (volume: string, script: string): Promise<string> =>
  engine.dockerOk('run', '--rm', '-v', `${volume}:/v`, '-w', '/v', 'busybox', 'sh', '-c', script);
const query = (values: Record<string, string | number>): string =>
  new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)])).toString();
const write = (target: string, file: string, content: string, size = Buffer.byteLength(content)) =>
  engine.api<{ message: string }>('PUT', `${target}/files/content?${query({ path: file, size })}`, content);
const list = async (target: string, directory: string) =>
  (await engine.api<{ name: string }[]>('GET', `${target}/files?${query({ path: directory })}`)).json
    .map(({ name }) => name)
    .sort();
/** What no volume shows: half-made ones. */
const hidden = (): string[] =>
  readdirSync(path.join(engine.dataRoot, 'volumes')).filter((name) => name.startsWith('.'));

describe('the files of a volume', () => {
  beforeEach(async () => {
    await engine.dockerOk('volume', 'create', 'browsed');
    await shell('browsed', 'mkdir -p sub; echo old > conf; chmod 750 conf; chown 33:44 conf; chown 7:8 sub');
  });

  test('are listed, read and told of as those of a container', async () => {
    expect(await list(base('browsed'), '/')).toEqual(expect.arrayContaining(['conf', 'sub']));
    const archive = await engine.api('GET', `${base('browsed')}/archive?path=/conf`);
    expect(readTar(archive.bytes).get('conf')?.toString()).toBe('old\n');
    expect((await engine.api('HEAD', `${base('browsed')}/archive?path=/conf`)).status).toBe(200);
    const missing = await engine.api<{ message: string }>('GET', `${base('browsed')}/archive?path=/nope`);
    expect([missing.status, missing.json.message]).toEqual([
      404,
      'Could not find the file /nope in volume browsed',
    ]);
    expect((await engine.api('GET', `${base('absent')}/files?path=/`)).status).toBe(404);
  });

  test('are written in one step with their owner and mode kept, new ones belong to the owner of the folder', async () => {
    expect((await write(base('browsed'), '/conf', 'new')).status).toBe(204);
    expect((await write(base('browsed'), '/sub/fresh', 'x')).status).toBe(204);
    expect(await shell('browsed', 'cat conf; stat -c " %u:%g %a" conf sub/fresh')).toBe(
      'new 33:44 750\n 7:8 644',
    );
  });

  test('are not touched by a body that is cut off or longer than told', async () => {
    expect((await write(base('browsed'), '/conf', 'longer', 3)).status).toBe(400);
    expect((await write(base('browsed'), '/conf', 'short', 100)).status).toBe(400);
    expect((await engine.api('PUT', `${base('browsed')}/files/content?path=/conf`, 'x')).status).toBe(400);
    await new Promise<void>((resolve) => {
      const target = `${base('browsed')}/files/content?${query({ path: '/conf', size: 10 })}`;
      const client = request({ socketPath: engine.socketPath, method: 'PUT', path: target });
      client.on('error', () => resolve()).on('close', () => resolve());
      client.write('half', () => client.destroy());
    });
    await expect.poll(() => readdirSync(place('browsed')).sort()).toEqual(['conf', 'sub']);
    expect(readFileSync(place('browsed', 'conf'), 'utf8')).toBe('old\n');
  });

  test('are made, renamed and removed, and nothing is ever replaced', async () => {
    const target = base('browsed');
    const call = (method: string, what: string, values: Record<string, string>) =>
      engine.api(method, `${target}/files${what}?${query(values)}`).then(({ status }) => status);
    expect(await call('POST', '/directory', { path: '/sub/made' })).toBe(201);
    expect(await call('POST', '/directory', { path: '/sub/made' })).toBe(409);
    expect(statSync(place('browsed', 'sub/made')).uid).toBe(7);
    expect(await call('POST', '/rename', { path: '/conf', to: '/sub/made/conf' })).toBe(204);
    await write(target, '/conf', 'again');
    expect(await call('POST', '/rename', { path: '/conf', to: '/sub/made/conf' })).toBe(409);
    expect(await call('POST', '/rename', { path: '/sub', to: '/sub/made/in' })).toBe(409);
    expect(await call('DELETE', '', { path: '/sub' })).toBe(204);
    expect(await call('DELETE', '', { path: '/sub' })).toBe(404);
    expect(await call('DELETE', '', { path: '/' })).toBe(409);
    expect(await list(target, '/')).toEqual(['conf']);
  });

  test('end at its root, whatever links in it say', async () => {
    const outside = path.join(engine.directory, 'outside');
    writeFileSync(outside, 'the host’s');
    symlinkSync(engine.directory, place('browsed', 'up'));
    symlinkSync(outside, place('browsed', 'leaf'));
    symlinkSync('../../../../../..', place('browsed', 'climb'));
    expect((await write(base('browsed'), '/up/outside', 'x')).status).toBe(404);
    expect((await write(base('browsed'), '/leaf', 'x')).status).toBe(409);
    expect((await write(base('browsed'), '/climb/made', 'x')).status).toBe(204);
    expect(readFileSync(place('browsed', 'made'), 'utf8')).toBe('x');
    const removed = await engine.api('DELETE', `${base('browsed')}/files?path=/up/outside`);
    expect(removed.status).toBe(404);
    expect((await engine.api('DELETE', `${base('browsed')}/files?path=/up`)).status).toBe(204);
    expect(readFileSync(outside, 'utf8')).toBe('the host’s');
    for (const name of ['climb', 'leaf', 'made']) {
      await engine.api('DELETE', `${base('browsed')}/files?path=/${name}`);
    }
  });
});

test('files of a container are edited while it runs and while it is stopped, its mounts included', async () => {
  await engine.dockerOk('run', '-d', '--name', 'edited', '-v', 'edited:/v', 'busybox', 'sleep', '1000');
  const target = '/gantry/v1/containers/edited';
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await engine.dockerOk('stop', '-t', '0', 'edited');
    expect((await write(target, '/etc/passwd', `${state}\n`)).status).toBe(204);
    expect((await write(target, `/v/${state}`, state)).status).toBe(204);
    // A mount of its own cannot be replaced, only filled.
    expect((await write(target, '/etc/hosts', `127.0.0.1 ${state}\n`)).status).toBe(204);
    expect((await engine.api('DELETE', `${target}/files?path=/v`)).status).toBe(409);
    expect(await engine.dockerOk('cp', 'edited:/etc/hosts', '-')).toContain(`127.0.0.1 ${state}`);
  }
  expect(readdirSync(place('edited')).sort()).toEqual(['running', 'stopped']);
  expect(await engine.dockerOk('cp', 'edited:/etc/passwd', '-')).toContain('stopped\n');
  await engine.dockerOk('rm', 'edited');
});

const restore = (volume: string, body: Buffer) =>
  engine.api<{ message: string; safetyCopy: string }>('POST', `${base(volume)}/restore`, body, {
    'Content-Type': 'application/x-tar',
  });

describe('a volume as a whole', () => {
  test('goes into an archive and comes back with owners, links, times and its own mode', async () => {
    await shell(
      'whole',
      'mkdir -p a/b dev; echo x > a/b/f; ln a/b/f hard; ln -s f soft; mkfifo p; echo d > dev/kept;' +
        'chown 5:6 a/b/f; touch -d "2001-02-03 04:05:06" a; chmod 2770 .; chown 9:9 .',
    );
    const look = 'stat -c "%n %u:%g %a %Y %h" . a a/b/f hard soft p dev/kept; readlink soft';
    const before = await shell('whole', look);
    const backup = await engine.api('GET', `${base('whole')}/backup`);
    expect(backup.status).toBe(200);
    expect(execFileSync('zstd', ['-dc'], { input: backup.bytes }).subarray(257, 262).toString()).toBe(
      'ustar',
    );
    await engine.dockerOk('volume', 'create', 'back');
    expect((await restore('back', backup.bytes)).status).toBe(200);
    expect(await shell('back', look)).toBe(before);
  });

  test('is restored beside a safety copy that keeps what it held', async () => {
    await engine.dockerOk('volume', 'create', '--label', 'team=a', 'restored');
    await shell('restored', 'echo precious > old');
    const { json } = await restore('restored', gzipSync(tar([{ name: 'new', content: 'n' }])));
    expect(json.safetyCopy).toMatch(/^restored-before-restore-\d{8}T\d{6}Z-[0-9a-f]{4}$/);
    expect(await shell('restored', 'ls')).toBe('new');
    expect(await shell(json.safetyCopy, 'cat old')).toBe('precious');
    const labels = await engine.dockerOk('volume', 'inspect', '-f', '{{json .Labels}}', json.safetyCopy);
    expect(JSON.parse(labels)).toEqual({ team: 'a', 'com.gantry.volume.before-restore': 'restored' });
    expect((await engine.api('DELETE', `/volumes/${json.safetyCopy}`)).status).toBe(204);
  });

  test('is not restored under a running container, and the refusal names it', async () => {
    await engine.dockerOk('run', '-d', '--name', 'busy', '-v', 'held:/v', 'busybox', 'sleep', '1000');
    const refused = await restore('held', tar([{ name: 'x' }]));
    expect([refused.status, refused.json.message]).toEqual([
      409,
      'cannot restore volume held: container busy is using it, stop it first',
    ]);
    await engine.dockerOk('stop', '-t', '0', 'busy');
    expect((await restore('held', tar([{ name: 'x' }]))).status).toBe(200);
    await engine.dockerOk('start', 'busy');
    expect(await engine.dockerOk('exec', 'busy', 'ls', '/v')).toBe('x');
    await engine.dockerOk('rm', '-f', 'busy');
  });

  const whole = tar([
    { name: 'f', content: 'x'.repeat(3000) },
    { name: 'g', content: 'y' },
  ]);
  const climbing: TarEntry[] = [
    { name: 'out', type: 'symlink', link: '/tmp' },
    { name: '../../escaped', content: 'x' },
  ];
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['no entries', tar([])],
    ['no archive', Buffer.from('hello'.repeat(1000))],
    ['a cut file', whole.subarray(0, 1024)],
    ['no end', whole.subarray(0, whole.length - 1024)],
    ['a cut gzip stream', gzipSync(whole).subarray(0, -20)],
    ['a name above its root', tar(climbing)],
    ['a hard link out of it', tar([{ name: 'h', type: 'hard-link', link: '../../../version' }])],
  ])('stays as it is when the archive holds %s', async (_, archive) => {
    await shell('untouched', 'echo here > f');
    const { status, json } = await restore('untouched', archive);
    expect([status, json.message]).toEqual([
      400,
      expect.stringContaining('cannot restore volume untouched: ') as string,
    ]);
    expect(await shell('untouched', 'cat f; ls')).toBe('here\nf');
    expect(hidden()).toEqual([]);
    expect(await engine.dockerOk('volume', 'ls', '-q', '-f', 'name=untouched-before')).toBe('');
  });

  test('stays as it is when the archive is a bomb', async () => {
    const bounded = await startEngine({ flags: ['--max-layer-ratio', '50'] });
    try {
      await bounded.dockerOk('volume', 'create', 'bombed');
      const bomb = gzipSync(tar([{ name: 'zeros', content: Buffer.alloc(20 << 20) }]));
      const { status, json } = await bounded.api<{ message: string }>(
        'POST',
        '/gantry/v1/volumes/bombed/restore',
        bomb,
      );
      expect([status, json.message]).toEqual([400, expect.stringContaining('more than 50 times') as string]);
      expect(readdirSync(path.join(bounded.dataRoot, 'volumes/bombed/_data'))).toEqual([]);
    } finally {
      await bounded.stop();
    }
  });

  test('takes what links of the archive lead to inside of it only', async () => {
    const entries: TarEntry[] = [
      { name: 'link', type: 'symlink', link: '../../../..' },
      { name: 'link/planted', content: 'x' },
    ];
    await engine.dockerOk('volume', 'create', 'linked');
    await restore('linked', tar(entries));
    expect(readdirSync(engine.dataRoot)).not.toContain('planted');
    expect(readdirSync(path.dirname(engine.dataRoot))).not.toContain('planted');
  });

  test('is cloned with its labels, and never over another one', async () => {
    await engine.dockerOk('volume', 'create', '--label', 'a=b', 'original');
    await shell('original', 'mkdir d; echo one > d/f; ln d/f g; chown 3:4 . d/f; chmod 700 .');
    const cloned = await engine.api('POST', `${base('original')}/clone?to=copy`);
    expect([cloned.status, cloned.json]).toEqual([201, { name: 'copy' }]);
    await shell('original', 'echo two > d/f');
    expect(await shell('copy', 'cat g; stat -c "%u:%g %a" . ; stat -c "%u:%g %h" d/f')).toBe(
      'one\n3:4 700\n3:4 2',
    );
    expect(await engine.dockerOk('volume', 'inspect', '-f', '{{.Labels.a}}', 'copy')).toBe('b');
    expect((await engine.api('POST', `${base('original')}/clone?to=copy`)).status).toBe(409);
    expect((await engine.api('POST', `${base('original')}/clone?to=../x`)).status).toBe(400);
    expect((await engine.api('POST', `${base('original')}/clone`)).status).toBe(400);
    expect((await engine.api('POST', `${base('absent')}/clone?to=y1`)).status).toBe(404);
  });
});

test('a client that hangs up in the middle of a backup or restore holds nothing up', async () => {
  await engine.dockerOk('volume', 'create', 'left');
  // More than fits into the pipes and sockets on the way, and nothing that compresses.
  writeFileSync(place('left', 'file'), randomBytes(16 << 20));
  const hangUp = (method: string, what: string, begun: (client: ClientRequest) => void) =>
    new Promise<void>((resolve) => {
      const target = `${base('left')}/${what}`;
      const client = request({ socketPath: engine.socketPath, method, path: target });
      client.on('error', () => resolve()).on('close', () => resolve());
      begun(client);
    });
  await hangUp('GET', 'backup', (client) => {
    client.on('response', (response) => response.once('data', () => client.destroy())).end();
  });
  await hangUp('POST', 'restore', (client) => {
    const archive = tar([{ name: 'half', content: 'x'.repeat(1 << 20) }]);
    client.write(archive.subarray(0, 1 << 19), () => client.destroy());
  });
  await expect.poll(hidden).toEqual([]);
  expect(readdirSync(place('left'))).toEqual(['file']);
  await expect.poll(async () => (await engine.api('DELETE', '/volumes/left')).status).toBe(204);
  expect(engine.log()).not.toContain('request failed');
});

test('a full disk fails a clone, a restore and a write with 507, and keeps nothing of them', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-full-'));
  const disk = mountLoop(directory);
  const small = await startEngine({ dataRoot: path.join(disk.mountpoint, 'data') });
  const filled = '/gantry/v1/volumes/filled';
  const file = (megabytes: number): Buffer =>
    tar([{ name: 'file', content: Buffer.alloc(megabytes << 20, 1) }]);
  try {
    await small.dockerOk('volume', 'create', 'filled');
    expect((await small.api('POST', `${filled}/restore`, file(55))).status).toBe(200);
    expect((await small.api('POST', `${filled}/clone?to=clone`)).status).toBe(507);
    expect((await small.api('POST', `${filled}/restore`, file(60))).status).toBe(507);
    const large = Buffer.alloc(60 << 20, 1);
    const target = `${filled}/files/content?${query({ path: '/new', size: large.length })}`;
    expect((await small.api('PUT', target, large)).status).toBe(507);
    const names = readdirSync(path.join(small.dataRoot, 'volumes'));
    expect(names.filter((name) => !name.startsWith('filled-before-restore-'))).toEqual(['filled']);
    expect(readdirSync(path.join(small.dataRoot, 'volumes/filled/_data'))).toEqual(['file']);
  } finally {
    await small.stop();
    disk.unmount();
    rmSync(directory, { recursive: true });
  }
});

/** By hand: GANTRY_CRASH_ROUNDS=100 */
const ROUNDS = Number(process.env['GANTRY_CRASH_ROUNDS'] ?? 6);

test('SIGKILL in the middle of restores and clones leaves old or new content, whole', async () => {
  const archive = (mark: string): Buffer =>
    tar(Array.from({ length: 300 }, (_, index) => ({ name: `f${index}`, content: mark.repeat(2000) })));
  const marks = (volume: string): string[] => {
    const files = readdirSync(place(volume));
    expect(files).toHaveLength(300);
    return [...new Set(files.map((file) => readFileSync(place(volume, file), 'utf8')[0] ?? ''))];
  };
  await engine.dockerOk('volume', 'create', 'crashing');
  await restore('crashing', archive('0'));
  for (let round = 1; round <= ROUNDS; round += 1) {
    const mark = String.fromCharCode(48 + (round % 10));
    // Every error is allowed: the engine dies in the middle.
    const calls = [
      restore('crashing', archive(mark)).catch(() => undefined),
      engine.api('POST', `${base('crashing')}/clone?to=clone-${round}`).catch(() => undefined),
    ];
    // Not a synchronisation: the moment is meant to be random.
    await delay(randomInt(5, 200));
    await engine.kill9();
    await Promise.all(calls);
    await engine.restart();
    expect(hidden()).toEqual([]);
    const names = (await engine.dockerOk('volume', 'ls', '-q')).split('\n');
    const kept = names.filter((name) => /^(crashing|clone-)/.test(name));
    for (const name of kept) {
      if (readdirSync(place(name)).length > 0) expect(marks(name)).toHaveLength(1);
    }
    expect(marks('crashing')).toHaveLength(1);
  }
});
