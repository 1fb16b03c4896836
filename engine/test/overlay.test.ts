import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKey } from '../networks/overlay/overlay-settings.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { comesToReach, comeToBeConnected, joinOverlayMachines, runOn } from './overlay-engines.ts';

const { machines, secretFile, start, remove } = joinOverlayMachines(`go${process.pid.toString(36)}`);
const [left, right] = machines;

let a: TestEngine;
let b: TestEngine;

beforeAll(async () => {
  a = await start(left);
  b = await start(right);
});

afterAll(async () => {
  await a.stop();
  await b.stop();
  remove();
});

async function networksOf(engine: TestEngine): Promise<string[]> {
  const listed = await engine.dockerOk(
    'network',
    'ls',
    '-f',
    'driver=overlay',
    '--format',
    '{{.Name}} {{.Scope}}',
  );
  return listed === '' ? [] : listed.split('\n');
}

async function comeToHave(engine: TestEngine, ...networks: string[]): Promise<void> {
  await expect.poll(() => networksOf(engine), { timeout: 20_000 }).toEqual(networks);
}

const addressOf = (engine: TestEngine, name: string, network: string): Promise<string> =>
  engine.dockerOk('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name);

test('a network made on one engine is there on both, and containers find each other by name', async () => {
  await comeToBeConnected(a, b);
  await a.dockerOk('network', 'create', '-d', 'overlay', '--attachable', 'shared');
  expect(await networksOf(b)).toEqual(['shared swarm']);
  await runOn(a, 'one', '--network', 'shared');
  await runOn(b, 'two', '--network', 'shared', '--network-alias', 'second');
  expect(await addressOf(a, 'one', 'shared')).not.toBe(await addressOf(b, 'two', 'shared'));
  await comesToReach(a, 'one', 'two');
  await comesToReach(b, 'two', 'one');
  await comesToReach(a, 'one', 'second.shared');
  expect(await a.dockerOk('exec', 'one', 'nslookup', await addressOf(b, 'two', 'shared'))).toContain(
    'two.shared',
  );
});

test('they speak TCP over the link between the engines, in frames that fit through it', async () => {
  await b.dockerOk('exec', '-d', 'two', 'httpd', '-f', '-p', '80', '-h', '/etc');
  await expect
    .poll(async () => (await a.docker('exec', 'one', 'wget', '-qO-', 'http://two/hostname')).stdout, {
      timeout: 20_000,
    })
    .toMatch(/^[0-9a-f]{12}\n$/);
  expect(await a.dockerOk('exec', 'one', 'cat', '/sys/class/net/eth0/mtu')).toBe('1450');
  // 1450 - 20 (IPv4) - 8 (ICMP): whole, or the link would have to cut it.
  expect(await a.dockerOk('exec', 'one', 'ping', '-c', '1', '-s', '1422', 'two')).toContain(
    '1 packets received',
  );
  const { Options, Peers } = JSON.parse(
    await a.dockerOk('network', 'inspect', '-f', '{{json .}}', 'shared'),
  ) as {
    Options: Record<string, string>;
    Peers: { IP: string }[];
  };
  expect(Options['com.docker.network.driver.overlay.vxlanid_list']).toMatch(/^\d+$/);
  expect(Peers.map(({ IP }) => IP)).toEqual([left.address, right.address]);
});

test('containers have a way out and published ports, each by its own engine', async () => {
  await runOn(b, 'web', '--network', 'shared', '-p', '8080:80');
  await b.dockerOk('exec', '-d', 'web', 'httpd', '-f', '-p', '80', '-h', '/etc');
  await expect
    .poll(
      async () =>
        (await a.docker('exec', 'one', 'wget', '-qO-', `http://${right.address}:8080/hostname`)).code,
      {
        timeout: 20_000,
      },
    )
    .toBe(0);
  await b.dockerOk('rm', '-f', 'web');
});

describe('an address that a client asks for', () => {
  test('is lent by the engine whose it is, and refused while somebody has it', async () => {
    await a.dockerOk(
      'network',
      'create',
      '-d',
      'overlay',
      '--attachable',
      '--subnet',
      '198.51.100.0/24',
      'fixed',
    );
    for (const address of ['198.51.100.10', '198.51.100.11']) {
      await runOn(a, 'holder', '--network', 'fixed', '--ip', address);
      const refused = await b.docker(
        'run',
        '--name',
        'twin',
        '--network',
        'fixed',
        '--ip',
        address,
        'busybox',
        'true',
      );
      expect(refused.stderr).toContain('Address already in use');
      await b.dockerOk('rm', 'twin');
      await a.dockerOk('rm', '-f', 'holder');
      // What the engine was told: the address is free again.
      await expect
        .poll(
          async () => {
            const { code } = await b.docker(
              'run',
              '--rm',
              '--network',
              'fixed',
              '--ip',
              address,
              'busybox',
              'true',
            );
            return code;
          },
          { timeout: 20_000 },
        )
        .toBe(0);
    }
  });

  test('is not given while the engine whose it is cannot be asked, and others are', async () => {
    await b.kill9();
    // Of addresses that follow each other each engine has one.
    const codes: (number | null)[] = [];
    for (const address of ['198.51.100.20', '198.51.100.21']) {
      const { code, stderr } = await a.docker(
        'run',
        '--rm',
        '--network',
        'fixed',
        '--ip',
        address,
        'busybox',
        'true',
      );
      codes.push(code);
      if (code !== 0)
        expect(stderr).toContain(`address ${address} is for the engine at ${right.address} to give`);
    }
    expect(new Set(codes)).toEqual(new Set([0, 125]));
    await b.restart();
    await comeToHave(b, 'fixed swarm', 'shared swarm');
    await a.dockerOk('network', 'rm', 'fixed');
    await comeToHave(b, 'shared swarm');
  });
});

describe('an engine that is killed', () => {
  test('leaves its containers reachable', async () => {
    await b.kill9();
    await comesToReach(a, 'one', 'two');
    await a.restart();
    await comesToReach(a, 'one', 'two');
  });

  test('learns afterwards who came and went meanwhile', async () => {
    await runOn(a, 'three', '--network', 'shared');
    await a.dockerOk('network', 'create', '-d', 'overlay', '--attachable', 'later');
    await b.restart();
    await comeToHave(b, 'later swarm', 'shared swarm');
    await comesToReach(b, 'two', 'three');
    await comesToReach(a, 'three', 'two');
    await a.dockerOk('rm', '-f', 'three');
    await expect
      .poll(async () => (await b.docker('exec', 'two', 'nslookup', 'three')).code, { timeout: 20_000 })
      .not.toBe(0);
  });

  test('cannot have a network removed that it made', async () => {
    await comeToBeConnected(a, b);
    await a.kill9();
    const refused = await b.docker('network', 'rm', 'later');
    expect(refused.stderr).toContain(`the engine at ${left.address} does not answer`);
    await a.restart();
    await expect
      .poll(async () => (await b.docker('network', 'rm', 'later')).code, { timeout: 20_000 })
      .toBe(0);
    await comeToHave(a, 'shared swarm');
  });
});

describe('a network is refused', () => {
  test('to be removed while a container of another engine is on it', async () => {
    await a.dockerOk('network', 'create', '-d', 'overlay', '--attachable', 'busy');
    await comeToHave(b, 'busy swarm', 'shared swarm');
    await runOn(b, 'user', '--network', 'busy');
    for (const engine of [a, b]) {
      expect((await engine.docker('network', 'rm', 'busy')).stderr).toContain('has active endpoints (');
    }
    await b.dockerOk('rm', '-f', 'user');
    await b.dockerOk('network', 'rm', 'busy');
    await comeToHave(a, 'shared swarm');
  });

  test('with a name or a subnet that the other engine uses for something else', async () => {
    await b.dockerOk('network', 'create', '--subnet', '198.51.100.0/24', 'mine');
    const create = (...flags: string[]) => a.docker('network', 'create', '-d', 'overlay', ...flags);
    expect((await create('mine')).stderr).toContain(
      `network with name mine already exists (the engine at ${right.address})`,
    );
    expect((await create('--subnet', '198.51.100.128/25', 'other')).stderr).toContain('Pool overlaps');
    expect(await networksOf(a)).toEqual(['shared swarm']);
    await b.dockerOk('network', 'rm', 'mine');
  });

  test('to containers when it is not attachable', async () => {
    await a.dockerOk('network', 'create', '-d', 'overlay', 'services');
    const refused = await a.docker('run', '--name', 'outsider', '--network', 'services', 'busybox', 'true');
    expect(refused.stderr).toContain('network services not manually attachable');
    await a.dockerOk('rm', 'outsider');
    await a.dockerOk('network', 'rm', 'services');
  });
});

/** What arrives on a connection to the exchange of `a` from the other machine, until its first answer or its end. */
async function answerTo(
  request: object,
  address: string,
  key: Buffer = Buffer.alloc(32, 7),
): Promise<string> {
  const script = `
    const [address, request, hex] = process.argv.slice(1);
    const key = Buffer.from(hex, 'hex');
    const socket = require('tls').connect({
      host: '${left.address}', port: 7950, localAddress: address, ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
      maxVersion: 'TLSv1.2', pskCallback: () => ({ psk: key, identity: 'gantry-overlay' }),
      checkServerIdentity: () => undefined,
    });
    socket.on('secureConnect', () => socket.write(request + '\\n'));
    socket.on('data', (data) => { console.log(String(data)); socket.end(); });
    socket.on('error', () => undefined);`;
  const [command = '', ...args] = right.within;
  const child = spawn(command, [
    ...args,
    process.execPath,
    '-e',
    script,
    address,
    JSON.stringify({ id: 1, ...request }),
    key.toString('hex'),
  ]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}

describe('SECURITY: a stranger on the link', () => {
  test('who does not know the secret, or is no peer, learns nothing', async () => {
    expect(await answerTo({ kind: 'subnets' }, right.address)).toBe('');
    right.run('ip', 'address', 'add', '192.0.2.3/24', 'dev', right.link);
    expect(await answerTo({ kind: 'subnets' }, '192.0.2.3', await readKey(secretFile))).toBe('');
    // They count among the connections of the other engine.
    expect(a.log()).toContain('a peer is refused');
  });

  test('who is a peer has no say in networks that are not shared', async () => {
    const networkId = await a.dockerOk('network', 'create', 'private');
    const key = await readKey(secretFile);
    const ask = (request: object) => answerTo({ ...request, networkId }, right.address, key);
    expect(await ask({ kind: 'remove' })).toContain('"kind":"not-found"');
    await ask({ kind: 'release' });
    expect(await ask({ kind: 'lend', address: '192.0.2.9' })).toContain('not for this engine to give');
    expect(await ask({ kind: 'encrypt', nonce: '00; flush' })).toContain('"kind":"invalid-argument"');
    expect(await ask({ kind: 'encrypt', nonce: '00'.repeat(32) })).toContain('"kind":"conflict"');
    await a.dockerOk('network', 'rm', 'private');
  });

  test('cannot send frames into a network', async () => {
    // As the other engine would, from an address that is no peer's: only the guard of the first knows the difference.
    const { Options } = JSON.parse(await a.dockerOk('network', 'inspect', '-f', '{{json .}}', 'shared')) as {
      Options: Record<string, string>;
    };
    const vni = Options['com.docker.network.driver.overlay.vxlanid_list'] ?? '';
    const arrived = (): number =>
      Number(left.run('sh', '-c', 'cat /sys/class/net/gx-*/statistics/rx_packets').trim());
    const send = (from: string): void => {
      const header = '08000000' + Number(vni).toString(16).padStart(6, '0') + '00';
      const frame = `${'ff'.repeat(6)}0200000000010806${'00'.repeat(46)}`;
      const script = `
        const socket = require('dgram').createSocket('udp4');
        socket.bind(0, '${from}', () =>
          socket.send(Buffer.from('${header}${frame}', 'hex'), 7950, '${left.address}', () => socket.close()));`;
      right.run(process.execPath, '-e', script);
    };
    const before = arrived();
    send('192.0.2.3');
    send(right.address);
    await expect.poll(arrived, { timeout: 20_000 }).toBe(before + 1);
  });
});

test('without peers there are no overlay networks, as on a node without a swarm', async () => {
  const lonely = await startEngine({ starterImage: false });
  const { code, stderr } = await lonely.docker('network', 'create', '-d', 'overlay', 'none-such');
  expect(code).toBe(1);
  expect(stderr).toContain('This node is not a swarm manager.');
  await lonely.stop();
});

test('a secret that others can read or guess is refused', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-secret-'));
  const secret = path.join(directory, 'secret');
  const flags = [
    '--overlay-address',
    left.address,
    '--overlay-peer',
    right.address,
    '--overlay-secret-file',
    secret,
  ];
  writeFileSync(secret, 'known to everybody here\n', { mode: 0o644 });
  await expect(startEngine({ flags, starterImage: false })).rejects.toThrow(
    'others have access to it (mode 644)',
  );
  rmSync(secret);
  writeFileSync(secret, 'short\n', { mode: 0o600 });
  await expect(startEngine({ flags, starterImage: false })).rejects.toThrow('shorter than 16 bytes');
  rmSync(directory, { recursive: true });
});

test('nothing is left on either machine when the last network is gone', async () => {
  await a.dockerOk('rm', '-f', 'one');
  await b.dockerOk('rm', '-f', 'two');
  await b.dockerOk('network', 'rm', 'shared');
  await comeToHave(a);
  for (const engine of [a, b]) await engine.restart();
  for (const machine of machines) {
    const links = machine.run('ls', '/sys/class/net').trim().split(/\s+/);
    expect(links).toEqual([machine.link, 'lo'].toSorted());
    expect(machine.run('nft', 'list', 'tables').trim()).toBe('');
  }
});
