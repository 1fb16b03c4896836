import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { HostInterface, NetworkLink } from '../wire/network.ts';
import type { ReachReply, ReachRequest } from '../wire/reach.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

const BINARY = fileURLToPath(new URL('../../build/native/gantry-shim', import.meta.url));

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.dockerOk('network', 'create', 'app');
  await engine.dockerOk('network', 'create', 'other');
  await engine.dockerOk('network', 'create', '--internal', 'inside');
  await engine.dockerOk('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'strict');
  await run('client', '--network', 'app');
  const server = 'httpd -p 80 && httpd -p 127.0.0.1:81 && sleep 1000';
  await run('server', '--network', 'app', '--network-alias', 'web', 'busybox', 'sh', '-c', server);
  await run('far', '--network', 'other', 'busybox', 'httpd', '-f');
  await run('enclosed', '--network', 'inside');
  await run('old1', '--network', 'bridge');
  await run('old2', '--network', 'bridge');
  await run('strict1', '--network', 'strict');
  await run('strict2', '--network', 'strict', 'busybox', 'httpd', '-f');
  await run('lonely', '--network', 'none');
  const isListening = async (source: string, Container: string, Port: number) =>
    expect((await reach(source, { Container, Port })).Listening).not.toEqual([]);
  await vi.waitFor(
    () =>
      Promise.all([
        isListening('client', 'server', 80),
        isListening('client', 'server', 81),
        isListening('client', 'far', 80),
        isListening('strict1', 'strict2', 80),
      ]),
    20_000,
  );
});
afterAll(() => engine.stop());

function run(name: string, ...flags: string[]): Promise<string> {
  const command = flags.includes('busybox') ? [] : ['busybox', 'sleep', '1000'];
  return engine.dockerOk('run', '-d', '--name', name, ...flags, ...command);
}

function post(source: string, request: ReachRequest) {
  return engine.api<ReachReply & { message?: string }>(
    'POST',
    `/gantry/v1/containers/${source}/reach`,
    request,
  );
}

async function reach(source: string, request: ReachRequest): Promise<ReachReply> {
  const { status, json } = await post(source, request);
  if (status !== 200) throw new Error(`${status} ${json.message}`);
  return json;
}

test('a server on the same network is reached by its name, its alias and its address', async () => {
  const byName = await reach('client', { Container: 'server', Port: 80 });
  expect(byName).toMatchObject({
    Verdict: 'reachable',
    FailingHop: '',
    Shared: [{ Name: 'app' }],
    Name: { Asked: 'server', Through: 'dns', Servers: ['127.0.0.11'], Failure: '' },
  });
  const address = byName.Name.Addresses[0] ?? '';
  expect(byName.Attempts).toEqual([
    {
      Address: address,
      Route: { Interface: 'eth0', Gateway: '', Source: expect.stringMatching(/^\d/), Failure: '' },
      Connection: { Failure: '' },
    },
  ]);
  for (const Host of ['web', address]) {
    const reply = await reach('client', { Host, Port: 80 });
    expect(reply).toMatchObject({ Verdict: 'reachable', Target: { Name: 'server' } });
  }
});

test('a closed port and one that is bound to 127.0.0.1 are told apart', async () => {
  expect(await reach('client', { Container: 'server', Port: 82 })).toMatchObject({
    Verdict: 'port-closed',
    FailingHop: 'port',
    Listening: [],
    Attempts: [{ Connection: { Failure: 'ECONNREFUSED' } }],
  });
  expect(await reach('client', { Container: 'server', Port: 81 })).toMatchObject({
    Verdict: 'loopback-only',
    FailingHop: 'port',
    Listening: ['127.0.0.1'],
  });
});

test('a name that nobody has ends at the name', async () => {
  expect(await reach('enclosed', { Host: 'nobody', Port: 80 })).toMatchObject({
    Verdict: 'name-unknown',
    FailingHop: 'name',
    Name: { Failure: 'unknown', Servers: ['127.0.0.11'] },
    Attempts: [],
  });
});

