import { execFileSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** A web server that says its name. */
const SERVE = 'mkdir /www; echo "I am $NAME" > /www/index.html; exec httpd -f -p 80 -h /www';

function runServer(name: string, ...flags: string[]): Promise<string> {
  const common = ['-d', '--name', name, '-e', `NAME=${name}`];
  return engine.dockerOk('run', ...common, ...flags, 'busybox', 'sh', '-c', SERVE);
}

/** A container answers a little after it started: its server binds when it is scheduled. */
const FETCH = 'i=0; until wget -qO- "http://$0/" || [ $i -ge 50 ]; do i=$((i+1)); sleep 0.1; done';
const fetchFrom = (name: string, host: string): Promise<string> =>
  engine.dockerOk('exec', name, 'sh', '-c', `${FETCH} 2>/dev/null`, host);

async function fetchFromHost(authority: string): Promise<string> {
  return execFileSync(
    'curl',
    ['-s', '--retry', '50', '--retry-connrefused', '--retry-delay', '0', '-m', '5', `http://${authority}/`],
    {
      encoding: 'utf8',
    },
  ).trim();
}

async function portOf(name: string): Promise<string> {
  return (await engine.dockerOk('port', name, '80/tcp')).split('\n')[0] ?? '';
}

/** An address of this machine other than loopback and our bridges. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((infos) => infos ?? [])
    .find((info) => info.family === 'IPv4' && !info.internal && !info.address.startsWith('172.'));
  return found?.address ?? expect.fail('this machine has no address');
}

test('three networks are predefined and cannot be removed or made again', async () => {
  expect(await engine.dockerOk('network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}')).toBe(
    'bridge bridge local\nhost host local\nnone null local',
  );
  const removed = await engine.api('DELETE', '/networks/bridge');
  expect(removed.status).toBe(403);
  expect(removed.json).toEqual({ message: 'bridge is a pre-defined network and cannot be removed' });
  expect((await engine.api('POST', '/networks/create', { Name: 'host' })).status).toBe(403);
  const ids = await engine.dockerOk('network', 'ls', '-q', '--no-trunc');
  await engine.restart();
  expect(await engine.dockerOk('network', 'ls', '-q', '--no-trunc')).toBe(ids);
});

test('wrong requests are answered with the status and words of Docker', async () => {
  const create = (body: object) => engine.api<{ message: string }>('POST', '/networks/create', body);
  expect((await create({ Name: 'wrong', Driver: 'nope' })).status).toBe(404);
  expect((await create({ Name: 'wrong', Driver: 'overlay' })).status).toBe(503);
  expect((await create({ Name: 'wrong', IPAM: { Config: [{ Subnet: '10.0.0.0/99' }] } })).status).toBe(400);
  const overlap = await create({ Name: 'wrong', IPAM: { Config: [{ Subnet: engine.subnet }] } });
  expect(overlap.status).toBe(403);
  expect(overlap.json.message).toContain('Pool overlaps with other one on this address space');
  await create({ Name: 'once' });
  const twice = await create({ Name: 'once' });
  expect([twice.status, twice.json.message]).toEqual([409, 'network with name once already exists']);
  const missing = await engine.api('GET', '/networks/nope');
  expect([missing.status, missing.json]).toEqual([404, { message: 'network nope not found' }]);
  expect((await engine.api('POST', '/networks/once/connect', { Container: 'x' })).status).toBe(404);
  await engine.dockerOk('network', 'rm', 'once');
});

test('a container is not made with settings that its networks cannot give, nor connected with them', async () => {
  await engine.dockerOk('network', 'create', '--subnet', '10.253.7.0/24', 'narrow');
  const create = (network: string, settings: object) =>
    engine.api<{ message: string }>('POST', '/containers/create', {
      Image: 'busybox',
      HostConfig: { NetworkMode: network },
      NetworkingConfig: { EndpointsConfig: { [network]: settings } },
    });
  const address = (IPv4Address: string) => ({ IPAMConfig: { IPv4Address } });
  const predefined = 'user-specified IP address is supported on user-defined networks only';
  for (const [network, settings, text] of [
    ['host', address('10.253.7.9'), predefined],
    ['none', address('10.253.7.9'), predefined],
    ['default', { Aliases: ['web'] }, 'network-scoped aliases are only supported for user-defined networks'],
    ['narrow', address('10.254.7.9'), 'no configured subnet contains IP address 10.254.7.9'],
    ['later', address('10.254.7'), 'invalid IPv4 address: 10.254.7'],
  ] as const) {
    const { status, json } = await create(network, settings);
    expect(status).toBe(400);
    expect(json.message).toContain(`invalid config for network ${network}: invalid endpoint settings:\n`);
    expect(json.message).toContain(text);
  }
  expect(await create('narrow', { MacAddress: 'x' })).toMatchObject({ status: 400 });
  await engine.dockerOk(
    'create',
    '--name',
    'wishful',
    '--network',
    'narrow',
    '--ip',
    '10.253.7.9',
    'busybox',
  );
  await engine.dockerOk('network', 'create', '--subnet', '10.253.8.0/24', 'second');
  const connected = await engine.docker('network', 'connect', '--ip', '10.253.7.9', 'second', 'wishful');
  expect(connected.stderr).toContain('no configured subnet contains IP address 10.253.7.9');
  await engine.dockerOk('rm', 'wishful');
  await engine.dockerOk('network', 'rm', 'narrow', 'second');
});

test('networks are listed by their filters', async () => {
  await engine.dockerOk('network', 'create', '--label', 'team=a', 'filtered');
  const list = (...filters: string[]) =>
    engine.dockerOk('network', 'ls', '--format', '{{.Name}}', ...filters.flatMap((filter) => ['-f', filter]));
  expect(await list('type=custom')).toBe('filtered');
  expect(await list('label=team=a', 'name=filt')).toBe('filtered');
  expect(await list('label=team=b')).toBe('');
  expect(await list('name=^filt')).toBe('filtered');
  expect(await list('name=^ilter', 'name=d$')).toBe('filtered');
  expect(await list('name=^ilter')).toBe('');
  expect(await list('dangling=true')).toBe('filtered');
  expect(await list('driver=null')).toBe('none');
  expect((await engine.docker('network', 'ls', '-f', 'nope=1')).stderr).toContain("invalid filter 'nope'");
  expect(await engine.dockerOk('network', 'prune', '-f', '--filter', 'label!=team=a')).toBe('');
  expect(await engine.dockerOk('network', 'prune', '-f')).toContain('filtered');
});

test('containers on a user-defined network find each other by name and alias as they come and go', async () => {
  await engine.dockerOk('network', 'create', 'app');
  await runServer('web', '--network', 'app', '--network-alias', 'frontend');
  await runServer('db', '--network', 'app');
  expect(await fetchFrom('db', 'web')).toBe('I am web');
  expect(await fetchFrom('db', 'frontend')).toBe('I am web');
  expect(await fetchFrom('web', 'db')).toBe('I am db');
  const { Containers } = JSON.parse(
    await engine.dockerOk('network', 'inspect', 'app', '-f', '{{json .}}'),
  ) as {
    Containers: Record<string, { Name: string; IPv4Address: string }>;
  };
  expect(
    Object.values(Containers)
      .map(({ Name }) => Name)
      .sort(),
  ).toEqual(['db', 'web']);
  const refused = await engine.api<{ message: string }>('DELETE', '/networks/app');
  expect(refused.status).toBe(403);
  expect(refused.json.message).toMatch(
    /^error while removing network: network app id \w+ has active endpoints/,
  );
  await engine.dockerOk('rm', '-f', 'web');
  expect((await engine.docker('exec', 'db', 'nslookup', 'frontend')).code).not.toBe(0);
  await engine.dockerOk('rm', '-f', 'db');
  await engine.dockerOk('network', 'rm', 'app');
});

test('an address asked for is given, on networks with a subnet of their own only', async () => {
  const subnet = engine.subnet.replace(/^10\.(\d+)\./, (_, second: string) => `10.${255 - Number(second)}.`);
  const address = subnet.replace(/\.0\/24$/, '.77');
  await engine.dockerOk('network', 'create', '--subnet', subnet, 'fixed');
  const show = ['ip', '-o', '-4', 'address', 'show', 'eth0'];
  const shown = await engine.dockerOk(
    'run',
    '--rm',
    '--network',
    'fixed',
    '--ip',
    address,
    'busybox',
    ...show,
  );
  expect(shown).toContain(`${address}/24`);
  const refused = await engine.docker(
    'run',
    '--rm',
    '--network',
    'bridge',
    '--ip',
    '10.0.0.5',
    'busybox',
    'true',
  );
  expect(refused.stderr).toContain('user-specified IP address is supported on user-defined networks only');
  await engine.dockerOk('network', 'rm', 'fixed');
});

test('a published port is reached through every address of the host until the container stops', async () => {
  await runServer('site', '-p', '80');
  const port = (await portOf('site')).replace('0.0.0.0:', '');
  expect(await fetchFromHost(`127.0.0.1:${port}`)).toBe('I am site');
  expect(await fetchFromHost(`${ownAddress()}:${port}`)).toBe('I am site');
  await engine.dockerOk('stop', '-t', '0', 'site');
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  await engine.dockerOk('rm', 'site');
});

test('a port bound to 127.0.0.1 is not there on other addresses', async () => {
  await runServer('private', '-p', '127.0.0.1::80');
  const authority = await portOf('private');
  expect(await fetchFromHost(authority)).toBe('I am private');
  await expect(fetch(`http://${authority.replace('127.0.0.1', ownAddress())}/`)).rejects.toThrow(
    'fetch failed',
  );
  await engine.dockerOk('rm', '-f', 'private');
});

test('-P publishes every exposed port on a port of its own', async () => {
  await runServer('all', '-P', '--expose', '80', '--expose', '53/udp');
  const ports = await engine.dockerOk('port', 'all');
  expect(ports).toMatch(/^53\/udp -> 0\.0\.0\.0:\d+$/m);
  expect(await fetchFromHost(await portOf('all'))).toBe('I am all');
  await engine.dockerOk('rm', '-f', 'all');
});

test('a port in use is refused naming the container or the process that has it', async () => {
  await runServer('first', '-p', '127.0.0.1::80');
  const taken = `${await portOf('first')}:80`;
  const byContainer = await engine.docker('run', '--name', 'second', '-p', taken, 'busybox', 'true');
  expect(byContainer.code).toBe(125);
  expect(byContainer.stderr).toContain('driver failed programming external connectivity on endpoint second');
  expect(byContainer.stderr).toContain('port is already allocated by container first');

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const byProcess = await engine.docker('run', '--rm', '-p', `127.0.0.1:${port}:80`, 'busybox', 'true');
  expect(byProcess.stderr).toContain('address already in use');
  expect(byProcess.stderr).toContain(`pid ${process.pid}`);
  await new Promise((resolve) => server.close(resolve));
  await engine.dockerOk('rm', '-f', 'first', 'second');
});

test('without a network there is only loopback, with the one of the host there is everything', async () => {
  const links = ['ls', '/sys/class/net'];
  expect(await engine.dockerOk('run', '--rm', '--network', 'none', 'busybox', ...links)).toBe('lo');
  const onHost = await engine.dockerOk(
    'run',
    '--rm',
    '--network',
    'host',
    'busybox',
    'ip',
    '-o',
    '-4',
    'address',
  );
  expect(onHost).toContain(ownAddress());
  expect(await engine.dockerOk('run', '--rm', '--network', 'host', 'busybox', 'hostname')).toBe(hostname());
});

test('a container in the network of another has its address, its names and its loopback', async () => {
  const id = await runServer('owner', '--add-host', 'up:host-gateway');
  const guest = ['run', '--rm', '--network', 'container:owner', 'busybox'];
  expect(await engine.dockerOk(...guest, 'sh', '-c', `${FETCH} 2>/dev/null`, '127.0.0.1')).toBe('I am owner');
  const hosts = await engine.dockerOk(...guest, 'cat', '/etc/hosts');
  expect(hosts).toContain(`\t${id.slice(0, 12)}`);
  expect(hosts).toContain(`${engine.subnet.replace(/\.0\/24$/, '.1')}\tup`);
  await engine.dockerOk('rm', '-f', 'owner');
});

test('nameservers and search domains are as asked for', async () => {
  const flags = ['--dns', '192.0.2.53', '--dns-search', 'example.org', '--dns-option', 'ndots:2'];
  const content = await engine.dockerOk('run', '--rm', ...flags, 'busybox', 'cat', '/etc/resolv.conf');
  expect(content.split('\n').slice(1, -1)).toEqual([
    'nameserver 192.0.2.53',
    'search example.org',
    'options ndots:2',
  ]);
});

test('a container that does not run changes its networks for the next start', async () => {
  await engine.dockerOk('network', 'create', 'first');
  await engine.dockerOk('network', 'create', 'second');
  await engine.dockerOk('create', '--name', 'mover', '--network', 'first', 'busybox', 'sleep', '1000');
  await engine.dockerOk('network', 'disconnect', 'first', 'mover');
  const again = await engine.docker('network', 'disconnect', 'first', 'mover');
  expect(again.stderr).toMatch(/container \w{64} is not connected to the network first/);
  await engine.dockerOk('network', 'connect', '--alias', 'db', 'second', 'mover');
  await engine.dockerOk('start', 'mover');
  const names = await engine.dockerOk('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'mover');
  expect(Object.keys(JSON.parse(names) as object)).toEqual(['second']);
  expect(await engine.dockerOk('exec', 'mover', 'nslookup', 'db')).toContain('Name:\tdb');
  await engine.dockerOk('stop', '-t', '0', 'mover');
  await engine.dockerOk('network', 'rm', 'first', 'second');
  await engine.dockerOk('network', 'disconnect', '-f', 'second', 'mover');
  expect(await engine.dockerOk('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'mover')).toBe('{}');
  await engine.dockerOk('rm', 'mover');
});

test('a running container joins and leaves networks, which take its ports and its way out along', async () => {
  await engine.dockerOk('network', 'create', 'left');
  await engine.dockerOk('network', 'create', 'right');
  await runServer('nomad', '--network', 'left', '-p', '80');
  const authority = (await portOf('nomad')).replace('0.0.0.0', '127.0.0.1');
  const gateway = (network: string): Promise<string> =>
    engine.dockerOk('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', network);
  const wayOut = (): Promise<string> => engine.dockerOk('exec', 'nomad', 'ip', 'route', 'show', 'default');
  await engine.dockerOk('network', 'connect', '--gw-priority', '5', '--alias', 'roamer', 'right', 'nomad');
  expect(await wayOut()).toContain(`via ${await gateway('right')} dev eth1`);
  expect(await fetchFromHost(authority)).toBe('I am nomad');
  const twice = await engine.api<{ message: string }>('POST', '/networks/right/connect', {
    Container: 'nomad',
  });
  expect([twice.status, twice.json.message]).toEqual([
    403,
    'endpoint with name nomad already exists in network right',
  ]);
  await engine.dockerOk('network', 'disconnect', 'left', 'nomad');
  expect(await engine.dockerOk('exec', 'nomad', 'ls', '/sys/class/net')).toBe('eth1\nlo');
  expect(await fetchFromHost(authority)).toBe('I am nomad');
  await engine.restart();
  await engine.dockerOk('network', 'connect', 'left', 'nomad');
  await engine.dockerOk('network', 'disconnect', 'right', 'nomad');
  expect(await wayOut()).toContain(`via ${await gateway('left')} dev eth0`);
  expect(await fetchFromHost(authority)).toBe('I am nomad');
  await engine.dockerOk('network', 'disconnect', 'left', 'nomad');
  expect(await wayOut()).toBe('');
  expect(await engine.dockerOk('port', 'nomad')).toBe('');
  const again = await engine.docker('network', 'disconnect', 'left', 'nomad');
  expect(again.stderr).toMatch(/container \w{64} is not connected to network left/);
  const events = await engine.dockerOk(
    'events',
    '--since',
    '1h',
    '--until',
    String(Date.now() / 1000),
    '--filter',
    'type=network',
    '--filter',
    'network=left',
    '--format',
    '{{.Action}}',
  );
  expect(events.split('\n')).toEqual(['create', 'connect', 'disconnect', 'connect', 'disconnect']);
  await engine.dockerOk('rm', '-f', 'nomad');
  await engine.dockerOk('network', 'rm', 'left', 'right');
});

test('SIGKILL of the engine leaves ports reachable, and the next engine has them reserved again', async () => {
  await engine.dockerOk('network', 'create', 'kept');
  await runServer('survivor', '--network', 'kept', '-p', '127.0.0.1::80');
  await engine.dockerOk('run', '-d', '--name', 'friend', '--network', 'kept', 'busybox', 'sleep', '1000');
  const authority = await portOf('survivor');
  await engine.kill9();
  expect(await fetchFromHost(authority)).toBe('I am survivor');
  await engine.restart();
  expect(await fetchFromHost(authority)).toBe('I am survivor');
  expect(await fetchFrom('friend', 'survivor')).toBe('I am survivor');
  const again = await engine.docker('run', '--rm', '-p', `${authority}:80`, 'busybox', 'true');
  expect(again.stderr).toContain('port is already allocated by container survivor');
  await runServer('newcomer', '--network', 'kept');
  expect(await fetchFrom('friend', 'newcomer')).toBe('I am newcomer');
  await engine.dockerOk('rm', '-f', 'survivor', 'friend', 'newcomer');
  await engine.dockerOk('network', 'rm', 'kept');
});

test('an engine that was killed without containers clears its bridges and rules when it is back', async () => {
  const alone = await startEngine();
  await alone.dockerOk('network', 'create', 'unused');
  await alone.dockerOk('run', '--rm', '-p', '80', 'busybox', 'true');
  const tables = (): string => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  expect(tables()).toContain(alone.bridge);
  await alone.kill9();
  await alone.restart();
  expect(tables()).not.toContain(alone.bridge);
  expect(await alone.dockerOk('network', 'ls', '-q', '-f', 'name=unused')).not.toBe('');
  await alone.stop();
});
