import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Container } from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

/** The same engine through the client library that the app uses: unversioned paths, upgrade with early body. */
let engine: TestEngine;
let server: Container;
beforeAll(async () => {
  engine = await startEngine();
  server = await engine.dockerode.createContainer({
    Image: 'busybox',
    name: 'server',
    Cmd: ['sh', '-c', 'echo ready; exec sleep 1000'],
    Labels: { role: 'server' },
  });
  await server.start();
});
afterAll(() => engine.stop());

test('run streams the output of a command', async () => {
  const output = new PassThrough();
  const collected = text(output);
  const [result] = (await engine.dockerode.run('busybox', ['echo', 'hi'], output, {
    HostConfig: { AutoRemove: true },
  })) as [{ StatusCode: number }];
  expect(result.StatusCode).toBe(0);
  expect((await collected).trim()).toBe('hi');
});

test('containers are listed by label and inspected', async () => {
  const listed = await engine.dockerode.listContainers({ filters: { label: ['role=server'] } });
  expect(listed).toMatchObject([{ Names: ['/server'], State: 'running', Image: 'busybox' }]);
  expect((await server.inspect()).State.Running).toBe(true);
});

test('an exec with stdin is hijacked and half-closed', async () => {
  const exec = await server.exec({ Cmd: ['wc', '-c'], AttachStdin: true, AttachStdout: true, Tty: false });
  const stream = await exec.start({ hijack: true, stdin: true });
  const stdout = new PassThrough();
  const collected = text(stdout);
  engine.dockerode.modem.demuxStream(stream, stdout, new PassThrough());
  stream.end('12345');
  await once(stream, 'end');
  stdout.end();
  expect((await collected).trim()).toBe('5');
  expect((await exec.inspect()).ExitCode).toBe(0);
});

test('an attached terminal echoes and is resized', async () => {
  const shell = await engine.dockerode.createContainer({
    Image: 'busybox',
    Cmd: ['sh'],
    Tty: true,
    OpenStdin: true,
  });
  const stream = await shell.attach({ stream: true, hijack: true, stdin: true, stdout: true });
  let seen = '';
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await shell.start();
  await shell.resize({ h: 33, w: 111 });
  stream.write('stty size\n');
  await expect.poll(() => seen).toMatch(/33 111/);
  stream.write('exit\n');
  expect(await shell.wait()).toMatchObject({ StatusCode: 0 });
  await shell.remove();
});

test('logs are followed and stats stream until the client goes', async () => {
  const logs = await server.logs({ follow: true, stdout: true, stderr: true });
  const [chunk] = (await once(logs, 'data')) as [Buffer];
  expect(chunk.subarray(8).toString()).toBe('ready\n');
  (logs as unknown as PassThrough).destroy();
  const stats = (await server.stats({ stream: true })) as unknown as PassThrough;
  const [sample] = (await once(stats, 'data')) as [Buffer];
  expect(JSON.parse(sample.toString())).toMatchObject({ name: '/server', pids_stats: { current: 1 } });
  stats.destroy();
});

test('events tell of a container from create to destroy', async () => {
  const stream = (await engine.dockerode.getEvents({
    filters: { type: ['container'] },
  })) as unknown as PassThrough;
  let seen = '';
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  const container = await engine.dockerode.createContainer({
    Image: 'busybox',
    Cmd: ['true'],
    name: 'brief',
  });
  await container.start();
  await container.wait();
  await container.remove();
  await expect.poll(() => seen).toMatch(/"destroy"/);
  stream.destroy();
  const events = seen
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { Action: string; status: string; Actor: { Attributes: { name: string } } },
    );
  const actions = events.filter(({ Actor }) => Actor.Attributes.name === 'brief').map(({ Action }) => Action);
  expect(actions).toEqual(['create', 'start', 'die', 'destroy']);
  expect(events.every(({ Action, status }) => Action === status)).toBe(true);
});

test('errors carry status and text', async () => {
  await expect(engine.dockerode.getContainer('nothing').inspect()).rejects.toMatchObject({
    statusCode: 404,
    json: { message: 'No such container: nothing' },
  });
  await expect(server.remove()).rejects.toMatchObject({ statusCode: 409 });
  await expect(server.start()).rejects.toMatchObject({ statusCode: 304 });
});

test('many clients at once are all served', async () => {
  const run = async (i: number): Promise<number> => {
    const container = await engine.dockerode.createContainer({
      Image: 'busybox',
      Cmd: ['sh', '-c', `exit ${i}`],
    });
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    await container.remove();
    return StatusCode;
  };
  const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => run(i)));
  expect(codes).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
