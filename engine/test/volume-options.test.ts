import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** Makes a volume of the local driver with these options. */
const volume = (name: string, options: Record<string, string>): Promise<string> =>
  engine.dockerOk(
    'volume',
    'create',
    ...Object.entries(options).flatMap(([key, value]) => ['--opt', `${key}=${value}`]),
    name,
  );
const shell = (script: string, ...flags: string[]): Promise<string> =>
  engine.dockerOk('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);
const mountpointOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');
/** The type and options of what is mounted there on this machine, one a mount. */
const mountsOf = (name: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((columns) => columns[4] === mountpointOf(name))
    .map((columns) => `${columns[columns.indexOf('-') + 1]} ${columns[5]}`);

test('a tmpfs volume is one for all its users, and ends with the last', async () => {
  await volume('fast', { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000,nosuid,nodev' });
  expect(mountsOf('fast')).toEqual([]);
  const first = await engine.dockerOk('run', '-d', '-v', 'fast:/d', 'busybox', 'sleep', '600');
  expect(mountsOf('fast')).toEqual([expect.stringMatching(/^tmpfs rw,nosuid,nodev/)]);
  expect(await shell('echo shared > /d/x; stat -c %u /d; df -m /d | tail -1', '-v', 'fast:/d')).toMatch(
    /^1000\ntmpfs +1 /,
  );
  expect(await engine.dockerOk('exec', first, 'cat', '/d/x')).toBe('shared');
  const second = await engine.dockerOk('run', '-d', '-v', 'fast:/d:ro', 'busybox', 'sleep', '600');
  await engine.dockerOk('rm', '-f', first);
  expect(mountsOf('fast')).toHaveLength(1);
  await engine.dockerOk('rm', '-f', second);
  expect(mountsOf('fast')).toEqual([]);
});

test('a bind volume shows a directory of this machine, read-only where it is asked for', async () => {
  const source = path.join(engine.directory, 'source');
  mkdirSync(source);
  writeFileSync(path.join(source, 'file'), 'of the host');
  await volume('bound', { type: 'none', device: source, o: 'bind' });
  await volume('fixed', { type: 'none', device: source, o: 'bind,ro,noexec' });
  expect(await shell('cat /d/file; echo new > /d/file', '-v', 'bound:/d')).toBe('of the host');
  expect(readFileSync(path.join(source, 'file'), 'utf8')).toBe('new\n');
  const seen = await shell('grep " /d " /proc/mounts; touch /d/x 2>&1 || true', '-v', 'fixed:/d');
  expect(seen).toMatch(/ ro,noexec[^]*Read-only file system/);
  await engine.dockerOk('volume', 'rm', 'bound', 'fixed');
  expect(readFileSync(path.join(source, 'file'), 'utf8')).toBe('new\n');
});

test('any file system of the kernel is mounted, of a block device too', async () => {
  const image = path.join(engine.directory, 'disk.img');
  writeFileSync(image, '');
  truncateSync(image, 8 * 1024 * 1024);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', image]);
  const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  try {
    await volume('disk', { type: 'ext4', device, o: 'noatime' });
    await shell('echo stays > /d/file', '-v', 'disk:/d');
    expect(mountsOf('disk')).toEqual([]);
    expect(await shell('cat /d/file; ls /d', '-v', 'disk:/d')).toBe('stays\nfile\nlost+found');
    await engine.dockerOk('volume', 'rm', 'disk');
    await volume('again', { type: 'ext4', device });
    expect(await shell('cat /d/file', '-v', 'again:/d')).toBe('stays');
  } finally {
    execFileSync('losetup', ['--detach', device]);
  }
});

test('the mounts of a killed engine are found again, and let go with the last container', async () => {
  await volume('kept', { type: 'tmpfs', device: 'tmpfs' });
  await volume('left', { type: 'tmpfs', device: 'tmpfs' });
  const id = await engine.dockerOk('run', '-d', '-v', 'kept:/d', 'busybox', 'sleep', '600');
  const ended = await engine.dockerOk('run', '-d', '-v', 'left:/d', 'busybox', 'sleep', '600');
  const pid = Number(await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', ended));
  await engine.dockerOk('exec', id, 'touch', '/d/before');
  await engine.kill9();
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
  await engine.restart();
  expect(await shell('ls /d', '-v', 'kept:/d')).toBe('before');
  expect(mountsOf('kept')).toHaveLength(1);
  await expect.poll(() => mountsOf('left')).toEqual([]);
  await engine.dockerOk('rm', '-f', id, ended);
  expect(mountsOf('kept')).toEqual([]);
});

test('docker cp of a stopped container reaches what its volume mounts', async () => {
  const source = path.join(engine.directory, 'copied');
  mkdirSync(source);
  writeFileSync(path.join(source, 'file'), 'of the host');
  await volume('reached', { type: 'none', device: source, o: 'bind' });
  const id = await engine.dockerOk('create', '-v', 'reached:/d', 'busybox');
  expect((await engine.api('GET', `/containers/${id}/archive?path=/d/file`)).text).toContain('of the host');
  // The answer is whole a moment before its work is over.
  await expect.poll(() => mountsOf('reached')).toEqual([]);
  await engine.dockerOk('rm', id);
});

test('what the image has is copied into a mounted volume, too', async () => {
  const source = path.join(engine.directory, 'filled');
  mkdirSync(source);
  await volume('filled', { type: 'none', device: source, o: 'bind' });
  const id = await engine.dockerOk('create', '-v', 'filled:/etc', 'busybox');
  expect(existsSync(path.join(source, 'passwd'))).toBe(true);
  expect(mountsOf('filled')).toEqual([]);
  await engine.dockerOk('rm', id);
});

test('what cannot be mounted is told in the words of Docker, and the container can be started later', async () => {
  const source = path.join(engine.directory, 'later');
  await volume('later', { type: 'none', device: source, o: 'bind' });
  const problem = `error while mounting volume '${mountpointOf('later')}': failed to mount local volume: mount ${source}:${mountpointOf('later')}, flags: 0x1000: no such file or directory`;
  const id = await engine.dockerOk('create', '-v', 'later:/d', 'busybox', 'true');
  const failed = await engine.api<{ message: string }>('POST', `/containers/${id}/start`);
  expect([failed.status, failed.json.message]).toEqual([500, problem]);
  expect(await engine.dockerOk('inspect', '-f', '{{.State.Status}} {{.State.Error}}', id)).toBe(
    `created ${problem}`,
  );
  const filled = await engine.docker('create', '-v', 'later:/etc', 'busybox');
  expect(filled.stderr).toContain(`failed to populate volume: ${problem}`);
  expect(await engine.dockerOk('ps', '-aq')).toBe(id.slice(0, 12));
  mkdirSync(source);
  await engine.dockerOk('start', '-a', id);
  await engine.dockerOk('rm', id);
});

test('network file systems get addresses for names, and errors keep passwords to themselves', async () => {
  await volume('share', { type: 'nfs', device: ':/export', o: 'addr=localhost,soft,timeo=1,retrans=1' });
  const nfs = await engine.docker('run', '--rm', '-v', 'share:/d', 'busybox', 'true');
  expect(nfs.stderr).toContain(
    `mount :/export:${mountpointOf('share')}, data: addr=127.0.0.1,soft,timeo=1,retrans=1: `,
  );
  await volume('unknown', { type: 'nfs', device: ':/export', o: 'addr=nowhere.invalid' });
  const unknown = await engine.docker('run', '--rm', '-v', 'unknown:/d', 'busybox', 'true');
  expect(unknown.stderr).toContain(
    'error resolving passed in network volume address: lookup nowhere.invalid',
  );
  await volume('secret', {
    type: 'cifs',
    device: '//127.0.0.1/x',
    o: 'username=u,password=hunter2,vers=3.0',
  });
  const secret = await engine.docker('run', '--rm', '-v', 'secret:/d', 'busybox', 'true');
  expect(secret.stderr).toContain('data: username=u,password=********,vers=3.0');
  expect(secret.stderr + engine.log()).not.toContain('hunter2');
});

test('options that cannot be are refused before anything is made', async () => {
  const refusal = async (options: Record<string, string>): Promise<unknown[]> => {
    const { status, json } = await engine.api<{ message: string }>('POST', '/volumes/create', {
      Name: 'refused',
      DriverOpts: options,
    });
    return [status, json.message];
  };
  expect(await refusal({ colour: 'red' })).toEqual([400, 'create refused: invalid option: "colour"']);
  expect(await refusal({ type: 'tmpfs' })).toEqual([
    400,
    'create refused: missing required option: "device"',
  ]);
  expect(await refusal({ size: 'big' })).toEqual([400, "create refused: invalid size: 'big'"]);
  expect(existsSync(mountpointOf('refused'))).toBe(false);
});

test('volumes with options are neither pruned nor counted', async () => {
  await volume('optional', { type: 'tmpfs', device: 'tmpfs' });
  const { json } = await engine.api<{ Options: object; Status?: object }>('GET', '/volumes/optional');
  expect([json.Options, json.Status]).toEqual([{ type: 'tmpfs', device: 'tmpfs' }, undefined]);
  expect((await engine.api('GET', '/system/df?type=volume')).text).not.toContain('optional');
  await engine.api('POST', `/v1.50/volumes/prune?filters=${encodeURIComponent('{"all":["true"]}')}`);
  expect(await engine.dockerOk('volume', 'ls', '-q')).toContain('optional');
});
