import { once } from 'node:events';
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection, createServer as createNetServer } from 'node:net';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { conflict, EngineError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import type { Route, RouteContext } from './route.ts';
import { createServer } from './server.ts';
import type { ApiServer } from './server.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-api-'));
const socketPath = path.join(directory, 'api.sock');
const logged: string[] = [];
let aborted: Promise<void>;
let server: ApiServer;

/** Sends back what it gets, and says goodbye when the client has ended its half. */
function echo({ reply }: RouteContext): void {
  const stream = reply.hijack('application/vnd.docker.raw-stream');
  stream.on('data', (chunk: Buffer) => stream.write(chunk));
  stream.on('end', () => stream.end('bye'));
}

const routes: Route[] = [
  { method: 'POST', path: '/echo', handler: echo },
  {
    method: 'POST',
    path: '/late-echo',
    handler({ reply }) {
      const stream = reply.hijack('application/vnd.docker.raw-stream');
      setTimeout(() => stream.pipe(stream), 50);
    },
  },
  {
    method: 'POST',
    path: '/echo-with-body',
    async handler(context) {
      const body = await context.jsonBody<{ greeting: string }>();
      const stream = context.reply.hijack('application/vnd.docker.raw-stream');
      stream.write(`${body?.greeting}:`);
      stream.pipe(stream);
    },
  },
  {
    method: 'POST',
    path: '/body',
    handler: async ({ jsonBody, reply }) => reply.json(200, (await jsonBody()) ?? null),
  },
  {
    method: 'GET',
    path: '/ws',
    async handler({ reply }) {
      const stream = await reply.webSocket();
      stream.pipe(stream);
    },
  },
  {
    method: 'GET',
    path: '/wait',
    handler({ reply, signal }) {
      reply.stream(200, {});
      aborted = once(signal, 'abort').then(() => undefined);
    },
  },
  {
    method: 'GET',
    path: '/lines',
    async handler({ reply }) {
      const lines = reply.jsonLines();
      for (const n of [1, 2, 3]) await lines.write({ n });
      lines.end();
    },
  },
  {
    method: 'GET',
    path: '/fail/{kind}',
    handler({ params, reply }) {
      if (params['kind'] === 'late') reply.stream(200, {}).write('begun');
      if (params['kind'] === 'late' || params['kind'] === 'fault') throw new TypeError('boom');
      if (params['kind'] === 'disk') throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
      throw new EngineError(params['kind'] as 'conflict', 'because');
    },
  },
  {
    method: 'POST',
    path: '/refuse',
    handler() {
      throw conflict('container is not running');
    },
  },
];

