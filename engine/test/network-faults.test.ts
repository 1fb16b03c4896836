import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { joinMachines } from './machine-network.ts';
import { Random } from './random.ts';

/** The engine has a machine and an /etc of its own: what is flushed and rewritten here is nobody else's. */
const { machines, remove } = joinMachines(`nf${process.pid.toString(36)}`);
const [host, neighbour] = machines;
const directory = mkdtempSync(path.join(tmpdir(), 'gantry-faults-'));
const etc = path.join(directory, 'etc');

let engine: TestEngine;

beforeAll(async () => {
  cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true });
  const enter = ['unshare', '--mount', 'sh', '-c', `mount --bind ${etc} /etc && exec "$@"`, 'sh'];
  engine = await startEngine({ within: [...host.within, ...enter] });
});
afterAll(async () => {
  await engine.stop();
  remove();
  rmSync(directory, { recursive: true });
});

function run(name: string, ...flags: string[]): Promise<string> {
  return engine.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
}

const reaches = async (from: string, to: string): Promise<boolean> =>
  (await engine.docker('exec', from, 'ping', '-c', '1', '-W', '2', to)).code === 0;

const idOf = (network: string): Promise<string> =>
  engine.dockerOk('network', 'inspect', '-f', '{{.Id}}', network);
const bridgeOf = async (network: string): Promise<string> => `gb-${(await idOf(network)).slice(0, 10)}`;
/** None where there is no bridge. */
async function portsOf(network: string): Promise<string[]> {
  const { output } = host.try('ip', '-o', 'link', 'show', 'master', await bridgeOf(network));
  return output.match(/gv[0-9a-f]+/g) ?? [];
}

const subnetOf = (network: string): Promise<string> =>
  engine.dockerOk('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', network);

describe('on a network that is in use', () => {
  beforeAll(async () => {
    await engine.dockerOk('network', 'create', 'used');
    await run('left', '--network', 'used');
    await run('right', '--network', 'used', '-p', '8080:80');
    await engine.dockerOk('exec', '-d', 'right', 'httpd', '-f', '-p', '80', '-h', '/etc');
  });
  afterAll(async () => {
    await engine.dockerOk('rm', '-f', 'left', 'right');
    await engine.dockerOk('network', 'rm', 'used');
  });

  const isPublished = (): boolean =>
    neighbour.try('curl', '-s', '-m', '1', `http://${host.address}:8080/hostname`).status === 0;

  test('every rule of the machine is flushed: ours are made again, with what is published', async () => {
    await expect.poll(isPublished, { timeout: 20_000 }).toBe(true);
    host.run('nft', 'flush', 'ruleset');
    await expect.poll(isPublished, { timeout: 20_000 }).toBe(true);
  });

  test('a veth is deleted: disconnect and connect plug it in again', async () => {
    const [veth = ''] = await portsOf('used');
    host.run('ip', 'link', 'del', veth);
    for (const name of ['left', 'right']) {
      await engine.dockerOk('network', 'disconnect', 'used', name);
      await engine.dockerOk('network', 'connect', 'used', name);
    }
    expect(await reaches('left', 'right')).toBe(true);
    await expect.poll(isPublished, { timeout: 20_000 }).toBe(true);
  });

  test('its bridge is deleted: the next container makes it again, and those that were there are on it', async () => {
    host.run('ip', 'link', 'del', await bridgeOf('used'));
    expect(await reaches('left', 'right')).toBe(false);
    await run('next', '--network', 'used');
    expect(await reaches('next', 'left')).toBe(true);
    expect(await reaches('left', 'right')).toBe(true);
    await expect.poll(isPublished, { timeout: 20_000 }).toBe(true);
    await engine.dockerOk('rm', '-f', 'next');
  });
});

