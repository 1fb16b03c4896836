import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WrittenFiles } from '../wire/files.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const written = async (container: string): Promise<WrittenFiles> =>
  (await engine.api<WrittenFiles>('GET', `/gantry/v1/containers/${container}/written`)).json;
const move = (container: string, directory: string, volume: string) =>
  engine.api<{ message: string }>('POST', `/gantry/v1/containers/${container}/move-to-volume`, {
    path: directory,
    volume,
  });
const upperOf = (id: string, ...names: string[]): string =>
  path.join(engine.dataRoot, 'containers', id, 'upper', ...names);

test('what a container wrote outside of its volumes is told by directory, while it runs and afterwards', async () => {
  const script =
    'mkdir -p /srv/db/shop; head -c 5000 /dev/zero > /srv/db/shop/t; ln /srv/db/shop/t /srv/db/same;' +
    'echo more >> /etc/passwd; rm /etc/group; head -c 9000 /dev/zero > /v/f; ln -s / /srv/db/shop/root; sleep 1000';
  await engine.dockerOk('run', '-d', '--name', 'writer', '-v', 'apart:/v', 'busybox', 'sh', '-c', script);
  await expect.poll(async () => (await written('writer')).directories.length).toBe(2);
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await engine.dockerOk('stop', '-t', '0', 'writer');
    const { bytes, directories, truncated } = await written('writer');
    expect(directories[0]).toEqual({
      path: '/srv/db',
      addedFiles: 3,
      addedBytes: 5000,
      changedFiles: 0,
      changedBytes: 0,
      deletedFiles: 0,
    });
    expect(directories[1]).toMatchObject({ path: '/etc', addedFiles: 0, changedFiles: 1, deletedFiles: 1 });
    expect([bytes, truncated]).toEqual([5000 + (directories[1]?.changedBytes ?? 0), false]);
  }
  expect((await engine.api('GET', '/gantry/v1/containers/nobody/written')).status).toBe(404);
  await engine.dockerOk('rm', 'writer');
});

test('a container that wrote nothing has nothing to lose', async () => {
  await engine.dockerOk('run', '--name', 'idle', 'busybox', 'true');
  expect(await written('idle')).toEqual({ bytes: 0, files: 0, directories: [], truncated: false });
});

test('a directory becomes a volume of the same container, with what the image has there and what was written', async () => {
  const script = 'echo own > /etc/mine; echo other > /root/kept; chown 5:6 /etc/mine; sleep 1000';
  const flags = ['-d', '--name', 'mover', '--stop-signal', 'KILL', '--rm', '-e', 'A=b', '--restart', 'no'];
  const id = await engine.dockerOk(
    'run',
    ...flags,
    'busybox',
    'sh',
    '-c',
    `[ -e /root/kept ] || { ${script}; }; sleep 1000`,
  );
  await expect
    .poll(() => engine.docker('exec', id, 'cat', '/root/kept').then(({ stdout }) => stdout))
    .toBe('other\n');
  const before = (await engine.dockerOk('exec', id, 'ls', '/etc')).split('\n');

  expect((await move('mover', '/etc', 'etc')).status).toBe(204);

  const exec = (...command: string[]) => engine.dockerOk('exec', id, ...command);
  expect(await exec('stat', '-c', '%u:%g', '/etc/mine')).toBe('5:6');
  expect((await exec('ls', '/etc')).split('\n')).toEqual(before);
  expect(await exec('sh', '-c', 'cat /root/kept; mount | grep -c " /etc "; echo $A')).toBe('other\n1\nb');
  await exec('touch', '/etc/later');
  const { json } = await engine.api<{ Mounts: object[]; HostConfig: { Mounts: object[] } }>(
    'GET',
    `/containers/${id}/json`,
  );
  expect(json.Mounts).toEqual([
    expect.objectContaining({ Type: 'volume', Name: 'etc', Destination: '/etc', RW: true }),
  ]);
  expect(json.HostConfig.Mounts).toEqual([{ Type: 'volume', Source: 'etc', Target: '/etc' }]);
  // What the volume has is no longer in the layer.
  expect(readdirSync(upperOf(id))).not.toContain('etc');
  expect((await written('mover')).directories.map((directory) => directory.path)).toEqual(['/root']);

  await engine.restart();
  expect((await engine.api('DELETE', '/volumes/etc')).status).toBe(409);
  await engine.dockerOk('rm', '-f', id);
  const listed = await engine.dockerOk('run', '--rm', '-v', 'etc:/s', 'busybox', 'ls', '/s');
  expect(listed.split('\n')).toEqual([...before, 'later'].sort());
});

