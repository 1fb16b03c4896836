import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { framesOf } from './frames.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  const script = 'echo out 1; sleep 0.05; echo err 1 >&2; sleep 0.05; echo out 2; printf unfinished';
  await engine.dockerOk('run', '--name', 'spoke', 'busybox', 'sh', '-c', script);
});
afterAll(() => engine.stop());

const logs = (parameters: string, version = 'v1.50') =>
  engine.api('GET', `/${version}/containers/spoke/logs?${parameters}`);

test('stdout and stderr come as frames of their own, in order', async () => {
  const { bytes, headers } = await logs('stdout=1&stderr=1');
  expect(framesOf(bytes)).toEqual([
    { stream: 1, text: 'out 1\n' },
    { stream: 2, text: 'err 1\n' },
    { stream: 1, text: 'out 2\n' },
    { stream: 1, text: 'unfinished' },
  ]);
  expect(headers['content-type']).toBe('application/vnd.docker.multiplexed-stream');
  const old = await logs('stdout=1', 'v1.40');
  expect(old.headers['content-type']).toBe('application/vnd.docker.raw-stream');
  expect(framesOf(old.bytes)).toEqual(
    ['out 1\n', 'out 2\n', 'unfinished'].map((text) => ({ stream: 1, text })),
  );
});

test('tail, timestamps and time limits choose what is shown', async () => {
  const text = async (parameters: string) =>
    framesOf((await logs(parameters)).bytes)
      .map((frame) => frame.text)
      .join('');
  expect(await text('stdout=1&stderr=1&tail=2')).toBe('out 2\nunfinished');
  expect(await text('stdout=1&tail=0')).toBe('');
  expect(await text('stdout=1&tail=all')).toBe('out 1\nout 2\nunfinished');
  const stamped = await text('stdout=1&stderr=1&timestamps=1');
  const times = [...stamped.matchAll(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) /g)].map(
    ([, time = '']) => time,
  );
  expect(times).toHaveLength(4);
  const [, second = ''] = times;
  const seconds = `${Math.floor(Date.parse(second) / 1000)}.${second.slice(20, 29)}`;
  expect(await text(`stdout=1&stderr=1&since=${seconds}`)).toBe('err 1\nout 2\nunfinished');
  expect(await text(`stdout=1&stderr=1&until=${seconds}`)).toBe('out 1\nerr 1\n');
});

test('what cannot be shown is refused', async () => {
  const none = await logs('stdout=0');
  expect([none.status, none.json]).toEqual([
    400,
    { message: 'Bad parameters: you must choose at least one stream' },
  ]);
  expect((await logs('stdout=1&since=yesterday')).status).toBe(400);
  await engine.dockerOk('run', '--name', 'mute', '--log-driver', 'none', 'busybox', 'echo', 'gone');
  const mute = await engine.api('GET', '/containers/mute/logs?stdout=1');
  expect(mute.json).toEqual({ message: 'configured logging driver does not support reading' });
});

test('a terminal has one raw stream', async () => {
  await engine.dockerTerminal('run', '-t', '--name', 'tty', 'busybox', 'echo', 'raw').exited;
  const { text, headers } = await engine.api('GET', '/v1.50/containers/tty/logs?stdout=1&stderr=1');
  expect(text).toBe('raw\r\n');
  expect(headers['content-type']).toBe('application/vnd.docker.raw-stream');
});

test('follow shows what comes, over rotations, and ends with the container', async () => {
  const count = 3000;
  const script = `while [ ! -e /go ]; do sleep 0.02; done; i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i"; done`;
  const rotation = ['--log-opt', 'max-size=40k', '--log-opt', 'max-file=50'];
  await engine.dockerOk('run', '-d', '--name', 'counts', ...rotation, 'busybox', 'sh', '-c', script);
  const follower = engine.dockerStart('logs', '-f', 'counts');
  await engine.dockerOk('exec', 'counts', 'touch', '/go');
  const { stdout } = await follower.exited;
  const lines = Array.from({ length: count }, (_, index) => `line ${index + 1}`);
  expect(stdout.trim().split('\n')).toEqual(lines);
  expect((await engine.dockerOk('logs', 'counts')).split('\n')).toEqual(lines);
  expect((await engine.dockerOk('logs', '-n', '1500', 'counts')).split('\n')).toEqual(lines.slice(-1500));
});

test('long and binary lines arrive as they were', async () => {
  const odd = String.raw`a\033[31mred"quoted\\\t\303\251\n`;
  const script = `head -c 50000 /dev/zero | tr '\\0' x; echo; printf '${odd}'`;
  await engine.dockerOk('run', '--name', 'odd', 'busybox', 'sh', '-c', script);
  const { stdout } = await engine.docker('logs', 'odd');
  expect(stdout).toBe(`${'x'.repeat(50_000)}\na\u001b[31mred"quoted\\\té\n`);
});

test('a follower that hangs up leaves nothing behind', async () => {
  await engine.dockerOk('run', '-d', '--name', 'quiet', 'busybox', 'sleep', '1000');
  const handles = (): Promise<string> =>
    engine.dockerOk(
      'run',
      '--rm',
      '--pid',
      'host',
      'busybox',
      'sh',
      '-c',
      `ls /proc/${engine.pid()}/fd | wc -l`,
    );
  const before = Number(await handles());
  for (let count = 0; count < 20; count += 1) {
    await new Promise<void>((resolve) => {
      const path = '/containers/quiet/logs?stdout=1&follow=1';
      request({ socketPath: engine.socketPath, path }, (response) => {
        response.on('close', resolve).on('error', () => undefined);
        response.destroy();
      })
        .on('error', () => undefined)
        .end();
    });
  }
  await expect.poll(async () => Number(await handles())).toBeLessThan(before + 10);
});

test('many lines come whole, each in a frame of its own', async () => {
  const script =
    'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "a line of ordinary length, number $i"; done';
  await engine.dockerOk('run', '--name', 'many', 'busybox', 'sh', '-c', script);
  const { bytes } = await engine.api('GET', '/containers/many/logs?stdout=1');
  const frames = framesOf(bytes);
  expect(
    frames
      .map(({ text }) => text)
      .join('')
      .split('\n'),
  ).toHaveLength(20_001);
  expect(frames).toHaveLength(20_000);
});