describe('a VPN takes the subnet of a network', () => {
  /** As a VPN does: a link of its own with an address in the subnet. */
  function takeSubnet(subnet: string): void {
    const address = subnet.replace(/\.\d+\/(\d+)$/, '.77/$1');
    host.run('ip', 'link', 'add', 'vpn0', 'type', 'bridge');
    host.run('ip', 'address', 'add', address, 'dev', 'vpn0');
    host.run('ip', 'link', 'set', 'vpn0', 'up');
  }

  test('that has no link: it gets another one, unless it was asked for', async () => {
    await engine.dockerOk('network', 'create', 'chosen');
    await engine.dockerOk('network', 'create', '--subnet', '198.51.100.0/24', 'asked');
    // Links that nobody uses go with the engine.
    await engine.kill9();
    await engine.restart();
    const before = await subnetOf('chosen');
    takeSubnet(before);
    host.run('ip', 'address', 'add', '198.51.100.9/24', 'dev', 'vpn0');
    await run('mover', '--network', 'chosen');
    expect(await subnetOf('chosen')).not.toBe(before);
    const refused = await engine.docker('run', '--name', 'stuck', '--network', 'asked', 'busybox', 'true');
    expect(refused.stderr).toContain('Pool overlaps with other one on this address space');
    host.run('ip', 'link', 'del', 'vpn0');
    await engine.dockerOk('start', 'stuck');
    await engine.dockerOk('rm', '-f', 'mover', 'stuck');
    await engine.dockerOk('network', 'rm', 'chosen', 'asked');
  });

  test('that is in use: it is kept, and no other network gets one of the VPN', async () => {
    await engine.dockerOk('network', 'create', 'kept');
    await run('keeper', '--network', 'kept');
    await run('friend', '--network', 'kept');
    const before = await subnetOf('kept');
    takeSubnet(before);
    expect(await reaches('keeper', 'friend')).toBe(true);
    await run('third', '--network', 'kept');
    expect(await subnetOf('kept')).toBe(before);
    await engine.dockerOk('rm', '-f', 'keeper', 'friend', 'third');
    await engine.dockerOk('network', 'rm', 'kept');
    await engine.dockerOk('network', 'create', 'fresh');
    expect(await subnetOf('fresh')).not.toBe(before);
    host.run('ip', 'link', 'del', 'vpn0');
    await engine.dockerOk('network', 'rm', 'fresh');
  });
});

test('a resolv.conf of the host that changes is followed by running containers, but for what they edited', async () => {
  const write = (content: string): void => writeFileSync(path.join(etc, 'resolv.conf'), content);
  const read = (name: string): Promise<string> => engine.dockerOk('exec', name, 'cat', '/etc/resolv.conf');
  write('nameserver 192.0.2.53\nsearch old.example\n');
  await run('plain');
  await run('edited');
  expect(await read('plain')).toContain('nameserver 192.0.2.53');
  await engine.dockerOk('exec', 'edited', 'sh', '-c', 'echo "nameserver 192.0.2.99" > /etc/resolv.conf');
  write('nameserver 192.0.2.54\nsearch new.example\n');
  await expect.poll(() => read('plain'), { timeout: 20_000 }).toContain('nameserver 192.0.2.54');
  expect(await read('plain')).toContain('search new.example');
  expect(await read('edited')).toBe('nameserver 192.0.2.99');
  await engine.dockerOk('rm', '-f', 'plain', 'edited');
});

/** Interface → IPv4 address, as the container itself has them, without the loopback. */
async function addressesIn(name: string): Promise<string[]> {
  const listed = await engine.dockerOk('exec', name, 'ip', '-4', '-o', 'address');
  return [...listed.matchAll(/: eth\d+ +inet ([\d.]+)/g)].map(([, address = '']) => address).toSorted();
}

async function addressesOnRecord(name: string): Promise<string[]> {
  const json = await engine.dockerOk('inspect', '-f', '{{json .NetworkSettings.Networks}}', name);
  const networks = JSON.parse(json) as Record<string, { IPAddress: string }>;
  return Object.values(networks)
    .map(({ IPAddress }) => IPAddress)
    .toSorted();
}

