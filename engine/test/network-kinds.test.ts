import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const tag = process.pid.toString(36).slice(-5);

function run(name: string, ...flags: string[]): Promise<string> {
  return engine.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
}

/** A server in a container answers a little after it started. */
function fetched(url: string): string {
  const patience = ['--retry', '50', '--retry-connrefused', '--retry-delay', '0', '-m', '5'];
  return execFileSync('curl', ['-s', '-g', ...patience, url], { encoding: 'utf8' });
}

const reaches = async (from: string, host: string): Promise<boolean> =>
  (await engine.docker('exec', from, 'ping', '-c', '1', '-W', '2', host)).code === 0;

function inspect(container: string, network: string, field: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${network}").${field}}}`;
  return engine.dockerOk('inspect', '-f', format, container);
}

const rootful = process.getuid?.() === 0;

test('a network of both families gives its containers an address of each, by name and by route', async () => {
  await engine.dockerOk('network', 'create', '--ipv6', 'dual');
  await run('six', '--network', 'dual');
  await run('seven', '--network', 'dual');
  const address = await inspect('six', 'dual', 'GlobalIPv6Address');
  expect(address).toMatch(/^fd[0-9a-f:]+$/);
  expect(await inspect('six', 'dual', 'IPv6Gateway')).toMatch(/::1$/);
  expect(await engine.dockerOk('exec', 'seven', 'nslookup', 'six')).toContain(`Address: ${address}`);
  expect(await reaches('seven', address)).toBe(true);
  await engine.dockerOk('exec', '-d', 'six', 'httpd', '-f', '-p', '[::]:80', '-h', '/etc');
  expect(fetched(`http://[${address}]/hostname`)).toHaveLength(13);
  expect(await engine.dockerOk('exec', 'six', 'ip', '-6', 'route', 'show', 'default')).toContain('dev eth0');
  await engine.dockerOk('rm', '-f', 'six', 'seven');
  await engine.dockerOk('network', 'rm', 'dual');
});

test('a network can be IPv6 alone, with addresses asked for', async () => {
  const pool = ['--ipv4=false', '--ipv6', '--subnet', `fd00:${tag.charCodeAt(0)}::/64`];
  await engine.dockerOk('network', 'create', ...pool, 'only6');
  const asked = `fd00:${tag.charCodeAt(0)}::77`;
  await run('lonely', '--network', 'only6', '--ip6', asked);
  expect(await inspect('lonely', 'only6', 'GlobalIPv6Address')).toBe(asked);
  expect(await inspect('lonely', 'only6', 'IPAddress')).toMatch(/^(invalid IP)?$/);
  expect(await engine.dockerOk('exec', 'lonely', 'ip', '-4', '-o', 'address', 'show', 'eth0')).toBe('');
  await engine.dockerOk('rm', '-f', 'lonely');
  await engine.dockerOk('network', 'rm', 'only6');
});

test.runIf(rootful)(
  'macvlan containers have a link of their own on a parent and see each other',
  async () => {
    const parent = `mv${tag}`;
    execFileSync('ip', ['link', 'add', parent, 'type', 'veth', 'peer', 'name', `${parent}p`]);
    execFileSync('ip', ['link', 'set', parent, 'up']);
    execFileSync('ip', ['link', 'set', `${parent}p`, 'up']);
    try {
      const subnet = engine.subnet.replace(
        /^10\.(\d+)\./,
        (_, second: string) => `10.${255 - Number(second)}.`,
      );
      await engine.dockerOk(
        'network',
        'create',
        '-d',
        'macvlan',
        '-o',
        `parent=${parent}`,
        '--subnet',
        subnet,
        'flat',
      );
      await run('east', '--network', 'flat');
      await run('west', '--network', 'flat', '--mac-address', '02:42:00:00:77:01');
      expect(await engine.dockerOk('exec', 'west', 'cat', '/sys/class/net/eth0/address')).toBe(
        '02:42:00:00:77:01',
      );
      expect(await reaches('west', await inspect('east', 'flat', 'IPAddress'))).toBe(true);
      expect(await reaches('west', 'east')).toBe(true);
      await engine.dockerOk('network', 'disconnect', 'flat', 'west');
      expect(await engine.dockerOk('exec', 'west', 'ls', '/sys/class/net')).toBe('lo');
      await engine.dockerOk('network', 'connect', 'flat', 'west');
      expect(await reaches('west', 'east')).toBe(true);
      await engine.dockerOk('rm', '-f', 'east', 'west');
      await engine.dockerOk('network', 'rm', 'flat');
      expect(existsSync(`/sys/class/net/${parent}`)).toBe(true);
    } finally {
      execFileSync('ip', ['link', 'del', parent]);
    }
  },
);

test('a macvlan network without a parent joins its containers alone, and its link goes with it', async () => {
  await engine.dockerOk('network', 'create', '-d', 'macvlan', 'island');
  await run('robinson', '--network', 'island');
  await run('friday', '--network', 'island');
  expect(await reaches('friday', 'robinson')).toBe(true);
  await engine.dockerOk('rm', '-f', 'robinson', 'friday');
  const id = await engine.dockerOk('network', 'inspect', '-f', '{{.Id}}', 'island');
  await engine.dockerOk('network', 'rm', 'island');
  expect(existsSync(`/sys/class/net/dm-${id.slice(0, 12)}`)).toBe(false);
});

