import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOCUMENTED_OPERATIONS, OTHER_OPERATIONS, SWARM_OPERATIONS } from '../api/operations.ts';
import { runEngine } from './engine-process.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ starterImage: false });
});
afterAll(() => engine.stop());

describe('ping, version and info', () => {
  test('GET and HEAD ping carry what clients negotiate by', async () => {
    const ping = await engine.api('GET', '/_ping');
    expect(ping).toMatchObject({ status: 200, text: 'OK' });
    expect(ping.headers).toMatchObject({
      'api-version': '1.56',
      'docker-experimental': 'false',
      ostype: 'linux',
      server: expect.stringMatching(/^Gantry\/\d/),
      'builder-version': '1',
      swarm: 'inactive',
      'cache-control': 'no-cache, no-store, must-revalidate',
    });
    const head = await engine.api('HEAD', '/v1.40/_ping');
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['api-version']).toBe('1.56');
  });

  test('OPTIONS is answered on every path', async () => {
    expect((await engine.api('OPTIONS', '/v1.43/containers/x/json')).status).toBe(200);
  });

  test('versions outside the range are refused', async () => {
    const tooOld = await engine.api('GET', '/v1.10/version');
    expect(tooOld.status).toBe(400);
    // Clients of that age know no JSON errors.
    expect(tooOld.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(tooOld.text.trim()).toBe(
      'client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    );
    expect(await engine.api('GET', '/v1.99/version')).toMatchObject({
      status: 400,
      json: { message: 'client version 1.99 is too new. Maximum supported API version is 1.56' },
    });
  });

  test('docker version and docker info know the engine', async () => {
    expect(await engine.dockerOk('version', '--format', '{{.Server.Platform.Name}}')).toBe('Gantry');
    const info = JSON.parse(await engine.dockerOk('info', '--format', '{{json .}}')) as Record<
      string,
      unknown
    >;
    expect(info).toMatchObject({
      DockerRootDir: engine.dataRoot,
      DefaultRuntime: 'gantry',
      Containers: 0,
      OSType: 'linux',
    });
    expect(info['ServerErrors'] ?? []).toEqual([]);
  });
});

describe('bad requests', () => {
  test('an unknown path is 404, an unknown method on a known path too', async () => {
    const expected = { status: 404, json: { message: 'page not found' } };
    expect(await engine.api('GET', '/no/such/path')).toMatchObject(expected);
    expect(await engine.api('PUT', '/containers/json')).toMatchObject(expected);
  });

  test('malformed JSON and other types are 400', async () => {
    const post = (body: string, type: string) =>
      engine.api('POST', '/containers/create', body, { 'Content-Type': type });
    expect(await post('{"Image":', 'application/json')).toMatchObject({
      status: 400,
      json: { message: expect.stringMatching(/^invalid JSON: /) },
    });
    expect(await post('{}', 'text/plain')).toMatchObject({
      status: 400,
      json: { message: "unsupported Content-Type header (text/plain): must be 'application/json'" },
    });
  });

  test('an unknown filter is named', async () => {
    const filters = encodeURIComponent('{"color":["red"]}');
    for (const target of ['/containers/json', '/images/json', '/volumes', '/networks']) {
      expect(await engine.api('GET', `${target}?filters=${filters}`)).toMatchObject({
        status: 400,
        json: { message: "invalid filter 'color'" },
      });
    }
  });

  test('a web page is refused by its origin and by its host', async () => {
    expect((await engine.api('GET', '/version', undefined, { Origin: 'http://evil.com' })).status).toBe(403);
    expect((await engine.api('GET', '/version', undefined, { Host: 'evil.com' })).status).toBe(403);
  });

  test('attach to nothing is refused in plain words, as Docker does once a connection is to be taken over', async () => {
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
    const refused = await engine.api('POST', '/containers/nothing/attach?stdout=1', undefined, upgrade);
    expect(refused).toMatchObject({ status: 404, text: 'No such container: nothing\r\n' });
  });
});

describe('every operation', () => {
  const fill = (target: string): string => target.replaceAll(/\{\w+(\.\.\.)?\}/g, 'nothing');

  test.each([...DOCUMENTED_OPERATIONS, ...OTHER_OPERATIONS].map(({ method, path }) => `${method} ${path}`))(
    '%s answers or says that it is not implemented',
    async (operation) => {
      const [method = '', target = ''] = operation.split(' ');
      if (target === '/events') return;
      const { status, text, json, headers } = await engine.api<{ message?: string } | undefined>(
        method,
        fill(target),
      );
      if (method === 'HEAD') {
        expect(headers['api-version']).toBe('1.56');
        return;
      }
      expect(text, `an empty ${status}`).not.toBe('');
      expect(json?.message).not.toBe('page not found');
      if (status === 501) expect(json?.message).toMatch(/ is not implemented by Gantry yet$/);
      // Docker's own answers when Docker Hub cannot be reached, and without a Dockerfile.
      else if (!/^(Get "https:|Cannot locate specified Dockerfile)/.test(json?.message ?? '')) {
        expect(status).not.toBe(500);
      }
    },
  );

  test('swarm operations say that this is no swarm manager', async () => {
    for (const { method, path } of SWARM_OPERATIONS) {
      const { status, json } = await engine.api<{ message: string }>(method, fill(path));
      expect(status).toBe(503);
      expect(json.message).toMatch(/^This node is not a swarm manager\. /);
    }
    expect(await engine.api('GET', '/plugins')).toMatchObject({ status: 200, json: [] });
  });
});

describe('events', () => {
  interface OpenEvents {
    type: string | undefined;
    nextLine(): Promise<string>;
    next(): Promise<object>;
    close(): void;
  }

  async function openEvents(query: string, { version = '', accept = '*/*' } = {}): Promise<OpenEvents> {
    const target = { socketPath: engine.socketPath, path: `${version}/events?${query}` };
    const sent = request({ ...target, headers: { accept } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const lines = createInterface({ input: response })[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => (await lines.next()).value as string;
    return {
      type: response.headers['content-type'],
      nextLine,
      next: async () => JSON.parse(await nextLine()) as object,
      close: () => sent.destroy(),
    };
  }

  test('what happens is told live and again from the past, also after a restart', async () => {
    const live = await openEvents('filters={"type":["volume"]}');
    await engine.api('POST', '/volumes/create', { Name: 'told' });
    const created = await live.next();
    live.close();
    expect(created).toMatchObject({
      Type: 'volume',
      Action: 'create',
      Actor: { ID: 'told' },
      scope: 'local',
    });
    await engine.restart();
    const past = await openEvents('since=1h&filters={"volume":["told"]}');
    expect(await past.next()).toEqual(created);
    past.close();
  });

  test('the form is that of the API version, or the one that the client asks for', async () => {
    const emptyTar = Buffer.alloc(1024);
    await engine.api('POST', '/images/create?fromSrc=-', emptyTar, { 'Content-Type': 'application/x-tar' });
    const query = 'since=1h&filters={"event":["import"]}';
    const newest = await openEvents(query);
    expect(newest.type).toBe('application/jsonl');
    const event = await newest.next();
    // docker-compose 1 reads the fields of old, whatever the version.
    const flat = { status: 'import', id: expect.stringMatching(/./) as unknown };
    expect(event).toMatchObject({ Type: 'image', Action: 'import', ...flat });
    const older = await openEvents(query, { version: '/v1.51' });
    expect(older.type).toBe('application/json');
    expect(await older.next()).toEqual(event);
    const sequence = await openEvents(query, { accept: 'application/json-seq' });
    expect(sequence.type).toBe('application/json-seq');
    expect((await sequence.nextLine()).startsWith('\x1e{')).toBe(true);
    for (const stream of [newest, older, sequence]) stream.close();
  });

  test('a filter that is not known hides nothing', async () => {
    const past = await openEvents('since=1h&filters={"color":["red"],"volume":["told"]}');
    expect(await past.next()).toMatchObject({ Action: 'create' });
    past.close();
  });

  test('until in the past ends the stream', async () => {
    // Given in full: of a duration the CLI makes whole seconds.
    const until = (Date.now() / 1000).toFixed(3);
    const args = ['--since', '10m', '--until', until, '--filter', 'volume=told'];
    expect(await engine.dockerOk('events', ...args)).toMatch(/volume create told/);
  });

  test('since after until is refused', async () => {
    expect((await engine.api('GET', '/events?since=20&until=10')).status).toBe(400);
  });
});

describe('the process', () => {
  test('a second engine on the data root names the first', async () => {
    const other = [
      '--run-root',
      path.join(engine.directory, 'run2'),
      '--socket',
      path.join(engine.directory, '2.sock'),
    ];
    expect(await runEngine('--data-root', engine.dataRoot, ...other)).toEqual({
      code: 2,
      stdout: '',
      stderr: `engine: another engine (pid ${engine.pid()}) is using ${engine.dataRoot}\n`,
    });
  });

  test('unknown flags and unusable directories exit 2 and say why', async () => {
    expect(await runEngine('--nope')).toMatchObject({ code: 2, stderr: expect.stringContaining("'--nope'") });
    const file = path.join(engine.directory, 'file');
    writeFileSync(file, '');
    expect(await runEngine('--data-root', path.join(file, 'x'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`cannot use directory ${file}/x`),
    });
  });

  test('a data root of a newer engine is left alone', async () => {
    const dataRoot = path.join(engine.directory, 'newer');
    mkdirSync(dataRoot);
    writeFileSync(path.join(dataRoot, 'version'), '999\n');
    const roots = ['--data-root', dataRoot, '--run-root', path.join(engine.directory, 'run3')];
    expect(await runEngine(...roots)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('newer Gantry'),
    });
  });

  test('started through npm it says that it listens, ends by SIGTERM to npm and exits 0', async () => {
    const socket = path.join(engine.directory, 'npm.sock');
    const roots = [
      '--data-root',
      path.join(engine.directory, 'npm'),
      '--run-root',
      path.join(engine.directory, 'run4'),
    ];
    const npm = spawn('npm', ['run', '--silent', 'engine', '--', ...roots, '--socket', socket]);
    const [line] = (await once(npm.stdout, 'data')) as [Buffer];
    expect(line.toString()).toBe(`listening on unix://${socket}\n`);
    npm.kill('SIGTERM');
    expect(await once(npm, 'exit')).toEqual([0, null]);
    expect(existsSync(socket)).toBe(false);
  });

  test('after SIGKILL the same command starts again, with the same identity', async () => {
    const id = await engine.dockerOk('info', '--format', '{{.ID}}');
    await engine.kill9();
    await engine.restart();
    expect(await engine.dockerOk('info', '--format', '{{.ID}}')).toBe(id);
  });
});
