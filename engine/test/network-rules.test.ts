import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';

import { createNetworks, type Networks } from '../networks/create-networks.ts';
import type { Attachment, AttachRequest } from '../networks/networks.ts';

/**
 * The rules as packets meet them: containers are bare network namespaces, plugged in as the shim does it, and the
 * outside world is one more namespace behind a link of its own.
 */
const BINARY = fileURLToPath(new URL('../../build/native/gantry-shim', import.meta.url));
const tag = `g${process.pid.toString(36)}`;
const block = 100 + (process.pid % 100);
const bridgeSubnet = `10.${block}.1.0/24`;
const appSubnet = `10.${block}.2.0/24`;
const ourAddress = `10.${block}.3.1`;
const outsideAddress = `10.${block}.3.2`;

let dataRoot: string;
let networks: Networks;
const servers: ChildProcess[] = [];
const namespaces: string[] = [];

/** Exit status and trimmed output. */
function run(command: string): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { timeout: 10_000 }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code ?? -1) : 0, output: (stdout + stderr).trim() });
    });
  });
}

const stopped = new AbortController();

/** As the zygote does it: tasks end with it. */
async function runTask(argv: string[]): Promise<void> {
  try {
    await promisify(execFile)(BINARY, argv, { signal: stopped.signal });
  } catch (error) {
    const [, code] = /^(E[A-Z0-9]+) /.exec((error as { stderr?: string }).stderr ?? '') ?? [];
    throw Object.assign(error as Error, { code });
  }
}

async function sure(command: string): Promise<string> {
  const { status, output } = await run(command);
  if (status !== 0) throw new Error(`${command}: ${output}`);
  return output;
}

async function makeNamespace(name: string): Promise<string> {
  const namespace = `${tag}-${name}`;
  await sure(`ip netns add ${namespace} && ip -n ${namespace} link set lo up`);
  namespaces.push(namespace);
  return namespace;
}

async function startContainer(name: string, request: Partial<AttachRequest>): Promise<Attachment> {
  const attachment = await networks.attach({
    containerId: name,
    containerName: name,
    hostname: name,
    domainname: '',
    resolver: { dns: [], dnsSearch: [], dnsOptions: [] },
    endpoints: { bridge: {} },
    exposedPorts: [],
    portBindings: {},
    publishAllPorts: false,
    ...request,
  });
  const namespace = await makeNamespace(name);
  for (const { hostName, link, containerName, mac, addresses, gateway4 } of attachment.interfaces) {
    const inside = `ip -n ${namespace}`;
    await sure(
      [
        `ip link add ${hostName} type veth peer name ${containerName} address ${mac} netns ${namespace}`,
        `ip link set ${hostName} master ${link} up`,
        `${inside} address add ${addresses[0]} dev ${containerName}`,
        `${inside} link set ${containerName} up`,
        ...(gateway4 ? [`${inside} route add default via ${gateway4}`] : []),
      ].join(' && '),
    );
  }
  await networks.publish(name);
  return attachment;
}

const TCP_SERVER = `
  const [port, text] = process.argv.slice(1);
  require('net').createServer((s) => s.end(text + ' to ' + s.remoteAddress)).listen(port, () => console.log('up'));`;
const UDP_SERVER = `
  const [port, text] = process.argv.slice(1);
  const s = require('dgram').createSocket('udp4');
  s.on('message', (m, r) => s.send(text + ' to ' + r.address, r.port, r.address));
  s.bind(+port, () => console.log('up'));`;
const TCP_CLIENT = `
  const [host, port] = process.argv.slice(1);
  const s = require('net').connect({ host, port, timeout: 2500 });
  s.on('data', (d) => console.log(String(d))).on('error', (e) => { console.log(e.code); process.exit(1); });
  s.on('timeout', () => { console.log('timeout'); process.exit(1); });`;
const UDP_CLIENT = `
  const [host, port] = process.argv.slice(1);
  const s = require('dgram').createSocket('udp4');
  s.on('message', (m) => { console.log(String(m)); process.exit(); });
  s.send('hello', +port, host);
  setTimeout(() => { console.log('timeout'); process.exit(1); }, 2500);`;

/** Sends once for each line, always from the same port. */
const UDP_SENDER = `
  const [host, port] = process.argv.slice(1);
  const s = require('dgram').createSocket('udp4').on('message', (m) => console.log(String(m)));
  process.stdin.on('data', () => s.send('hello', +port, host)).on('end', () => process.exit());`;

async function serve(namespace: string, protocol: 'tcp' | 'udp', port: number, text: string): Promise<void> {
  const script = protocol === 'tcp' ? TCP_SERVER : UDP_SERVER;
  const argv = ['netns', 'exec', `${tag}-${namespace}`, process.execPath, '-e', script, String(port), text];
  const server = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(server);
  await once(server.stdout, 'data');
}

