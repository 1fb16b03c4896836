import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** Counts as fast as it is told to by the file /go, and goes on whether or not an engine is there. */
const COUNT =
  'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; sleep 0.02; done; echo last $i; exit 9';

test('SIGKILL of the engine leaves containers running and their logs whole', async () => {
  await engine.dockerOk('run', '-d', '--name', 'counter', 'busybox', 'sh', '-c', COUNT);
  const pid = await engine.dockerOk('inspect', 'counter', '--format', '{{.State.Pid}}');
  await engine.kill9();
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'counter', '--format', '{{.State.Pid}} {{.State.Status}}')).toBe(
    `${pid} running`,
  );
  await engine.dockerOk('exec', 'counter', 'touch', '/stop');
  expect(await engine.dockerOk('wait', 'counter')).toBe('9');
  const lines = (await engine.dockerOk('logs', 'counter')).split('\n');
  const count = lines.length - 1;
  expect(lines).toEqual([...Array.from({ length: count }, (_, i) => `line ${i + 1}`), `last ${count}`]);
});

test('a container that ended while there was no engine has its exit code', async () => {
  const until = `while [ -e /proc/${engine.pid()} ]; do sleep 0.05; done; exit 6`;
  await engine.dockerOk('run', '-d', '--pid', 'host', '--name', 'orphan', 'busybox', 'sh', '-c', until);
  const pid = await engine.dockerOk('inspect', 'orphan', '--format', '{{.State.Pid}}');
  await engine.kill9();
  await expect.poll(() => isAlive(Number(pid)), { interval: 20 }).toBe(false);
  await engine.restart();
  expect(
    await engine.dockerOk('inspect', 'orphan', '--format', '{{.State.Status}} {{.State.ExitCode}}'),
  ).toBe('exited 6');
});

test('an exit that a client was told of is not forgotten by an engine killed in that moment', async () => {
  await engine.dockerOk('create', '--name', 'told', 'busybox', 'sh', '-c', 'exit 7');
  await engine.api('POST', '/containers/told/start');
  const { json } = await engine.api<{ StatusCode: number }>('POST', '/containers/told/wait');
  expect(json.StatusCode).toBe(7);
  await engine.kill9();
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'told', '--format', '{{.State.Status}} {{.State.ExitCode}}')).toBe(
    'exited 7',
  );
});

test('an orderly stop leaves containers running, too', async () => {
  await engine.dockerOk('run', '-d', '--name', 'sleeper', '--restart', 'always', 'busybox', 'sleep', '1000');
  const pid = await engine.dockerOk('inspect', 'sleeper', '--format', '{{.State.Pid}}');
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'sleeper', '--format', '{{.State.Pid}}')).toBe(pid);
});

const present = (name: string): Promise<string> => engine.dockerOk('ps', '-aq', '--filter', `name=${name}`);

test('AutoRemove is done for a container that ended while there was no engine', async () => {
  const until = `while [ -e /proc/${engine.pid()} ]; do sleep 0.05; done`;
  await engine.dockerOk(
    'run',
    '-d',
    '--rm',
    '--pid',
    'host',
    '--name',
    'brief',
    '-v',
    '/anonymous',
    'busybox',
    'sh',
    '-c',
    until,
  );
  const pid = await engine.dockerOk('inspect', 'brief', '--format', '{{.State.Pid}}');
  await engine.kill9();
  await expect.poll(() => isAlive(Number(pid)), { interval: 20 }).toBe(false);
  await engine.restart();
  expect(await present('brief')).toBe('');
  expect(await engine.dockerOk('volume', 'ls', '-q')).toBe('');
});

