import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ApiContext } from '../api/context.ts';
import type { contract } from '../api/contract.ts';
import { tarOfFile } from '../api/tar-file.ts';
import { createAppServices } from '../app-services.ts';
import { WebServer } from './web-server.ts';

/** The web server over a scripted engine: what the app does with replies, streams and hang-ups. */
const TOKEN = 'secret-token';
const logger = {
  debug: () => {},
  info: () => {},
  warn: (text: string) => void warnings.push(text),
  error: () => {},
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let directory: string;
let engine: Server;
let routes: Record<string, Handler>;
let context: ApiContext;
let server: WebServer;
let port: number;
let warnings: string[];
let clients: WebSocket[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-web-'));
  await writeFile(path.join(directory, 'index.html'), '<!doctype html>');
  routes = {};
  warnings = [];
  clients = [];
  engine = createServer((request, response) => {
    const handler = routes[`${request.method} ${request.url?.split('?')[0]}`];
    if (handler) return handler(request, response);
    response.writeHead(404).end(JSON.stringify({ message: 'page not found' }));
  });
  const socket = path.join(directory, 'engine.sock');
  await new Promise<void>((resolve) => engine.listen(socket, resolve));
  context = createAppServices({ socket, dataDirectory: path.join(directory, 'data') });
  server = new WebServer({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    rendererDirectory: directory,
    context,
    logger,
  });
  ({ port } = await server.start());
});

afterEach(async () => {
  for (const client of clients) client.terminate();
  await server.close();
  await context.connection.close();
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
  await rm(directory, { recursive: true });
});

const json =
  (value: unknown, status = 200): Handler =>
  (_, response) =>
    void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));

/** Resolves with the status of a plain request. */
async function statusOf(options: { path?: string; method?: string; headers?: Record<string, string> }) {
  const sent = request({ host: '127.0.0.1', port, ...options });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return { status: response.statusCode, headers: response.headers };
}

function open(
  protocols: string[],
  options: { origin?: string; host?: string; path?: string } = {},
): WebSocket {
  const { origin = `http://127.0.0.1:${port}`, host = `127.0.0.1:${port}`, path: at = '/api' } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${at}`, protocols, {
    headers: { Host: host, ...(origin !== '' && { Origin: origin }) },
  });
  socket.on('error', () => undefined);
  clients.push(socket);
  return socket;
}

async function refusalOf(socket: WebSocket): Promise<number | undefined> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return response.statusCode;
}

async function connect(): Promise<ContractRouterClient<typeof contract>> {
  const socket = open(['gantry', `gantry.token.${TOKEN}`]);
  await once(socket, 'open');
  expect(socket.protocol).toBe('gantry');
  return createORPCClient(new RPCLink({ websocket: socket }));
}

describe('the static files', () => {
  test('come with a strict policy', async () => {
    const { status, headers } = await statusOf({ path: '/' });
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain(`connect-src 'self' ws://127.0.0.1:${port};`);
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test.each([
    ['a foreign host', { headers: { Host: 'evil.example' } }, 403],
    ['a foreign origin', { headers: { Origin: 'http://evil.example' } }, 403],
    ['a POST', { method: 'POST' }, 405],
    ['a file outside', { path: '/..%2fsecret.json' }, 404],
    ['the API without an upgrade', { path: '/api' }, 404],
  ])('%s is refused', async (_, options, status) => {
    expect((await statusOf(options)).status).toBe(status);
  });
});