test('what cannot become a volume is refused before anything is stopped', async () => {
  const script =
    'mkdir /real; echo x > /real/f; ln -s /real /link; ln -s ../../../../tmp /up; touch /file; sleep 1000';
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'stays',
    '--stop-signal',
    'KILL',
    '-v',
    'stays:/v',
    'busybox',
    'sh',
    '-c',
    script,
  );
  await expect.poll(() => engine.docker('exec', 'stays', 'ls', '/file').then(({ code }) => code)).toBe(0);
  await engine.dockerOk('volume', 'create', 'taken');
  const refusals: [string, string, number][] = [
    ['/', 'new', 400],
    ['/proc', 'new', 400],
    ['relative', 'new', 400],
    ['/file', 'new', 400],
    ['/real', '', 400],
    ['/real', '../x', 400],
    ['/missing', 'new', 404],
    ['/v/x', 'new', 404],
    ['/v', 'new', 409],
    ['/real', 'taken', 409],
  ];
  const { stdout: pid } = await engine.docker('inspect', '-f', '{{.State.Pid}}', 'stays');
  for (const [directory, volume, status] of refusals) {
    expect([directory, (await move('stays', directory, volume)).status]).toEqual([directory, status]);
  }
  expect((await engine.docker('inspect', '-f', '{{.State.Pid}}', 'stays')).stdout).toBe(pid);
  expect(await engine.dockerOk('volume', 'ls', '-q', '-f', 'name=new')).toBe('');

  await engine.dockerOk('pause', 'stays');
  expect((await move('stays', '/real', 'new')).status).toBe(409);
  await engine.dockerOk('unpause', 'stays');
  // SECURITY, docker cp class: a link of the container's is followed inside of it, and named by its end.
  expect((await move('stays', '/link', 'linked')).status).toBe(204);
  const mounts = '{{range .Mounts}}{{.Destination}} {{end}}';
  expect(await engine.dockerOk('inspect', '-f', mounts, 'stays')).toBe('/v /real');
  await engine.dockerOk('rm', '-f', 'stays');
});

/** By hand: GANTRY_CRASH_ROUNDS=100 */
const ROUNDS = Number(process.env['GANTRY_CRASH_ROUNDS'] ?? 4);

test('SIGKILL in the middle of a move leaves the container with its data, moved or not', async () => {
  const script = 'mkdir /d; for i in $(seq 400); do echo $i > /d/$i; done';
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = `crash-${round}`;
    await engine.dockerOk('run', '--name', name, 'busybox', 'sh', '-c', script);
    const moved = move(name, '/d', `volume-${round}`).catch(() => undefined);
    // Not a synchronisation: the moment is meant to be random.
    await delay(randomInt(1, 120));
    await engine.kill9();
    await moved;
    await engine.restart();
    const names = readdirSync(path.join(engine.dataRoot, 'volumes'));
    expect(names.filter((entry) => entry.startsWith('.'))).toEqual([]);
    const files = await engine.api<{ name: string }[]>('GET', `/gantry/v1/containers/${name}/files?path=/d`);
    expect(files.json).toHaveLength(400);
    await engine.dockerOk('rm', name);
  }
});