test('SIGKILL of a shim ends its container alone, and everything of it is cleaned up', async () => {
  await engine.dockerOk('run', '-d', '--name', 'victim', 'busybox', 'sleep', '1000');
  const id = await engine.dockerOk('inspect', 'victim', '--format', '{{.Id}}');
  const pid = Number(await engine.dockerOk('inspect', 'victim', '--format', '{{.State.Pid}}'));
  const waiting = engine.docker('wait', 'victim');
  const exec = engine.dockerStart('exec', 'victim', 'sh', '-c', 'echo begun; sleep 1000');
  await exec.waitFor(/begun/);
  process.kill(parentOf(pid), 'SIGKILL');
  expect((await waiting).stdout).toBe('137\n');
  expect((await exec.exited).code).toBe(137);
  expect(await engine.dockerOk('inspect', 'victim', '--format', '{{.State.Status}}')).toBe('exited');
  await expect.poll(() => isAlive(pid)).toBe(false);
  await expect.poll(() => existsSync(path.join(engine.runRoot, 'containers', id))).toBe(false);
  await engine.dockerOk('start', 'victim');
  expect(await engine.dockerOk('exec', 'victim', 'echo', 'again')).toBe('again');
  await engine.dockerOk('rm', '-f', 'victim');
});

test('a paused container whose shim is killed is dead, too, with all its processes', async () => {
  const family = '(trap "" TERM; setsid sleep 1000) & exec sleep 1000';
  await engine.dockerOk('run', '-d', '--name', 'frozen-victim', 'busybox', 'sh', '-c', family);
  const hostPids = async (): Promise<number[]> => {
    const { json } = await engine.api<{ Processes: string[][] }>('GET', '/containers/frozen-victim/top');
    return json.Processes.map((row) => Number(row[1]));
  };
  await expect.poll(async () => (await hostPids()).length).toBe(2);
  const pids = await hostPids();
  const pid = Number(await engine.dockerOk('inspect', 'frozen-victim', '--format', '{{.State.Pid}}'));
  await engine.dockerOk('pause', 'frozen-victim');
  process.kill(parentOf(pid), 'SIGKILL');
  const state = () =>
    engine.dockerOk('inspect', 'frozen-victim', '--format', '{{.State.Status}} {{.State.ExitCode}}');
  await expect.poll(state).toBe('exited 137');
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  await engine.dockerOk('start', 'frozen-victim');
  await engine.dockerOk('rm', '-f', 'frozen-victim');
});

test('a shim that was killed while there was no engine leaves nothing either', async () => {
  await engine.dockerOk('run', '-d', '--name', 'lost', 'busybox', 'sleep', '1000');
  const pid = Number(await engine.dockerOk('inspect', 'lost', '--format', '{{.State.Pid}}'));
  await engine.kill9();
  process.kill(parentOf(pid), 'SIGKILL');
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'lost', '--format', '{{.State.Status}} {{.State.ExitCode}}')).toBe(
    'exited 137',
  );
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test('a paused container stays paused, published ports and attached terminals work after SIGKILL', async () => {
  await engine.dockerOk('run', '-d', '--name', 'frozen', 'busybox', 'sleep', '1000');
  await engine.dockerOk('pause', 'frozen');
  const serve = 'echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp';
  await engine.dockerOk(
    'run',
    '-dit',
    '--name',
    'server',
    '-p',
    '127.0.0.1::80',
    'busybox',
    'sh',
    '-c',
    serve,
  );
  const port = await engine.dockerOk('port', 'server', '80');
  await engine.kill9();
  await engine.restart();
  expect(await engine.dockerOk('ps', '--filter', 'name=frozen', '--format', '{{.Status}}')).toContain(
    '(Paused)',
  );
  await engine.dockerOk('unpause', 'frozen');
  expect(await engine.dockerOk('exec', 'frozen', 'echo', 'thawed')).toBe('thawed');
  expect(await engine.dockerOk('port', 'server', '80')).toBe(port);
  expect(await (await fetch(`http://${port}/`)).text()).toBe('served\n');
});