test('names do not work on the default network, addresses do', async () => {
  expect(await reach('old1', { Container: 'old2', Port: 80 })).toMatchObject({
    FailingHop: 'name',
    Verdict: 'name-on-default-bridge',
    Attempts: [{ Connection: { Failure: 'ECONNREFUSED' } }],
  });
});

test('networks are isolated from each other, by name and by address', async () => {
  const byName = await reach('client', { Container: 'far', Port: 80 });
  expect(byName).toMatchObject({ Verdict: 'isolated', FailingHop: 'network', Shared: [] });
  const [attempt] = byName.Attempts;
  expect(attempt?.Connection.Failure).toBe('ETIMEDOUT');
  expect(await reach('client', { Host: attempt?.Address ?? '', Port: 80 })).toMatchObject({
    Verdict: 'isolated',
    Target: { Name: 'far' },
  });
  await engine.dockerOk('network', 'connect', 'app', 'far');
  expect((await reach('client', { Container: 'far', Port: 80 })).Verdict).toBe('reachable');
  await engine.dockerOk('network', 'disconnect', 'app', 'far');
});

test('an internal network has no route out, and a container on none has no network', async () => {
  expect(await reach('enclosed', { Host: '192.0.2.1', Port: 80 })).toMatchObject({
    Verdict: 'no-route',
    FailingHop: 'route',
    Attempts: [{ Route: { Failure: 'ENETUNREACH' } }],
  });
  expect(await reach('lonely', { Container: 'server', Port: 80 })).toMatchObject({
    Verdict: 'no-network',
    FailingHop: 'network',
  });
});

test('a network that keeps its containers apart is named', async () => {
  expect(await reach('strict1', { Container: 'strict2', Port: 80 })).toMatchObject({
    Verdict: 'icc-off',
    FailingHop: 'connection',
  });
});

const UDP_SERVER = `require('dgram').createSocket('udp4').bind(90, () => console.log('up'))`;

test('of UDP is told who listens', async () => {
  const pid = await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', 'server');
  const udp = spawn('nsenter', ['-t', pid, '-n', process.execPath, '-e', UDP_SERVER]);
  onTestFinished(async () => {
    udp.kill();
    await once(udp, 'exit');
  });
  await once(udp.stdout, 'data');
  const open = await reach('client', { Container: 'server', Port: 90, Protocol: 'udp' });
  expect(open).toMatchObject({ Verdict: 'listening', Listening: ['0.0.0.0'] });
  expect(await reach('client', { Container: 'server', Port: 91, Protocol: 'udp' })).toMatchObject({
    Verdict: 'port-closed',
    Listening: [],
  });
});

test('a container in the network of another is reached as that one', async () => {
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'guest',
    '--network',
    'container:client',
    'busybox',
    'sleep',
    '1000',
  );
  expect((await reach('guest', { Container: 'server', Port: 80 })).Verdict).toBe('reachable');
  expect((await reach('server', { Host: 'client', Port: 80 })).Verdict).toBe('port-closed');
});

test('an IPv6 network is gone through, too', async () => {
  await engine.dockerOk('network', 'create', '--ipv6', '--ipv4=false', 'six');
  await run('six1', '--network', 'six');
  await run('six2', '--network', 'six', 'busybox', 'httpd', '-f');
  const ask = () => reach('six1', { Container: 'six2', Port: 80 });
  await expect.poll(async () => (await ask()).Verdict).toBe('reachable');
  expect((await ask()).Attempts[0]?.Address).toContain(':');
  expect((await reach('six1', { Container: 'six2', Port: 81 })).Verdict).toBe('port-closed');
});

test('a container in the host’s network reaches what the host does', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port: Port } = server.address() as AddressInfo;
  await run('guest-of-host', '--network', 'host');
  expect(await reach('guest-of-host', { Host: 'localhost', Port })).toMatchObject({
    Verdict: 'reachable',
    Name: { Through: 'hosts' },
    Attempts: expect.arrayContaining([expect.objectContaining({ Address: '127.0.0.1' })]),
  });
  expect((await reach('client', { Host: '127.0.0.1', Port })).Verdict).toBe('port-closed');
});