describe('the API socket', () => {
  const good = ['gantry', `gantry.token.${TOKEN}`];
  test.each([
    ['no token', ['gantry'], {}, 401],
    ['a wrong token', ['gantry', 'gantry.token.secret-tokem'], {}, 401],
    ['no origin', good, { origin: '' }, 403],
    ['a foreign origin', good, { origin: 'http://evil.example' }, 403],
    ['a rebound host name', good, { host: 'evil.example:80', origin: 'http://evil.example:80' }, 403],
    ['another path', good, { path: '/other' }, 404],
  ])('%s is refused', async (_, protocols, options, status) => {
    expect(await refusalOf(open(protocols, options))).toBe(status);
    expect(warnings.join()).not.toContain('secret');
  });

  test('a message over the limit closes the connection', async () => {
    const socket = open(good);
    await once(socket, 'open');
    socket.send(Buffer.alloc(33 * 1024 * 1024));
    expect((await once(socket, 'close'))[0]).toBe(1009);
  });

  test('an input that breaks the contract never reaches the engine', async () => {
    const api = await connect();
    await expect(api.files.list({ kind: 'container', id: 'x', path: 'relative' })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});

describe('the handlers', () => {
  test('pass the words and the code of the engine on', async () => {
    routes['POST /containers/x/start'] = json({ message: 'No such container: x' }, 404);
    const api = await connect();
    await expect(api.containers.start({ id: 'x' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'No such container: x',
      data: { code: 'NOT_FOUND', message: 'No such container: x' },
    });
  });

  test('SECURITY: an id cannot climb to another operation', async () => {
    const asked: (string | undefined)[] = [];
    engine.on('request', (incoming: IncomingMessage) => asked.push(incoming.url));
    const api = await connect();
    await expect(api.containers.start({ id: '../images/prune?' })).rejects.toThrow();
    expect(asked).toEqual(['/containers/..%2Fimages%2Fprune%3F/start']);
    await expect(api.containers.start({ id: '..' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  test('say that an engine without the Gantry operations has no file list', async () => {
    const api = await connect();
    await expect(api.files.list({ kind: 'container', id: 'x', path: '/' })).rejects.toMatchObject({
      code: 'NOT_AVAILABLE',
      message: 'not available on this engine',
    });
  });

  test('say of other engines that nobody can be reached for a test, and that no links are known', async () => {
    const api = await connect();
    const question = { source: 'x', host: 'y', port: 80, protocol: 'tcp' as const };
    await expect(api.networks.reach(question)).rejects.toMatchObject({ code: 'NOT_AVAILABLE' });
    expect(await api.networks.links()).toEqual([]);
    expect(await api.networks.hostInterfaces()).toEqual([]);
  });

  test('SECURITY: what the network forms send is checked before the engine is asked', async () => {
    const asked: (string | undefined)[] = [];
    engine.on('request', (incoming: IncomingMessage) => asked.push(incoming.url));
    const api = await connect();
    const question = { source: 'x', host: 'y', port: 80, protocol: 'tcp' as const };
    const refused = { code: 'BAD_REQUEST' };
    await expect(api.networks.reach({ ...question, port: 0 })).rejects.toMatchObject(refused);
    await expect(api.networks.reach({ ...question, protocol: 'x' as 'tcp' })).rejects.toMatchObject(refused);
    await expect(api.networks.reach({ ...question, source: '..' })).rejects.toMatchObject(refused);
    const endpoint = { network: '..', container: 'c', aliases: [], gatewayPriority: 0, driverOptions: {} };
    await expect(api.networks.connect(endpoint)).rejects.toMatchObject(refused);
    await expect(
      api.networks.disconnect({ network: '', container: 'c', force: false }),
    ).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
  });

  test('read stats as points, and hang up on the engine when the reader leaves', async () => {
    const closed = new Promise<void>((resolve) => {
      routes['GET /containers/x/stats'] = (_, response) => {
        response.on('close', resolve);
        response.writeHead(200);
        for (const second of [0, 1, 2]) {
          const read = new Date(second * 1000 + 1).toISOString();
          response.write(`${JSON.stringify({ read, pids_stats: { current: second } })}\n`);
        }
      };
    });
    const api = await connect();
    const pids: number[] = [];
    for await (const point of await api.containers.stats({ id: 'x' })) {
      pids.push(point.pids);
      if (pids.length === 2) break;
    }
    expect(pids).toEqual([1, 2]);
    await closed;
  });

  test('end the engine stream when the tab is gone', async () => {
    const closed = new Promise<void>((resolve) => {
      routes['GET /containers/x/logs'] = (_, response) => {
        response.on('close', resolve);
        response.writeHead(200);
        response.write('2026-01-01T00:00:00Z a\n');
      };
    });
    routes['GET /containers/x/json'] = json({ Config: { Tty: true } });
    const api = await connect();
    const logs = await api.containers.logs({ id: 'x', follow: true });
    expect((await logs.next()).value).toEqual([
      { stream: 'stdout', timestamp: '2026-01-01T00:00:00Z', text: 'a' },
    ]);
    clients[0]!.terminate();
    await closed;
  });

  test('fail a stream whose engine dies in the middle', async () => {
    routes['GET /containers/x/stats'] = (_, response) => {
      response.writeHead(200);
      response.write('{', () => response.destroy());
    };
    const api = await connect();
    await expect((await api.containers.stats({ id: 'x' })).next()).rejects.toMatchObject({
      data: expect.anything(),
    });
  });

  test('read the beginning of a file without waiting for the rest of it', async () => {
    const closed = new Promise<void>((resolve) => {
      const stat = Buffer.from(JSON.stringify({ name: 'f', mode: 0o644 })).toString('base64');
      routes['HEAD /containers/x/archive'] = (_, response) =>
        void response.writeHead(200, { 'X-Docker-Container-Path-Stat': stat }).end();
      routes['GET /containers/x/archive'] = (_, response) => {
        response.on('close', resolve);
        response.writeHead(200);
        // Two of three bytes of the character at the limit, and more that never ends.
        const text = Buffer.from(`${'x'.repeat(1024 * 1024 - 2)}€${'y'.repeat(1024 * 1024)}`);
        response.write(tarOfFile('f', text, 0o644, 0).subarray(0, -1024));
      };
    });
    const api = await connect();
    const { encoding, content, truncated } = await api.files.read({ kind: 'container', id: 'x', path: '/f' });
    expect({ encoding, truncated, length: content.length }).toEqual({
      encoding: 'utf8',
      truncated: true,
      length: 1024 * 1024 - 2,
    });
    await closed;
    expect(await api.settings.get()).toBeDefined();
  });

  test('load an image part by part and report what the engine says', async () => {
    const received: Buffer[] = [];
    routes['POST /images/load'] = (incoming, response) => {
      incoming.on('data', (chunk: Buffer) => received.push(chunk));
      incoming.on('end', () => response.end('{"stream":"Loaded image: a:1\\n"}\n'));
    };
    const api = await connect();
    const { uploadId } = await api.images.loadBegin();
    const part = Buffer.alloc(300_000, 'x');
    for (let i = 0; i < 4; i += 1) await api.images.loadChunk({ uploadId, chunk: part.toString('base64') });
    expect(await api.images.loadFinish({ uploadId })).toEqual({ messages: ['Loaded image: a:1'] });
    expect(Buffer.concat(received).length).toBe(1_200_000);
    await expect(api.images.loadFinish({ uploadId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('fail an upload that the engine refuses', async () => {
    routes['POST /images/load'] = (incoming, response) => {
      incoming.resume();
      incoming.on('end', () =>
        response.end('{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}'),
      );
    };
    const api = await connect();
    const { uploadId } = await api.images.loadBegin();
    await expect(api.images.loadFinish({ uploadId })).rejects.toMatchObject({ message: 'unexpected EOF' });
  });

  test('remove the container of a failed run', async () => {
    const calls: string[] = [];
    engine.on('request', (incoming: IncomingMessage) => calls.push(`${incoming.method} ${incoming.url}`));
    routes['POST /containers/create'] = json({ Id: 'new', Warnings: [] }, 201);
    routes['POST /containers/new/start'] = json({ message: 'port is already allocated' }, 500);
    const api = await connect();
    const run = {
      image: 'busybox',
      name: 'web',
      command: [],
      environment: [],
      ports: [],
      mounts: [],
      tty: false,
      openStdin: false,
      restartPolicy: 'no' as const,
      autoRemove: false,
      privileged: false,
      readonlyRootfs: false,
      labels: {},
    };
    await expect(api.containers.run(run)).rejects.toMatchObject({ message: 'port is already allocated' });
    expect(calls).toEqual([
      'POST /containers/create?name=web',
      'POST /containers/new/start',
      'DELETE /containers/new?force=true',
    ]);
  });

  test('keep settings', async () => {
    const api = await connect();
    expect(await api.settings.get()).toEqual({ theme: 'system', language: 'system' });
    await api.settings.set({ theme: 'dark' });
    expect(await api.settings.get()).toEqual({ theme: 'dark', language: 'system' });
  });

  test('answer the route of the log window in web mode', async () => {
    const api = await connect();
    expect(await api.windows.openLogs({ id: 'abc' })).toEqual({ opened: false, route: '/logs/abc' });
    await expect(api.windows.chooseFolder()).rejects.toMatchObject({ code: 'NOT_AVAILABLE' });
  });
});

describe('the connection', () => {
  test('goes from connecting to connected, tells events, and is lost with the engine', async () => {
    let send: (event: object) => void = () => undefined;
    let hangUp: () => void = () => undefined;
    routes['GET /version'] = json({
      Version: '0.1',
      ApiVersion: '1.48',
      Platform: { Name: 'Gantry Engine' },
    });
    routes['GET /events'] = (_, response) => {
      response.writeHead(200).flushHeaders();
      send = (event) => void response.write(`${JSON.stringify(event)}\n`);
      hangUp = () => void response.end();
    };
    const api = await connect();
    const states = await api.connection.watch();
    expect((await states.next()).value).toMatchObject({ state: 'connecting' });
    context.connection.start();
    expect((await states.next()).value).toMatchObject({
      state: 'connected',
      engine: { name: 'Gantry', version: '0.1', apiVersion: '1.48', gantry: true },
    });
    const events = await api.events.watch();
    const event = events.next();
    // The subscription is made when its first value is asked for: say it until it is heard.
    const repeat = setInterval(
      () => send({ Type: 'container', Action: 'start', Actor: { ID: 'x' }, time: 1 }),
      10,
    );
    expect((await event).value).toMatchObject({ type: 'container', action: 'start', id: 'x', time: 1000 });
    clearInterval(repeat);
    routes['GET /version'] = json({ message: 'no' }, 503);
    hangUp();
    expect((await states.next()).value).toMatchObject({ state: 'disconnected' });
  });
});