/** What a client in the namespace (undefined: this host) is answered: the server's text, or how it failed. */
async function ask(
  namespace: string | undefined,
  host: string,
  port: number,
  client = TCP_CLIENT,
): Promise<string> {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', `${tag}-${namespace}`];
  const command = [...inside, process.execPath, '-e', client, host, String(port)];
  return (await run(command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '))).output;
}

let tcpPort: number;
let udpPort: number;
let loopbackPort: number;
let webAddress: string;
let monkAddress: string;

beforeAll(async () => {
  dataRoot = await mkdtemp(path.join(tmpdir(), 'gantry-rules-'));
  networks = createNetworks({
    dataRoot,
    runRoot: path.join(dataRoot, 'run'),
    bridgeName: `${tag}br`,
    defaultSubnet: bridgeSubnet,
    events: { publish: () => undefined },
    logger: createLogger('warn'),
    runTask,
  });
  await networks.start();
  await networks.create({ Name: 'app', IPAM: { Config: [{ Subnet: appSubnet }] } });
  await networks.create({ Name: 'inside', Internal: true });
  const web = await startContainer('web', {
    portBindings: { '80/tcp': [{}], '53/udp': [{}], '81/tcp': [{ HostIp: '127.0.0.1' }] },
  });
  [tcpPort = 0, udpPort = 0, loopbackPort = 0] = web.ports
    .filter(({ hostIp }) => !hostIp.includes(':'))
    .map(({ hostPort }) => hostPort);
  webAddress = web.endpoints[0]?.ipv4 ?? '';
  await startContainer('peer', {});
  await startContainer('stranger', { endpoints: { app: {} } });
  await startContainer('hermit', { endpoints: { inside: {} } });
  const monk = await startContainer('monk', { endpoints: { inside: {} } });
  monkAddress = monk.endpoints[0]?.ipv4 ?? '';

  const outside = await makeNamespace('out');
  await sure(
    [
      `ip link add ${tag}o type veth peer name eth0 netns ${outside}`,
      `ip address add ${ourAddress}/24 dev ${tag}o`,
      `ip link set ${tag}o up`,
      `ip -n ${outside} address add ${outsideAddress}/24 dev eth0`,
      `ip -n ${outside} link set eth0 up`,
      `ip -n ${outside} route add ${bridgeSubnet} via ${ourAddress}`,
    ].join(' && '),
  );
  await serve('web', 'tcp', 80, 'web');
  await serve('web', 'tcp', 81, 'local');
  await serve('web', 'udp', 53, 'dns');
  await serve('monk', 'tcp', 80, 'monk');
  await serve('out', 'tcp', 90, 'world');
});

afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL');
  for (const name of ['web', 'peer', 'stranger', 'hermit', 'monk']) await networks.detach(name);
  for (const namespace of namespaces) await run(`ip netns delete ${namespace}`);
  await networks.close();
  stopped.abort();
  await rm(dataRoot, { recursive: true });
});

test('a published port answers on the loopback and every own address of the host', async () => {
  expect(await ask(undefined, '127.0.0.1', tcpPort)).toMatch(/^web to /);
  expect(await ask(undefined, ourAddress, tcpPort)).toMatch(/^web to /);
});

test('a published port answers the outside world, which the container sees by its real address', async () => {
  expect(await ask('out', ourAddress, tcpPort)).toBe(`web to ${outsideAddress}`.replace('to ', 'to ::ffff:'));
});

test('a published udp port answers from the loopback and from outside', async () => {
  expect(await ask(undefined, '127.0.0.1', udpPort, UDP_CLIENT)).toMatch(/^dns to /);
  expect(await ask('out', ourAddress, udpPort, UDP_CLIENT)).toBe(`dns to ${outsideAddress}`);
});

test.runIf(existsSync('/proc/net/if_inet6'))(
  'a published port of a container without IPv6 answers at IPv6 addresses of the host, too',
  async () => {
    expect(await ask(undefined, '::1', tcpPort)).toMatch(/^web to /);
    const udp6 = UDP_CLIENT.replace('udp4', 'udp6');
    expect(await ask(undefined, '::1', udpPort, udp6)).toMatch(/^dns to /);
    expect(await ask(undefined, '::1', loopbackPort)).toBe('ECONNREFUSED');
  },
);

