import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { contract } from '../../electron/api/contract.ts';
import type { ComposeProgress, RunRequest, TerminalEvent } from '../../electron/api/types.ts';
import { startEngine, type TestEngine } from './harness.ts';

/** The built web-mode server in front of a real engine, driven through the typed client as the renderer does it. */
const BUNDLE = fileURLToPath(new URL('../../build/electron/web.mjs', import.meta.url));

type Api = ContractRouterClient<typeof contract>;

let engine: TestEngine;
let web: ChildProcess;
let address: URL;
let socket: WebSocket;
let api: Api;

beforeAll(async () => {
  engine = await startEngine();
  const dataDirectory = path.join(engine.directory, 'app');
  const flags = ['--port', '0', '--no-open', '--socket', engine.socketPath, '--data-dir', dataDirectory];
  web = spawn(process.execPath, [BUNDLE, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: web.stdout! }), 'line')) as [string];
  address = new URL(/^Gantry is at (http:\S+)$/.exec(line)![1]!);
  ({ api, socket } = await connect(address.hash.replace('#token=', '')));
});

afterAll(async () => {
  socket?.terminate();
  web?.kill('SIGTERM');
  const code: unknown = web && (web.exitCode ?? (await once(web, 'exit'))[0]);
  await engine?.stop();
  expect(code).toBe(0);
});

async function connect(token: string): Promise<{ api: Api; socket: WebSocket }> {
  const headers = { Origin: address.origin };
  const opened = new WebSocket(`ws://${address.host}/api`, ['gantry', `gantry.token.${token}`], { headers });
  await once(opened, 'open');
  return { api: createORPCClient(new RPCLink({ websocket: opened })), socket: opened };
}

function request(change: Partial<RunRequest> = {}): RunRequest {
  return {
    image: 'busybox',
    command: ['sleep', '1000'],
    environment: [],
    ports: [],
    mounts: [],
    tty: false,
    openStdin: false,
    restartPolicy: 'no',
    autoRemove: false,
    privileged: false,
    readonlyRootfs: false,
    labels: {},
    ...change,
  };
}

/** Reads until `wanted` says so; the stream is left then. */
async function readUntil<T>(stream: AsyncIterable<T>, wanted: (items: T[]) => boolean): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) {
    items.push(item);
    if (wanted(items)) break;
  }
  return items;
}

