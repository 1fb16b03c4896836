import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { framesOf } from './frames.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.dockerOk('run', '-d', '--name', 'host', '-e', 'FROM=container', 'busybox', 'sleep', '1000');
});
afterAll(() => engine.stop());

/** A hijacked connection, as a client without any library makes it. Resolves with the socket behind the head. */
async function hijack(path: string, body?: object): Promise<{ socket: Socket; head: string }> {
  const socket = connect({ path: engine.socketPath, allowHalfOpen: true });
  const json = body ? JSON.stringify(body) : '';
  const type = body ? 'Content-Type: application/json\r\n' : '';
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${type}Content-Length: ${json.length}\r\n\r\n${json}`,
  );
  let received = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) continue;
    socket.pause();
    if (received.length > end + 4) socket.unshift(received.subarray(end + 4));
    return { socket, head: received.toString('latin1', 0, end) };
  }
}

async function createExec(body: object): Promise<string> {
  const reply = await engine.api<{ Id: string }>('POST', '/containers/host/exec', body);
  if (reply.status !== 201) throw new Error(reply.text);
  return reply.json.Id;
}

interface ExecInspect {
  Running: boolean;
  ExitCode: number | null;
  ContainerID: string;
  ProcessConfig: object;
  Pid: number;
}

const inspectExec = async (id: string): Promise<ExecInspect> =>
  (await engine.api<ExecInspect>('GET', `/exec/${id}/json`)).json;

describe('exec', () => {
  test('a directory that is not there is an error, and is not made', async () => {
    const { code, stdout } = await engine.docker('exec', '-w', '/nowhere', 'host', 'pwd');
    expect(code).toBe(127);
    expect(stdout).toContain(
      'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory',
    );
    expect((await engine.docker('exec', 'host', 'test', '-e', '/nowhere')).code).toBe(1);
  });

  test('a directory that is not absolute is refused', async () => {
    const { code, stdout } = await engine.docker('exec', '-w', 'etc', 'host', 'pwd');
    expect(code).toBe(126);
    expect(stdout).toContain('OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown');
  });

  test('a user that is not there is told when it starts, as Docker does', async () => {
    const message = 'unable to find user nobody-here: no matching entries in passwd file';
    const attached = await engine.docker('exec', '-u', 'nobody-here', 'host', 'true');
    expect(attached).toMatchObject({ code: 126, stdout: `${message}\r\n` });
    const id = await createExec({ Cmd: ['true'], User: 'nobody-here' });
    expect(await engine.api('POST', `/exec/${id}/start`, { Detach: true })).toMatchObject({
      status: 500,
      json: { message },
    });
    expect(await inspectExec(id)).toMatchObject({ Running: false, ExitCode: 126, Pid: 0 });
    expect((await engine.api('POST', `/exec/${id}/start`, { Detach: true })).status).toBe(409);
    const outOfRange = await engine.docker('exec', '-u', '-1', 'host', 'true');
    expect(outOfRange.stdout).toBe('uids and gids must be in range 0-2147483647\r\n');
  });

  test('passes input, output, environment, directory and user', async () => {
    const { stdout } = await engine.dockerWithInput(
      'typed\n',
      'exec',
      '-i',
      '-e',
      'MINE=1',
      '-w',
      '/tmp',
      '-u',
      '1000:1000',
      'host',
      'sh',
      '-c',
      'cat; echo $FROM $MINE; pwd; id -u; id -g',
    );
    expect(stdout).toBe('typed\ncontainer 1\n/tmp\n1000\n1000\n');
  });

  test('keeps stdout and stderr apart', async () => {
    expect(await engine.docker('exec', 'host', 'sh', '-c', 'echo out; echo err >&2; exit 6')).toEqual({
      code: 6,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('a large output arrives whole', async () => {
    const { stdout } = await engine.docker(
      'exec',
      'host',
      'sh',
      '-c',
      'head -c 3000000 /dev/zero | tr "\\0" y',
    );
    expect(stdout).toBe('y'.repeat(3_000_000));
  });

  test('tells that a command is missing or not executable as Docker does', async () => {
    const missing = await engine.docker('exec', 'host', 'no-such');
    expect(missing.code).toBe(127);
    expect(missing.stdout + missing.stderr).toContain(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "no-such": executable file not found in $PATH: unknown',
    );
    const refused = await engine.docker('exec', 'host', '/etc/passwd');
    expect(refused.code).toBe(126);
    expect(refused.stdout + refused.stderr).toContain('permission denied');
    const detached = await createExec({ Cmd: ['no-such'] });
    const reply = await engine.api<{ message: string }>('POST', `/exec/${detached}/start`, { Detach: true });
    expect(reply.status).toBe(400);
    expect((await inspectExec(detached)).ExitCode).toBe(127);
  });

  test('that was not started before its container stopped is gone', async () => {
    await engine.dockerOk('run', '-d', '--name', 'brief-host', 'busybox', 'sleep', '1000');
    const { json } = await engine.api<{ Id: string }>('POST', '/containers/brief-host/exec', {
      Cmd: ['true'],
    });
    await engine.dockerOk('restart', '-t', '0', 'brief-host');
    expect(await engine.api('POST', `/exec/${json.Id}/start`, { Detach: true })).toMatchObject({
      status: 404,
      json: { message: `No such exec instance: ${json.Id}` },
    });
    expect((await engine.api('GET', `/exec/${json.Id}/json`)).status).toBe(404);
    await engine.dockerOk('rm', '-f', 'brief-host');
  });

  test('is inspected while it runs and after it ended', async () => {
    const id = await createExec({ Cmd: ['sh', '-c', 'while [ ! -e /done ]; do sleep 0.02; done; exit 3'] });
    expect(await inspectExec(id)).toMatchObject({ Running: false, ExitCode: null });
    expect((await engine.api('POST', `/exec/${id}/start`, { Detach: true })).status).toBe(200);
    expect(await inspectExec(id)).toMatchObject({
      Running: true,
      ProcessConfig: { entrypoint: 'sh', tty: false },
    });
    expect(await engine.dockerOk('inspect', 'host', '--format', '{{.ExecIDs}}')).toContain(id);
    expect((await engine.api('POST', `/exec/${id}/start`, { Detach: true })).status).toBe(409);
    await engine.dockerOk('exec', 'host', 'touch', '/done');
    await expect.poll(() => inspectExec(id)).toMatchObject({ Running: false, ExitCode: 3 });
    expect(await engine.dockerOk('inspect', 'host', '--format', '{{.ExecIDs}}')).toBe('[]');
  });

  test('is framed as the start asks, whether the process has a terminal or not', async () => {
    const output = async (created: boolean, started: boolean): Promise<Buffer> => {
      const id = await createExec({ Cmd: ['echo', 'hi'], Tty: created, AttachStdout: true });
      const { socket } = await hijack(`/v1.50/exec/${id}/start`, { Tty: started });
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    };
    // A terminal may give a line in pieces.
    const framed = framesOf(await output(true, false));
    expect(new Set(framed.map(({ stream }) => stream))).toEqual(new Set([1]));
    expect(framed.map(({ text }) => text).join('')).toBe('hi\r\n');
    expect(await output(false, true)).toEqual(Buffer.from('hi\n'));
  });

  test('refuses what cannot be', async () => {
    expect((await engine.api('POST', '/containers/host/exec', { Cmd: [] })).json).toEqual({
      message: 'No exec command specified',
    });
    expect((await engine.api('POST', '/exec/nope/start', {})).json).toEqual({
      message: 'No such exec instance: nope',
    });
    await engine.dockerOk('create', '--name', 'idle', 'busybox', 'true');
    expect((await engine.docker('exec', 'idle', 'true')).stderr).toMatch(/container \w{64} is not running/);
    await engine.dockerOk('pause', 'host');
    expect((await engine.docker('exec', 'host', 'true')).stderr).toMatch(
      /Container host is paused, unpause the container before exec/,
    );
    await engine.dockerOk('unpause', 'host');
  });

  test('on a terminal: its size, resizing, and leaving by the detach keys', async () => {
    const id = await createExec({
      Cmd: ['sh'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      DetachKeys: 'ctrl-x,x',
    });
    const { socket, head } = await hijack(`/v1.50/exec/${id}/start`, { Tty: true, ConsoleSize: [11, 33] });
    expect(head).toContain('101 UPGRADED');
    expect(head).toContain('application/vnd.docker.raw-stream');
    let output = '';
    socket.on('data', (chunk) => (output += String(chunk))).resume();
    socket.write('stty size\n');
    await expect.poll(() => output).toContain('11 33');
    expect((await engine.api('POST', `/exec/${id}/resize?h=44&w=55`)).status).toBe(200);
    socket.write('stty size\n');
    await expect.poll(() => output).toContain('44 55');
    socket.write('\u0018x');
    await once(socket, 'end');
    expect(await inspectExec(id)).toMatchObject({ Running: true });
    socket.destroy();
  });

  test('the end of input reaches the process, its output still comes', async () => {
    const id = await createExec({ Cmd: ['wc', '-c'], AttachStdin: true, AttachStdout: true });
    const { socket, head } = await hijack(`/v1.50/exec/${id}/start`, {});
    expect(head).toContain('application/vnd.docker.multiplexed-stream');
    socket.end('12345');
    expect((await text(socket)).slice(8)).toBe('5\n');
    expect(await inspectExec(id)).toMatchObject({ Running: false, ExitCode: 0 });
  });

  test('a client that hangs up does not disturb the engine', async () => {
    const id = await createExec({ Cmd: ['cat', '/dev/zero'], AttachStdout: true });
    const { socket } = await hijack(`/exec/${id}/start`, {});
    await once(socket.resume(), 'data');
    socket.destroy();
    expect(await engine.dockerOk('exec', 'host', 'echo', 'alive')).toBe('alive');
    await engine.dockerOk('exec', 'host', 'killall', 'cat').catch(() => undefined);
  });
});

describe('attach', () => {
  const createCat = async (body: object): Promise<string> => {
    const { json } = await engine.api<{ Id: string }>('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['cat'],
      OpenStdin: true,
      StdinOnce: true,
      ...body,
    });
    return json.Id;
  };

  test('before the start: not a byte is missed, the end of input ends the container', async () => {
    const id = await createCat({ Cmd: ['sh', '-c', 'echo first; cat; echo last >&2'] });
    const { socket } = await hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    socket.end('middle\n');
    const output = buffer(socket);
    await engine.api('POST', `/containers/${id}/start`);
    const frames = framesOf(await output);
    const textOf = (stream: number) =>
      frames.flatMap((frame) => (frame.stream === stream ? frame.text : [])).join('');
    expect(textOf(1)).toBe('first\nmiddle\n');
    expect(textOf(2)).toBe('last\n');
    const { json } = await engine.api('POST', `/containers/${id}/wait`);
    expect(json).toEqual({ StatusCode: 0 });
  });

  test('ends when the start fails and when the container is removed', async () => {
    const failing = await createCat({ Cmd: ['nope'] });
    const first = await hijack(`/containers/${failing}/attach?stream=1&stdout=1`);
    await engine.api('POST', `/containers/${failing}/start`);
    expect(await text(first.socket)).toBe('');
    const removed = await createCat({});
    const second = await hijack(`/containers/${removed}/attach?stream=1&stdout=1`);
    await engine.api('DELETE', `/containers/${removed}`);
    expect(await text(second.socket)).toBe('');
  });

  test('logs=1 replays what was said before', async () => {
    await engine.dockerOk('run', '-d', '--name', 'said', 'busybox', 'sh', '-c', 'echo before; sleep 1000');
    await expect.poll(() => engine.dockerOk('logs', 'said')).toBe('before');
    const { socket } = await hijack('/containers/said/attach?logs=1&stdout=1');
    expect((await text(socket)).slice(8)).toBe('before\n');
  });

  test('two clients see the same, and one leaving does not disturb the other', async () => {
    const id = await createCat({ StdinOnce: false, Tty: true, Cmd: ['sh'] });
    const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
    const [one, other] = [await hijack(path), await hijack(path)];
    const seen = { one: '', other: '' };
    one.socket.on('data', (chunk) => (seen.one += String(chunk))).resume();
    other.socket.on('data', (chunk) => (seen.other += String(chunk))).resume();
    await engine.api('POST', `/containers/${id}/start`);
    one.socket.write('echo to-$((40+2))\n');
    await expect.poll(() => seen.one).toContain('to-42');
    await expect.poll(() => seen.other).toContain('to-42');
    one.socket.write('\u0010\u0011');
    await once(one.socket, 'end');
    one.socket.destroy();
    other.socket.write('echo still-$((40+3))\n');
    await expect.poll(() => seen.other).toContain('still-43');
    expect((await engine.api('POST', `/containers/${id}/resize?h=12&w=34`)).status).toBe(200);
    other.socket.write('stty size\n');
    await expect.poll(() => seen.other).toContain('12 34');
    other.socket.write('exit 9\n');
    await once(other.socket, 'end');
    other.socket.destroy();
    expect((await engine.api('POST', `/containers/${id}/wait`)).json).toEqual({ StatusCode: 9 });
  });

  test('over a WebSocket, without frames', async () => {
    const id = await createCat({});
    const socket = new WebSocket(
      `ws+unix:${engine.socketPath}:/v1.50/containers/${id}/attach/ws?stream=1&stdin=1&stdout=1`,
    );
    await once(socket, 'open');
    let output = '';
    socket.on('message', (data: Buffer) => (output += data.toString()));
    await engine.api('POST', `/containers/${id}/start`);
    socket.send('through the socket\n');
    await expect.poll(() => output).toBe('through the socket\n');
    const closed = once(socket, 'close');
    await engine.api('POST', `/containers/${id}/kill`);
    await closed;
  });

  test('refuses a paused container and wrong detach keys', async () => {
    await engine.dockerOk('pause', 'host');
    expect((await engine.api('POST', '/containers/host/attach?stream=1&stdout=1')).status).toBe(409);
    await engine.dockerOk('unpause', 'host');
    expect((await engine.api('POST', '/containers/host/attach?stream=1&detachKeys=shift-a')).status).toBe(
      400,
    );
    expect((await engine.api('POST', '/containers/none/attach?stream=1')).status).toBe(404);
    const idle = await createCat({});
    expect((await engine.api('POST', `/containers/${idle}/resize?h=1&w=1`)).status).toBe(409);
  });

  test('a resize of a container without a terminal changes nothing', async () => {
    expect((await engine.api('POST', '/containers/host/resize?h=1&w=1')).status).toBe(200);
  });

  test('docker start -ai, docker run -i and docker attach work', async () => {
    await engine.dockerOk('create', '-i', '--name', 'piped', 'busybox', 'tr', 'a-z', 'A-Z');
    expect((await engine.dockerWithInput('up\n', 'start', '-ai', 'piped')).stdout).toBe('UP\n');
    expect((await engine.dockerWithInput('again\n', 'start', '-ai', 'piped')).stdout).toBe('AGAIN\n');
    await engine.dockerOk(
      'run',
      '-d',
      '--name',
      'ends',
      'busybox',
      'sh',
      '-c',
      'while [ ! -e /go ]; do sleep 0.02; done; echo bye; exit 8',
    );
    const attached = engine.dockerStart('attach', 'ends');
    const filters = JSON.stringify({ event: ['attach'], container: ['ends'] });
    const attachments = () =>
      engine.api('GET', `/events?since=1&until=${Date.now() / 1000}&filters=${filters}`);
    await expect.poll(async () => (await attachments()).text).toContain('attach');
    await engine.dockerOk('exec', 'ends', 'touch', '/go');
    const { code, stdout } = await attached.exited;
    expect([code, stdout]).toEqual([8, 'bye\n']);
  });
});