test('the policy starts what must run, and not what was stopped by hand', async () => {
  const run = (name: string, policy: string) =>
    engine.dockerOk('run', '-d', '--name', name, '--restart', policy, 'busybox', 'sleep', '1000');
  await run('always', 'always');
  await run('unless', 'unless-stopped');
  await run('never', 'no');
  for (const name of ['always', 'unless', 'never']) await engine.dockerOk('stop', '-t', '0', name);
  await engine.restart();
  const status = (name: string) => engine.dockerOk('inspect', name, '--format', '{{.State.Status}}');
  await expect.poll(() => status('always')).toBe('running');
  expect(await status('unless')).toBe('exited');
  expect(await status('never')).toBe('exited');
});

test('a back-off that was cut off goes on', async () => {
  await engine.dockerOk('run', '-d', '--name', 'failing', '--restart', 'on-failure:50', 'busybox', 'false');
  const restarts = async (): Promise<number> =>
    Number(await engine.dockerOk('inspect', 'failing', '--format', '{{.RestartCount}}'));
  await expect.poll(restarts).toBeGreaterThan(1);
  await engine.kill9();
  await engine.restart();
  // As in Docker, an engine that starts a container counts anew.
  await expect.poll(restarts).toBeGreaterThan(1);
  await engine.dockerOk('rm', '-f', 'failing');
});

test('what was half-made or half-removed is cleared away at the next start', async () => {
  await engine.dockerOk('create', '--name', 'dying', 'busybox', 'true');
  const id = await engine.dockerOk('inspect', 'dying', '--format', '{{.Id}}');
  const containers = path.join(engine.dataRoot, 'containers');
  await engine.kill9();
  const file = path.join(containers, id, 'container.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"status":"created"', '"status":"removing"'));
  mkdirSync(path.join(containers, 'f'.repeat(64), 'upper'), { recursive: true });
  const run = path.join(engine.runRoot, 'containers', 'c'.repeat(64));
  mkdirSync(run, { recursive: true });
  writeFileSync(path.join(run, 'exit.json'), '{}');
  const unreadable = { e: '{"version":1,', d: '{"version":1,"id":"d","name":"old"}' };
  for (const [letter, record] of Object.entries(unreadable)) {
    mkdirSync(path.join(containers, letter.repeat(64)));
    writeFileSync(path.join(containers, letter.repeat(64), 'container.json'), record);
  }
  await engine.restart();
  expect(await present('dying')).toBe('');
  await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'trash'))).toEqual([]);
  expect(existsSync(path.join(containers, 'f'.repeat(64)))).toBe(false);
  expect(existsSync(run)).toBe(false);
  // What cannot be read is nobody's to delete.
  for (const letter of Object.keys(unreadable)) {
    expect(existsSync(path.join(containers, letter.repeat(64)))).toBe(true);
  }
  expect(engine.log().match(/a container record is damaged/g)).toHaveLength(2);
});

test('SIGKILL in the middle of a start leaves a container that runs or one that does not', async () => {
  const image = { Image: 'busybox', Cmd: ['sleep', '1000'] };
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const { json } = await engine.api<{ Id: string }>(
      'POST',
      `/containers/create?name=cut-${attempt}`,
      image,
    );
    const start = engine.api('POST', `/containers/${json.Id}/start`).catch(() => undefined);
    await delay(attempt);
    await engine.kill9();
    await start;
    await engine.restart();
    const status = await engine.dockerOk('inspect', `cut-${attempt}`, '--format', '{{.State.Status}}');
    if (status === 'running') {
      expect(await engine.dockerOk('exec', `cut-${attempt}`, 'cat', '/proc/1/comm')).toBe('sleep');
    } else {
      await expect.poll(() => existsSync(path.join(engine.runRoot, 'containers', json.Id))).toBe(false);
      await engine.dockerOk('start', `cut-${attempt}`);
    }
    await engine.dockerOk('rm', '-f', `cut-${attempt}`);
  }
});

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