test('the page is served and the token opens the API, a wrong one does not', async () => {
  expect(address.hash).toMatch(/^#token=[\w-]{43}$/);
  const page = await fetch(`${address.origin}/`);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  await expect(connect('wrong')).rejects.toThrow('401');
});

test('a port in use and a wrong one are named', async () => {
  const flags = ['--no-open', '--socket', engine.socketPath, '--port'];
  const start = (port: string) => spawnSync(process.execPath, [BUNDLE, ...flags, port], { encoding: 'utf8' });
  const used = start(address.port);
  expect([used.status, used.stderr]).toEqual([
    1,
    `gantry: port ${address.port} of 127.0.0.1 is in use, choose another with --port\n`,
  ]);
  const wrong = start('70000');
  expect([wrong.status, wrong.stderr]).toEqual([2, 'gantry: invalid port: 70000\n']);
});

test('the connection tells the engine', async () => {
  const [state] = await readUntil(
    await api.connection.watch(),
    (states) => states.at(-1)!.state === 'connected',
  ).then((states) => states.slice(-1));
  expect(state).toMatchObject({ state: 'connected', engine: { gantry: true }, socket: engine.socketPath });
  expect((await api.system.summary()).cpus).toBeGreaterThan(0);
});

describe('a container', () => {
  let id: string;
  const script =
    'ln -s "a b.txt" /tmp/link; echo out; echo err >&2; trap "exit 7" TERM; while :; do sleep 0.1; done';

  beforeAll(async () => {
    ({ id } = await api.containers.run(
      request({
        name: 'front',
        command: ['sh', '-c', script],
        environment: ['A=1'],
        memoryBytes: 64 * 2 ** 20,
      }),
    ));
  });

  test('is listed and inspected', async () => {
    const row = (await api.containers.list()).find((container) => container.id === id);
    expect(row).toMatchObject({ name: 'front', state: 'running', image: 'busybox', networks: ['bridge'] });
    expect(await api.containers.inspect({ id })).toMatchObject({
      name: 'front',
      environment: expect.arrayContaining(['A=1']),
      limits: { memoryBytes: 64 * 2 ** 20 },
      status: expect.stringMatching(/^Up /),
    });
    expect((await api.containers.top({ id })).titles).toContain('PID');
  });

  test('refuses a taken name in the words of the engine', async () => {
    await expect(api.containers.run(request({ name: 'front' }))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(
        'Conflict. The container name "/front" is already in use by container',
      ),
    });
  });

  test('has stats', async () => {
    const points = await readUntil(await api.containers.stats({ id }), (all) => all.length === 2);
    expect(points[1]!.memoryBytes).toBeGreaterThan(0);
    expect(points[1]!.memoryLimitBytes).toBe(64 * 2 ** 20);
    expect(points[1]!.pids).toBeGreaterThan(0);
    expect(points[1]!.time).toBeGreaterThan(points[0]!.time);
  });

  test('has logs of both streams with times', async () => {
    const batches = await readUntil(
      await api.containers.logs({ id, follow: true }),
      (all) => all.flat().length >= 2,
    );
    const entries = batches.flat().toSorted((a, b) => (a.text < b.text ? -1 : 1));
    expect(entries.map(({ stream, text }) => `${stream} ${text}`)).toEqual(['stderr err', 'stdout out']);
    expect(entries[0]!.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test('has a terminal that echoes, resizes and tells its exit code', async () => {
    expect(await api.terminal.shells({ id })).toContain('/bin/sh');
    const stream = await api.terminal.open({ id, command: ['/bin/sh'], rows: 24, columns: 80 });
    const ready = (await stream.next()).value as Extract<TerminalEvent, { type: 'ready' }>;
    await api.terminal.resize({ sessionId: ready.sessionId, rows: 50, columns: 132 });
    await api.terminal.write({ sessionId: ready.sessionId, data: 'stty size; echo $((6*7))ü; exit 3\n' });
    const events = await readUntil(stream, (all) => all.at(-1)!.type === 'exit');
    const output = events.map((event) => (event.type === 'data' ? event.data : '')).join('');
    expect(output).toContain('50 132');
    expect(output).toContain('42ü');
    expect(events.at(-1)).toEqual({ type: 'exit', code: 3 });
    await expect(api.terminal.write({ sessionId: ready.sessionId, data: 'x' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('keeps no shell of a terminal that was closed', async () => {
    const shells = async () => {
      const { processes } = await api.containers.top({ id });
      return processes.filter((row) => row.at(-1) === '/bin/sh -i').length;
    };
    const stream = await api.terminal.open({ id, command: ['/bin/sh', '-i'], rows: 24, columns: 80 });
    await stream.next();
    await expect.poll(shells).toBe(1);
    await stream.return(undefined);
    await expect.poll(shells).toBe(0);
  });

  test('has files: upload, list, read, download', async () => {
    const content = Buffer.from('line 1\nzwei ü\n');
    const place = { kind: 'container' as const, id, path: '/tmp/a b.txt' };
    const { uploadId } = await api.files.uploadBegin({ ...place, sizeBytes: content.length });
    await api.files.uploadChunk({ uploadId, chunk: content.toString('base64') });
    await api.files.uploadFinish({ uploadId });
    const entry = (await api.files.list({ kind: 'container', id, path: '/tmp' })).find(
      ({ name }) => name === 'a b.txt',
    );
    expect(entry).toMatchObject({ type: 'file', sizeBytes: 15 });
    expect(await api.files.read({ kind: 'container', id, path: '/tmp/a b.txt' })).toEqual({
      encoding: 'utf8',
      content: 'line 1\nzwei ü\n',
      truncated: false,
    });
    const parts = await readUntil(
      await api.files.download({ kind: 'container', id, path: '/tmp/a b.txt' }),
      () => false,
    );
    expect(parts[0]!.fileName).toBe('a b.txt');
    expect(Buffer.concat(parts.map(({ chunk }) => Buffer.from(chunk, 'base64'))).toString()).toContain(
      'zwei ü',
    );
    expect((await api.files.read({ kind: 'container', id, path: '/tmp/link' })).content).toBe(
      'line 1\nzwei ü\n',
    );
    const tar = await readUntil(
      await api.files.download({ kind: 'container', id, path: '/tmp' }),
      () => false,
    );
    expect(tar[0]!.fileName).toBe('tmp.tar');
    await expect(api.files.read({ kind: 'container', id, path: '/nope' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(api.files.read({ kind: 'container', id, path: '/tmp' })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  test('is paused, renamed, stopped with its exit code and removed, and events tell it', async () => {
    const events = await api.events.watch();
    const gone = readUntil(events, (all) => all.at(-1)!.action === 'destroy' && all.at(-1)!.id === id);
    await api.containers.pause({ id });
    expect((await api.containers.inspect({ id })).state).toBe('paused');
    await api.containers.unpause({ id });
    await api.containers.rename({ id, name: 'renamed' });
    await api.containers.stop({ id });
    expect(await api.containers.inspect({ id })).toMatchObject({
      name: 'renamed',
      state: 'exited',
      exitCode: 7,
    });
    await api.containers.remove({ id, force: false, volumes: false });
    const actions = (await gone).filter((event) => event.id === id).map(({ action }) => action);
    for (const action of ['pause', 'unpause', 'rename', 'die', 'destroy']) expect(actions).toContain(action);
    await expect(api.containers.inspect({ id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('a run that cannot start leaves nothing behind', async () => {
  await expect(api.containers.run(request({ name: 'broken', command: ['/nope'] }))).rejects.toMatchObject({
    message: expect.stringContaining('/nope'),
  });
  expect((await api.containers.list()).map(({ name }) => name)).not.toContain('broken');
});

test('an image is tagged, loaded in parts, inspected and removed', async () => {
  await api.images.tag({ id: 'busybox', tag: 'localhost:5000/team/box:v1' });
  const image = (await api.images.list()).find(({ tags }) => tags.includes('localhost:5000/team/box:v1'));
  expect(await api.images.inspect({ id: image!.id })).toMatchObject({
    os: 'linux',
    history: expect.any(Array),
  });
  await api.images.remove({ id: 'localhost:5000/team/box:v1', force: false });
  const archive = readFileSync(fileURLToPath(new URL('../../build/starter/busybox.tar', import.meta.url)));
  const { uploadId } = await api.images.loadBegin();
  for (let offset = 0; offset < archive.length; offset += 500_000) {
    const chunk = archive.subarray(offset, offset + 500_000).toString('base64');
    await api.images.loadChunk({ uploadId, chunk });
  }
  expect((await api.images.loadFinish({ uploadId })).messages.join()).toContain('busybox');
  const broken = await api.images.loadBegin();
  await api.images.loadChunk({ uploadId: broken.uploadId, chunk: Buffer.from('no tar').toString('base64') });
  await expect(api.images.loadFinish({ uploadId: broken.uploadId })).rejects.toThrow();
});

test('volumes and networks are created, listed and removed', async () => {
  await api.volumes.create({ name: 'store', options: {}, labels: { a: 'b' } });
  expect(await api.volumes.list()).toMatchObject([{ name: 'store', labels: { a: 'b' }, usedBy: [] }]);
  await api.volumes.remove({ name: 'store', force: false });
  const { id } = await api.networks.create({
    name: 'inner',
    driver: 'bridge',
    internal: true,
    attachable: false,
    ipv4: true,
    ipv6: false,
    pools: [],
    options: {},
    labels: {},
  });
  expect((await api.networks.list()).find((network) => network.id === id)).toMatchObject({
    name: 'inner',
    internal: true,
    predefined: false,
  });
  await api.networks.remove({ id });
});

describe('a compose project', () => {
  const site = () => path.join(engine.directory, 'app/compose/shop/site');
  const file = (color: string) => `
services:
  web:
    image: busybox
    command: sh -c 'ping -c 1 -w 5 db >/dev/null && echo reached; echo $$COLOR > /data/color; trap "exit 0" TERM; while :; do sleep 0.1; done'
    environment: {COLOR: ${color}}
    volumes: ['data:/data', './site:/site:ro']
    depends_on: [db]
    networks: [front, back]
  db:
    image: busybox
    command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    networks: [back]
networks: {front: , back: {internal: true}}
volumes: {data: }
`;
  const statuses = (items: ComposeProgress[]) => items.map(({ name, status }) => `${name} ${status}`);
  const up = async () => statuses(await readUntil(await api.compose.up({ project: 'shop' }), () => false));

  test('is validated with places', async () => {
    const text = 'services:\n  web:\n    image: busybox\n    build: .\n';
    expect(await api.compose.validate({ project: 'shop', text })).toMatchObject([
      { severity: 'error', message: 'services.web.build is not supported yet', line: 4, column: 5 },
    ]);
    expect(await api.compose.schema()).toMatchObject({ properties: { services: expect.anything() } });
  });

  test('comes up in order, finds its services by name, and is known by its labels', async () => {
    mkdirSync(site(), { recursive: true });
    await api.compose.save({ project: 'shop', text: file('red') });
    const said = await up();
    expect(said.indexOf('shop-db-1 Started')).toBeLessThan(said.indexOf('shop-web-1 Creating'));
    expect(said.at(-1)).toBe('shop-web-1 Started');
    const projects = await api.compose.projects();
    expect(projects).toMatchObject([
      {
        project: 'shop',
        services: [
          { service: 'db', containers: 1, running: 1 },
          { service: 'web', containers: 1, running: 1 },
        ],
      },
    ]);
    const web = (await api.containers.list()).find(({ name }) => name === 'shop-web-1')!;
    expect(web.compose).toEqual({ project: 'shop', service: 'web' });
    expect(web.networks.toSorted()).toEqual(['shop_back', 'shop_front']);
    const logs = await readUntil(
      await api.containers.logs({ id: web.id, follow: true }),
      (all) => all.length > 0,
    );
    expect(logs.flat()[0]).toMatchObject({ text: 'reached' });
  });

  test('is kept when nothing changed, and recreated where something did, with its volume', async () => {
    expect(await up()).toEqual(['shop-db-1 Running', 'shop-web-1 Running']);
    await api.compose.save({ project: 'shop', text: file('blue') });
    expect(await up()).toEqual(expect.arrayContaining(['shop-db-1 Running', 'shop-web-1 Recreated']));
    const web = (await api.containers.list()).find(({ name }) => name === 'shop-web-1')!;
    await expect
      .poll(() =>
        api.files.read({ kind: 'container', id: web.id, path: '/data/color' }).then(({ content }) => content),
      )
      .toBe('blue\n');
  });

  test('goes down whole', async () => {
    const items = await readUntil(await api.compose.down({ project: 'shop', volumes: true }), () => false);
    expect(statuses(items)).toEqual(
      expect.arrayContaining([
        'shop-web-1 Removed',
        'shop-db-1 Removed',
        'shop_front Removed',
        'shop_data Removed',
      ]),
    );
    expect((await api.containers.list()).filter(({ compose }) => compose)).toEqual([]);
    expect((await api.volumes.list()).map(({ name }) => name)).not.toContain('shop_data');
    expect((await api.networks.list()).map(({ name }) => name)).not.toContain('shop_front');
    expect((await api.compose.read({ project: 'shop' })).text).toBe(file('blue'));
  });
});

test('an engine that is killed shows as disconnected, and as connected after its restart', async () => {
  const states = await api.connection.watch();
  const seen = readUntil(states, (all) => all.length > 1 && all.at(-1)!.state === 'connected');
  await engine.kill9();
  await engine.restart();
  // While it is away every new reason is told.
  const between = (await seen).slice(1, -1);
  expect(between.length).toBeGreaterThan(0);
  expect(between.every(({ state }) => state === 'disconnected')).toBe(true);
});