test('a port published on 127.0.0.1 answers there and nowhere else', async () => {
  expect(await ask(undefined, '127.0.0.1', loopbackPort)).toMatch(/^local to /);
  expect(await ask(undefined, ourAddress, loopbackPort)).toBe('ECONNREFUSED');
  expect(await ask('out', ourAddress, loopbackPort)).toBe('ECONNREFUSED');
});

test('a neighbour that sends packets for 127.0.0.1 over the link is not answered (CVE-2020-8558)', async () => {
  const outside = `${tag}-out`;
  // Its own loopback must neither hold the address nor make the kernel drop it as a martian.
  await sure(
    [
      `ip -n ${outside} address del 127.0.0.1/8 dev lo`,
      `ip -n ${outside} route add 127.0.0.1/32 via ${ourAddress} src ${outsideAddress}`,
      `ip netns exec ${outside} sysctl -qw net.ipv4.conf.all.route_localnet=1`,
    ].join(' && '),
  );
  expect(await ask('out', '127.0.0.1', loopbackPort)).toBe('timeout');
  expect(await ask('out', '127.0.0.1', tcpPort)).toBe('timeout');
});

test('a container reaches its own published port and that of its neighbour through the host', async () => {
  expect(await ask('web', ourAddress, tcpPort)).toMatch(/^web to /);
  expect(await ask('peer', ourAddress, tcpPort)).toMatch(/^web to /);
  expect(await ask('stranger', ourAddress, tcpPort)).toMatch(/^web to /);
});

test('containers reach each other on the same bridge and not across bridges', async () => {
  expect(await ask('peer', webAddress, 80)).toMatch(/^web to /);
  expect(await ask('stranger', webAddress, 80)).toBe('timeout');
});

test('the host reaches a container directly, the outside world does not', async () => {
  expect(await ask(undefined, webAddress, 80)).toMatch(/^web to /);
  expect(await ask('out', webAddress, 80)).toBe('timeout');
});

test('traffic to the outside world leaves with an address of the host', async () => {
  expect(await ask('peer', outsideAddress, 90)).toBe(`world to ::ffff:${ourAddress}`);
  expect(await ask('stranger', outsideAddress, 90)).toBe(`world to ::ffff:${ourAddress}`);
});

test('an internal network joins its containers and has no way out', async () => {
  const namespace = `${tag}-hermit`;
  expect(await ask('hermit', monkAddress, 80)).toMatch(/^monk to /);
  expect(await ask('hermit', outsideAddress, 90)).toBe('ENETUNREACH');
  // Not for want of a route only.
  const gateway = networks.inspect('inside').record.pools.ipv4?.gateway;
  await sure(`ip -n ${namespace} route add default via ${gateway}`);
  expect(await ask('hermit', outsideAddress, 90)).toBe('timeout');
});

test('with inter-container communication off, neighbours meet at published ports only', async () => {
  const Options = {
    'com.docker.network.bridge.enable_icc': 'false',
    'com.docker.network.driver.mtu': '1400',
  };
  const { bridge } = await networks.create({ Name: 'strict', Options });
  expect(await sure(`cat /sys/class/net/${bridge?.linkName}/mtu`)).toBe('1400');
  const shop = await startContainer('shop', {
    endpoints: { strict: {} },
    portBindings: { '80/tcp': [{}] },
  });
  const visitor = await startContainer('visitor', { endpoints: { strict: {} } });
  expect(visitor.interfaces[0]?.mtu).toBe(1400);
  await serve('shop', 'tcp', 80, 'shop');
  expect(await ask('visitor', shop.endpoints[0]?.ipv4 ?? '', 80)).toBe('timeout');
  expect(await ask('visitor', ourAddress, shop.ports[0]?.hostPort ?? 0)).toMatch(/^shop to /);
  for (const name of ['shop', 'visitor']) await networks.detach(name);
});

test('a port in use is refused naming the container that has it, and nothing is kept of the attempt', async () => {
  const taken = { '80/tcp': [{ HostPort: String(tcpPort) }] };
  await expect(startContainer('late', { portBindings: taken })).rejects.toThrow(
    `Bind for 0.0.0.0:${tcpPort} failed: port is already allocated by container web`,
  );
  expect(networks.inspect('bridge').attachments.has('late')).toBe(false);
});