test('a client that hangs up ends its test', async () => {
  // Long enough to be seen: nobody answers at any of them.
  const servers = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].flatMap((address) => ['--dns', address]);
  await run('waiting', '--network', 'bridge', ...servers);
  const path = '/gantry/v1/containers/waiting/reach';
  const asked = request({ socketPath: engine.socketPath, method: 'POST', path });
  asked.on('error', () => undefined).setHeader('Content-Type', 'application/json');
  asked.end(JSON.stringify({ Host: 'somebody', Port: 80 }));
  await expect.poll(visits).toHaveLength(1);
  asked.destroy();
  await expect.poll(visits).toEqual([]);
});

/** Processes of the engine that are in a container's network. */
function visits(): string[] {
  const children = readFileSync(`/proc/${engine.pid()}/task/${engine.pid()}/children`, 'utf8');
  return children
    .trim()
    .split(' ')
    .filter((pid) => pid !== '' && commandOf(pid).includes('visit-network'));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

// SECURITY: the pid of a container that ended may be one of the host's by now.
test('nobody is let into the network that the engine is in itself', async () => {
  const visit = promisify(execFile)(BINARY, ['visit-network', String(process.pid)]);
  await expect(visit).rejects.toMatchObject({ stderr: expect.stringMatching(/^ESRCH .*not in a container/) });
});

test('a stopped target is named, a stopped source is refused', async () => {
  await engine.dockerOk('create', '--name', 'stopped', '--network', 'app', 'busybox', 'true');
  expect(await reach('client', { Container: 'stopped', Port: 80 })).toMatchObject({
    Verdict: 'target-stopped',
    FailingHop: 'network',
  });
  expect(await post('stopped', { Container: 'client', Port: 80 })).toMatchObject({
    status: 409,
    json: { message: 'container stopped is not running' },
  });
});

// SECURITY: what a client says becomes lines of the helper that is in the container's network.
test.each<[ReachRequest, string]>([
  [{ Port: 80 }, 'neither a container nor a host to reach'],
  [{ Host: 'x\nconnect tcp 127.0.0.1 22 1', Port: 80 }, 'invalid host'],
  [{ Host: 'x y', Port: 80 }, 'invalid host'],
  [{ Host: 'x', Port: 65536 }, 'invalid port: 65536'],
  [{ Host: 'x', Port: 80, Protocol: 'icmp' }, 'invalid protocol: "icmp"'],
])('%j is refused', async (request, message) => {
  const { status, json } = await post('client', request);
  expect([status, json.message]).toEqual([400, expect.stringContaining(message)]);
});

test('no container and no host is made up', async () => {
  expect((await post('missing', { Host: 'x', Port: 80 })).status).toBe(404);
  expect((await post('client', { Container: 'missing', Port: 80 })).status).toBe(404);
});

test('each link of a container is known by the interface that its traffic is counted by', async () => {
  await engine.dockerOk('network', 'connect', 'other', 'client');
  const { json } = await engine.api<NetworkLink[]>('GET', '/gantry/v1/networks/links');
  const id = await engine.dockerOk('inspect', '-f', '{{.Id}}', 'client');
  const mine = json.filter(({ ContainerId }) => ContainerId === id);
  expect(mine.map(({ Interface }) => Interface).sort()).toEqual(['eth0', 'eth1']);
  const { json: stats } = await engine.api<{ networks: Record<string, unknown> }>(
    'GET',
    '/containers/client/stats?stream=false&one-shot=true',
  );
  expect(Object.keys(stats.networks).sort()).toEqual(['eth0', 'eth1']);
});

test('interfaces to stack a network on are the host’s own', async () => {
  const { json } = await engine.api<HostInterface[]>('GET', '/gantry/v1/networks/parents');
  const names = json.map(({ Name }) => Name);
  expect(names).not.toContain('lo');
  expect(names).not.toContain(engine.bridge);
  expect(names.filter((name) => name.startsWith('gv'))).toEqual([]);
});
