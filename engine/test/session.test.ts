import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

/** The docker CLI session of a tutorial, in order: each test goes on where the one before it stopped. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ starterImage: false });
});
afterAll(() => engine.stop());

const STARTER = path.resolve('build/starter/busybox.tar');

test('an image is loaded, listed, tagged and inspected', async () => {
  expect(await engine.dockerOk('load', '-i', STARTER)).toBe('Loaded image: busybox:latest');
  expect(await engine.dockerOk('images', '--format', '{{.Repository}}:{{.Tag}}')).toBe('busybox:latest');
  await engine.dockerOk('tag', 'busybox', 'mine:1');
  expect(await engine.dockerOk('image', 'inspect', 'mine:1', '--format', '{{.Os}}')).toBe('linux');
  expect(await engine.dockerOk('history', '-q', 'mine:1')).not.toBe('');
  expect(await engine.dockerOk('rmi', 'mine:1')).toBe('Untagged: mine:1');
});

test('docker run prints what the command prints and exits as it exits', async () => {
  expect(await engine.docker('run', '--rm', 'busybox', 'echo', 'hello')).toEqual({
    code: 0,
    stdout: 'hello\n',
    stderr: '',
  });
  const failed = await engine.docker('run', '--rm', 'busybox', 'sh', '-c', 'echo oops >&2; exit 7');
  expect(failed).toEqual({ code: 7, stdout: '', stderr: 'oops\n' });
  expect((await engine.dockerWithInput('a b\n', 'run', '--rm', '-i', 'busybox', 'wc', '-w')).stdout).toBe(
    '2\n',
  );
  expect(await engine.dockerOk('ps', '-aq')).toBe('');
});

test('a command that is missing or not executable has its exit code and message', async () => {
  const missing = await engine.docker('run', '--rm', 'busybox', 'no-such-command');
  expect(missing.code).toBe(127);
  expect(missing.stderr).toContain('executable file not found in $PATH');
  const refused = await engine.docker('run', '--rm', 'busybox', '/etc/passwd');
  expect(refused.code).toBe(126);
  expect(refused.stderr).toContain('permission denied');
});

test('a container that another leans on and that is not there is named', async () => {
  for (const flags of [
    ['--network', 'container:nobody'],
    ['--pid', 'container:nobody'],
    ['--volumes-from', 'nobody'],
  ]) {
    const refused = await engine.docker('run', '--rm', ...flags, 'busybox', 'true');
    expect(refused).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('No such container: nobody'),
    });
  }
});

test('a server runs in the background with a published port', async () => {
  const script = 'echo it works > /tmp/index.html; echo ready; exec httpd -f -v -p 80 -h /tmp';
  await engine.dockerOk('run', '-d', '--name', 'web', '-p', '127.0.0.1::80', 'busybox', 'sh', '-c', script);
  expect(await engine.dockerOk('ps', '--format', '{{.Names}} {{.Image}}')).toBe('web busybox');
  const port = await engine.dockerOk('port', 'web', '80');
  const logs = engine.dockerStart('logs', '-f', 'web');
  await logs.waitFor(/ready/);
  expect(await (await fetch(`http://${port}/`)).text()).toBe('it works\n');
  await logs.waitFor(/response:200/);
  logs.kill();
  await logs.exited;
});

test('docker exec runs beside it, also on a terminal', async () => {
  expect(await engine.dockerOk('exec', 'web', 'cat', '/tmp/index.html')).toBe('it works');
  expect((await engine.docker('exec', 'web', 'sh', '-c', 'exit 3')).code).toBe(3);
  const shell = engine.dockerTerminal('exec', '-it', 'web', 'sh');
  await shell.waitFor(/# /);
  shell.write('stty size; tty\n');
  await shell.waitFor(/24 80[\s\S]*\/dev\/pts\/\d/);
  shell.write('exit 5\n');
  expect((await shell.exited).code).toBe(5);
});

test('stats, top and inspect tell about it', async () => {
  expect(await engine.dockerOk('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'web')).toBe(
    'web 1',
  );
  expect(await engine.dockerOk('top', 'web')).toContain('httpd');
  expect(await engine.dockerOk('inspect', 'web', '--format', '{{.State.Status}}')).toBe('running');
  expect(await engine.dockerOk('diff', 'web')).toContain('A /tmp/index.html');
});

test('files are copied both ways', async () => {
  const [from, to] = [path.join(engine.directory, 'from'), path.join(engine.directory, 'to')];
  writeFileSync(from, 'copied\n');
  await engine.dockerOk('cp', from, 'web:/tmp/copied');
  expect(await engine.dockerOk('exec', 'web', 'cat', '/tmp/copied')).toBe('copied');
  await engine.dockerOk('cp', 'web:/tmp/index.html', to);
  expect(readFileSync(to, 'utf8')).toBe('it works\n');
});

test('it is paused, stopped, started again and removed', async () => {
  await engine.dockerOk('pause', 'web');
  expect(await engine.dockerOk('ps', '--format', '{{.Status}}')).toContain('(Paused)');
  await engine.dockerOk('unpause', 'web');
  await engine.dockerOk('stop', '-t', '1', 'web');
  expect(await engine.dockerOk('ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(137\)/);
  await engine.dockerOk('start', 'web');
  await engine.dockerOk('rename', 'web', 'site');
  expect((await engine.docker('rm', 'site')).stderr).toContain('container is running');
  await engine.dockerOk('rm', '-f', 'site');
  expect((await engine.docker('inspect', 'site')).code).toBe(1);
});

test('a volume keeps what containers write', async () => {
  expect(await engine.dockerOk('volume', 'create', 'data')).toBe('data');
  await engine.dockerOk('run', '--rm', '-v', 'data:/d', 'busybox', 'sh', '-c', 'echo kept > /d/file');
  expect(await engine.dockerOk('run', '--rm', '-v', 'data:/d:ro', 'busybox', 'cat', '/d/file')).toBe('kept');
  expect(await engine.dockerOk('volume', 'ls', '-q')).toBe('data');
  await engine.dockerOk('volume', 'rm', 'data');
});

test('containers on a network of their own find each other by name', async () => {
  await engine.dockerOk('network', 'create', 'back');
  await engine.dockerOk('run', '-d', '--name', 'db', '--network', 'back', 'busybox', 'sleep', '100');
  const ping = ['ping', '-c', '1', '-W', '2', 'db'];
  expect(await engine.dockerOk('run', '--rm', '--network', 'back', 'busybox', ...ping)).toContain(
    '1 packets received',
  );
  expect((await engine.docker('network', 'rm', 'back')).stderr).toContain('has active endpoints');
  await engine.dockerOk('rm', '-f', 'db');
  await engine.dockerOk('network', 'rm', 'back');
});

test('docker run -it is left by the detach keys and attached again', async () => {
  const run = engine.dockerTerminal('run', '-it', '--name', 'shell', 'busybox', 'sh');
  await run.waitFor(/# /);
  run.write('x=remembered\n');
  await run.waitFor(/x=remembered[\s\S]*# /);
  run.write('\u0010\u0011');
  await run.exited;
  expect(await engine.dockerOk('ps', '-q')).not.toBe('');
  const again = engine.dockerTerminal('attach', 'shell');
  again.write('echo was-$x\n');
  await again.waitFor(/was-remembered/);
  again.write('exit\n');
  await again.exited;
  await engine.dockerOk('rm', 'shell');
});