test('ipvlan works, or the error says that the kernel has none', async () => {
  await engine.dockerOk('network', 'create', '-d', 'ipvlan', 'layer2');
  const started = await engine.docker(
    'run',
    '-d',
    '--name',
    'ip',
    '--network',
    'layer2',
    'busybox',
    'sleep',
    '9',
  );
  if (started.code !== 0) expect(started.stderr).toContain('the kernel has no ipvlan');
  await engine.dockerOk('rm', '-f', 'ip');
  await engine.dockerOk('network', 'rm', 'layer2');
});

test('a linked container is in the hosts file and the environment, and followed to its next address', async () => {
  await run('db', '--expose', '5432', '-e', 'MODE=fast');
  await run('web', '--link', 'db:database');
  const address = await inspect('db', 'bridge', 'IPAddress');
  expect(await engine.dockerOk('exec', 'web', 'cat', '/etc/hosts')).toMatch(
    new RegExp(`^${address}\tdatabase [0-9a-f]{12} db$`, 'm'),
  );
  expect(await engine.dockerOk('inspect', '-f', '{{.HostConfig.Links}}', 'web')).toBe('[/db:/web/database]');
  const environment = await engine.dockerOk('exec', 'web', 'cat', '/proc/1/environ');
  expect(environment.split('\0')).toEqual(
    expect.arrayContaining([
      `DATABASE_PORT=tcp://${address}:5432`,
      'DATABASE_ENV_MODE=fast',
      'DATABASE_NAME=/web/database',
    ]),
  );
  await engine.dockerOk('stop', '-t', '0', 'db');
  await run('squatter');
  await engine.dockerOk('start', 'db');
  const moved = await inspect('db', 'bridge', 'IPAddress');
  expect(moved).not.toBe(address);
  const hosts = await engine.dockerOk('exec', 'web', 'cat', '/etc/hosts');
  expect(hosts).toContain(`${moved}\tdatabase`);
  expect(hosts).not.toContain(`${address}\t`);
  await engine.dockerOk('stop', '-t', '0', 'db');
  const refused = await engine.docker('run', '--rm', '--link', 'db', 'busybox', 'true');
  expect(refused.stderr).toContain('Cannot link to a non running container: /db AS /');
  await engine.dockerOk('rm', '-f', 'db', 'web', 'squatter');
});

test('a template gives its configuration to the networks that name it', async () => {
  const subnet = engine.subnet.replace(
    /^10\.(\d+)\./,
    (_, second: string) => `10.${254 - (Number(second) % 200)}.`,
  );
  await engine.dockerOk(
    'network',
    'create',
    '--config-only',
    '--subnet',
    subnet,
    '-o',
    'com.docker.network.driver.mtu=1400',
    'plan',
  );
  await engine.dockerOk('network', 'create', '--config-from', 'plan', 'built');
  const shown = await engine.dockerOk(
    'network',
    'inspect',
    '-f',
    '{{(index .IPAM.Config 0).Subnet}} {{.ConfigFrom.Network}}',
    'built',
  );
  expect(shown).toBe(`${subnet} plan`);
  expect((await engine.docker('network', 'rm', 'plan')).stderr).toContain(
    'configuration network "plan" is in use',
  );
  expect((await engine.docker('run', '--rm', '--network', 'plan', 'busybox', 'true')).code).not.toBe(0);
  await engine.dockerOk('network', 'rm', 'built', 'plan');
});

test('default address pools are where networks get their subnets', async () => {
  const other = await startEngine({ flags: ['--default-address-pool', 'base=198.18.0.0/15,size=24'] });
  await other.dockerOk('network', 'create', 'pooled');
  const subnet = await other.dockerOk(
    'network',
    'inspect',
    '-f',
    '{{(index .IPAM.Config 0).Subnet}}',
    'pooled',
  );
  expect(subnet).toMatch(/^198\.1[89]\.\d+\.0\/24$/);
  await other.stop();
});

async function bridgeOf(network: string): Promise<string> {
  return `gb-${(await engine.dockerOk('network', 'inspect', '-f', '{{.Id}}', network)).slice(0, 10)}`;
}

test.runIf(rootful)(
  'links and bridges removed while the engine was dead are there again after its start',
  async () => {
    await engine.dockerOk('network', 'create', 'broken');
    await run('left', '--network', 'broken');
    await run('right', '--network', 'broken');
    const bridge = await bridgeOf('broken');
    const listing = execFileSync('ip', ['-o', 'link', 'show', 'master', bridge], { encoding: 'utf8' });
    const [veth = ''] = /gv[0-9a-f]+/.exec(listing) ?? [];
    await engine.kill9();
    execFileSync('ip', ['link', 'del', veth]);
    execFileSync('ip', ['link', 'del', bridge]);
    await engine.restart();
    expect(await reaches('left', 'right')).toBe(true);
    expect(await reaches('right', 'left')).toBe(true);
    await engine.dockerOk('rm', '-f', 'left', 'right');
    await engine.dockerOk('network', 'rm', 'broken');
  },
);