beforeAll(async () => {
  server = createServer({ socketPath, routes, logger: createLogger('error', (line) => logged.push(line)) });
  await server.start();
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const serverOn = (socketPath: string): ApiServer =>
  createServer({ socketPath, routes, logger: createLogger('error') });

function fetchApi(method: string, target: string, body?: string, headers: Record<string, string> = {}) {
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    request({ socketPath, method, path: target, headers: { ...type, ...headers } }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

async function connect(): Promise<Socket> {
  const socket = createConnection({ path: socketPath, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

test('the socket is for its owner and group alone', () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
});

test('an upgrade is answered 101, early bytes are kept and each side ends on its own', async () => {
  const socket = await connect();
  socket.end(`POST /echo HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\nearly`);
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
  expect(answer).toMatch(/\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
  expect(answer).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/);
  expect(answer).toMatch(/\r\n\r\nearlybye$/);
});

test('the body of an upgrade request is read apart from the bytes behind it', async () => {
  const socket = await connect();
  const body = '{"greeting":"hello"}';
  const head = `Host: d\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${UPGRADE}`;
  socket.write(`POST /echo-with-body HTTP/1.1\r\n${head}\r\n${body.slice(0, 5)}`);
  socket.end(`${body.slice(5)}raw`);
  expect(await text(socket)).toMatch(/\r\n\r\nhello:raw$/);
});

test('the empty chunked body of an upgrade request is no part of the new protocol, another one is refused', async () => {
  const head = `Host: d\r\nTransfer-Encoding: chunked\r\n${UPGRADE}`;
  const socket = await connect();
  socket.end(`POST /late-echo HTTP/1.1\r\n${head}\r\n0\r\n\r\nraw`);
  expect(await text(socket)).toMatch(/\r\n\r\nraw$/);
  const refused = await connect();
  refused.end(`POST /late-echo HTTP/1.1\r\n${head}\r\n3\r\nabc\r\n0\r\n\r\n`);
  expect(await text(refused)).toMatch(/^HTTP\/1\.1 400 /);
});

test('without an upgrade the connection is taken over with 200', async () => {
  const socket = await connect();
  socket.write('POST /echo HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  expect(head.toString()).toMatch(
    /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/,
  );
  socket.end('later');
  expect(await text(socket)).toBe('laterbye');
});

test('what a client sends before anybody listens on its connection is not lost', async () => {
  for (const upgrade of ['', 'Upgrade: tcp\r\n']) {
    const socket = await connect();
    socket.write(`POST /late-echo HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: 0\r\n\r\n`);
    await once(socket, 'data');
    socket.end('soon');
    expect(await text(socket)).toBe('soon');
  }
});

test('an error before the switch is an ordinary reply', async () => {
  const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
  expect(await fetchApi('POST', '/refuse', undefined, upgrade)).toEqual({
    status: 409,
    body: '{"message":"container is not running"}\n',
  });
  expect((await fetchApi('POST', '/nope', undefined, upgrade)).status).toBe(404);
});

test('a WebSocket echoes messages', async () => {
  const client = new WebSocket(`ws+unix:${socketPath}:/v1.43/ws`);
  await once(client, 'open');
  client.send('ping');
  const [message] = (await once(client, 'message')) as [Buffer];
  expect(message.toString()).toBe('ping');
  client.close();
  await once(client, 'close');
  expect((await fetchApi('GET', '/ws')).status).toBe(400);
});

test('a handler is told when its client hangs up', async () => {
  const socket = await connect();
  socket.write('GET /wait HTTP/1.1\r\nHost: d\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await aborted;
});

test('JSON lines arrive one by one', async () => {
  expect((await fetchApi('GET', '/lines')).body).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
});

test.each([
  ['conflict', 409],
  ['invalid-argument', 400],
  ['not-found', 404],
  ['not-implemented', 501],
  ['disk', 507],
  ['fault', 500],
])('%s becomes status %d', async (kind, status) => {
  expect((await fetchApi('GET', `/fail/${kind}`)).status).toBe(status);
});

test('not-modified has no body', async () => {
  expect(await fetchApi('GET', '/fail/not-modified')).toEqual({ status: 304, body: '' });
});

test('a fault after the head cuts the connection and is logged with its stack', async () => {
  await expect(fetchApi('GET', '/fail/late')).rejects.toThrow('aborted');
  expect(logged.at(-1)).toMatch(/TypeError: boom.*server\.test\.ts/s);
});

test('bodies are bounded, by their declared and by their real size', async () => {
  const large = `{"x":"${'y'.repeat(5 * 1024 * 1024)}"}`;
  const declared = await connect();
  declared.write(
    'POST /body HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n',
  );
  const [head] = (await once(declared, 'data')) as [Buffer];
  expect(head.toString()).toMatch(/^HTTP\/1\.1 413 /);
  declared.destroy();
  const chunked = { 'Transfer-Encoding': 'chunked' };
  expect((await fetchApi('POST', '/body', large, chunked)).status).toBe(413);
  expect(await fetchApi('POST', '/body', '{"a":1}', chunked)).toEqual({ status: 200, body: '{"a":1}\n' });
});

describe('a slow client', () => {
  const slowPath = path.join(directory, 'slow.sock');
  const server = createServer({
    socketPath: slowPath,
    routes,
    logger: createLogger('error'),
    patience: { headersMs: 100, bodyMs: 100 },
  });
  beforeAll(() => server.start());
  afterAll(() => server.close());

  const JSON_HEADERS = 'Host: d\r\nContent-Type: application/json\r\nContent-Length: 100\r\n';

  /** Sends, then a byte now and then, until the server has had enough. */
  async function trickle(start: string): Promise<string> {
    const socket = createConnection(slowPath);
    let answer = '';
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.write(start);
    // Behind reading: a write that fails ends the socket, and with it an answer that was not read yet.
    const drip = setInterval(() => setImmediate(() => socket.write('x')), 20);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
    return answer;
  }

  test('is cut off before its headers are whole', async () => {
    expect(await trickle('GET /wait HTTP/1.1\r\nHost: d\r\nX-Slow: ')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('is answered before its body is whole', async () => {
    expect(await answerTo(`POST /body HTTP/1.1\r\n${JSON_HEADERS}\r\n{`)).toContain(
      'timeout reading request body',
    );
    const upgrade = `POST /echo-with-body HTTP/1.1\r\n${JSON_HEADERS}${UPGRADE}\r\n{`;
    expect(await answerTo(upgrade)).toContain('timeout reading request body');
  });

  async function answerTo(start: string): Promise<string> {
    const socket = createConnection(slowPath);
    socket.write(start);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString();
  }
});

test('headers beyond all measure are refused', async () => {
  const socket = await connect();
  socket.write(`GET /wait HTTP/1.1\r\nHost: d\r\nX-Long: ${'x'.repeat(80 * 1024)}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
});

test('a connection is reused after a body that the handler refused', async () => {
  expect((await fetchApi('POST', '/body', '{')).status).toBe(400);
  expect((await fetchApi('POST', '/body', '{}')).status).toBe(200);
});

test('a live socket is not taken over, nor is a file of another kind', async () => {
  await expect(serverOn(socketPath).start()).rejects.toThrow('another process is listening');
  const file = path.join(directory, 'file');
  writeFileSync(file, '');
  await expect(serverOn(file).start()).rejects.toThrow('is not a socket');
});

test('a path that the kernel would cut off is refused', async () => {
  const long = path.join(directory, 'x'.repeat(120));
  await expect(serverOn(long).start()).rejects.toThrow('socket path is longer than 107 bytes');
});

test('a socket file that a killed engine left is replaced', async () => {
  const [first, stale] = [path.join(directory, 'first.sock'), path.join(directory, 'stale.sock')];
  const dead = createNetServer().listen(first);
  await once(dead, 'listening');
  linkSync(first, stale);
  dead.close();
  await once(dead, 'close');
  const second = serverOn(stale);
  await second.start();
  await second.close();
});