test('a port that a process has is refused naming the process', async () => {
  const server = spawn(
    process.execPath,
    ['-e', TCP_SERVER.replace("'up'", 's.address().port').replace('require', 'const s = require'), '0', ''],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  servers.push(server);
  const [data] = (await once(server.stdout, 'data')) as [Buffer];
  const port = data.toString().trim();
  await expect(startContainer('late', { portBindings: { '80/tcp': [{ HostPort: port }] } })).rejects.toThrow(
    new RegExp(
      `failed to bind host port for 0.0.0.0:${port}:.*/tcp: address already in use .*pid ${server.pid}`,
    ),
  );
});

test('after the container is gone its port is refused and can be published again', async () => {
  const web = networks.inspect('bridge').attachments.get('web');
  await networks.detach('web');
  expect(await ask(undefined, '127.0.0.1', tcpPort)).toBe('ECONNREFUSED');
  await networks.restore('web', web ?? expect.fail('web is not attached'), () => Promise.resolve());
  await networks.settle();
  expect(await ask(undefined, '127.0.0.1', tcpPort)).toMatch(/^web to /);
});

test('a client that goes on sending from one port is answered by the container that has the published port now', async () => {
  const publish = async (name: string, host: number, hostPort: string): Promise<string> => {
    const { ports } = await startContainer(name, {
      endpoints: { app: { IPAMConfig: { IPv4Address: `10.${block}.2.${host}` } } },
      portBindings: { '53/udp': [{ HostIp: '0.0.0.0', HostPort: hostPort }] },
    });
    await serve(name, 'udp', 53, name);
    return String(ports[0]?.hostPort);
  };
  const port = await publish('old', 51, '');
  const command = ['netns', 'exec', `${tag}-out`, process.execPath, '-e', UDP_SENDER, ourAddress, port];
  const sender = spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
  servers.push(sender);
  let answer = '';
  sender.stdout.on('data', (data: Buffer) => (answer = data.toString()));
  const answered = (): string => {
    sender.stdin.write('\n');
    return answer;
  };
  await expect.poll(answered).toContain(`old to ${outsideAddress}`);
  // The old one still runs, and what conntrack remembers would lead to it.
  await networks.detach('old');
  await publish('new', 52, port);
  await expect.poll(answered).toContain(`new to ${outsideAddress}`);
  await networks.detach('new');
});

test('rules that somebody else flushes are made again, with what is published', async () => {
  await sure(`nft delete table inet gantry_${tag}br`);
  let answer = '';
  for (let attempt = 0; attempt < 50 && !answer.startsWith('web'); attempt += 1) {
    await delay(50);
    answer = await ask(undefined, '127.0.0.1', tcpPort);
  }
  expect(answer).toMatch(/^web to /);
  expect(await sure(`nft list table inet gantry_${tag}br`)).toContain(
    `tcp . ${tcpPort} : ${webAddress} . 80`,
  );
});

test('a client that sends UDP all along is heard as soon as the port is published', async () => {
  const script = `
    const [port, from] = process.argv.slice(1).map(Number);
    const s = require('dgram').createSocket('udp4');
    s.on('message', (m) => { console.log(String(m)); process.exit(); });
    s.on('error', () => undefined);
    s.bind(from, () => { setInterval(() => s.send('hello', port, '127.0.0.1'), 50); console.log('up'); });
    setTimeout(() => { console.log('timeout'); process.exit(1); }, 8000);`;
  const port = 20_000 + (process.pid % 10_000);
  const client = spawn(process.execPath, ['-e', script, String(port), String(port + 10_000)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(client);
  let output = '';
  client.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await once(client.stdout, 'data');
  await delay(200);
  await startContainer('late', { portBindings: { '53/udp': [{ HostPort: String(port) }] } });
  await serve('late', 'udp', 53, 'late');
  await once(client, 'exit');
  expect(output).toContain('late to');
  await networks.detach('late');
});

test('a second engine beside it keeps its own bridge, subnet and rules', async () => {
  const otherRoot = await mkdtemp(path.join(tmpdir(), 'gantry-rules-'));
  const other = createNetworks({
    dataRoot: otherRoot,
    runRoot: path.join(otherRoot, 'run'),
    bridgeName: `${tag}b2`,
    defaultSubnet: undefined,
    events: { publish: () => undefined },
    logger: createLogger('warn'),
    runTask,
  });
  await other.start();
  await expect(
    other.create({ Name: 'clash', Options: { 'com.docker.network.bridge.name': `${tag}br` } }),
  ).rejects.toThrow(`network interface ${tag}br already exists and belongs to the engine at ${dataRoot}`);
  await expect(other.create({ Name: 'clash', IPAM: { Config: [{ Subnet: bridgeSubnet }] } })).rejects.toThrow(
    'Pool overlaps with other one on this address space',
  );
  await other.create({ Name: 'mine' });
  expect(await sure('nft list tables')).toContain(`gantry_${tag}b2`);
  await other.close();
  expect(await sure('nft list tables')).not.toContain(`gantry_${tag}b2`);
  expect(await ask(undefined, '127.0.0.1', tcpPort)).toMatch(/^web to /);
  await rm(otherRoot, { recursive: true });
});