/** For each rider; a thousand in all take half a minute, and find nothing more. */
const ROUNDS = 70;
const riders = ['one', 'two', 'three'];

async function eachHasWhatIsOnRecord(): Promise<void> {
  const all: string[] = [];
  for (const rider of riders) {
    const has = await addressesIn(rider);
    expect(has).toEqual(await addressesOnRecord(rider));
    all.push(...has);
  }
  expect(new Set(all).size).toBe(all.length);
}

describe('connecting and disconnecting', () => {
  beforeAll(async () => {
    await engine.dockerOk('network', 'create', 'carousel');
    for (const rider of riders) await run(rider);
  });
  afterAll(async () => {
    await engine.dockerOk('rm', '-f', ...riders);
    await engine.dockerOk('network', 'rm', 'carousel');
  });

  const change = (verb: 'connect' | 'disconnect', Container: string) =>
    engine.api('POST', `/networks/carousel/${verb}`, { Container });

  test('hundreds of times leaks no link and no address, and gives none twice', async () => {
    const subnet = await subnetOf('carousel');
    const rounds = async (rider: string): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        expect((await change('connect', rider)).status).toBe(200);
        expect((await change('disconnect', rider)).status).toBe(200);
      }
    };
    await Promise.all(riders.map(rounds));
    await eachHasWhatIsOnRecord();
    expect(await portsOf('carousel')).toEqual([]);
    // Whatever was given back is given again, lowest first.
    await run('after', '--network', 'carousel');
    expect(await addressesIn('after')).toEqual([subnet.replace(/\.0\/\d+$/, '.2')]);
    await engine.dockerOk('rm', '-f', 'after');
  });

  test('when the engine is killed at any moment leaves what is on record', async () => {
    const random = new Random(7);
    for (let round = 0; round < 6; round += 1) {
      const killed = new AbortController();
      const loops = riders.map(async (rider) => {
        while (!killed.signal.aborted) {
          await change('connect', rider).catch(() => undefined);
          await change('disconnect', rider).catch(() => undefined);
        }
      });
      await delay(random.integer(150));
      await engine.kill9();
      killed.abort();
      await Promise.all(loops);
      await engine.restart();
      await eachHasWhatIsOnRecord();
    }
    for (const rider of riders) await change('disconnect', rider);
    expect(await portsOf('carousel')).toEqual([]);
  });
});

describe('another firewall drops what is forwarded', () => {
  beforeAll(() => {
    const chain = 'add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }';
    host.run('nft', `add table ip filter; ${chain}`);
  });
  afterAll(() => {
    host.run('nft', 'delete table ip filter');
  });

  test('its policy is kept, and the log says how to open it', async () => {
    await engine.dockerOk('network', 'create', 'shut');
    await run('inside', '--network', 'shut');
    expect(await reaches('inside', neighbour.address)).toBe(false);
    expect(engine.log()).toContain(`iptables -I FORWARD -i ${await bridgeOf('shut')} -j ACCEPT`);
    await engine.dockerOk('rm', '-f', 'inside');
    await engine.dockerOk('network', 'rm', 'shut');
  });

  test('when asked the engine lets its bridges through, and takes that back with them', async () => {
    const opening = await startEngine({ within: host.within, flags: ['--open-forwarding'] });
    await opening.dockerOk('run', '--rm', 'busybox', 'ping', '-c', '1', '-W', '5', neighbour.address);
    expect(host.run('nft', 'list', 'chain', 'ip', 'filter', 'FORWARD')).toContain(opening.bridge);
    await opening.stop();
    expect(host.run('nft', 'list', 'chain', 'ip', 'filter', 'FORWARD')).not.toContain(opening.bridge);
  });
});

test('the machine that the tests leave has nothing of the engine but its bridges', async () => {
  await engine.restart();
  expect(execFileSync('ip', ['-n', host.namespace, '-br', 'link'], { encoding: 'utf8' })).not.toMatch(
    /^g[vx]/m,
  );
});
