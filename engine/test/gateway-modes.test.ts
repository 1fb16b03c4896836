import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { joinMachines } from './machine-network.ts';

/** The engine on one machine, a neighbour on another that routes to containers through it. */
const { machines, remove } = joinMachines(`gm${process.pid.toString(36)}`);
const [host, neighbour] = machines;
const PORT_ON_NEIGHBOUR = 90;

let engine: TestEngine;
let server: ChildProcess;

beforeAll(async () => {
  engine = await startEngine({ within: host.within });
  neighbour.run('ip', 'route', 'add', '198.51.100.0/24', 'via', host.address);
  host.run('ip', 'address', 'add', 'fd00:7::1/64', 'dev', host.link, 'nodad');
  neighbour.run('ip', 'address', 'add', 'fd00:7::2/64', 'dev', neighbour.link, 'nodad');
  neighbour.run('ip', 'route', 'add', 'fd00:8::/64', 'via', 'fd00:7::1');
  server = await neighbour.serveAddresses(PORT_ON_NEIGHBOUR);
});
afterAll(async () => {
  server.kill();
  await engine.stop();
  remove();
});

const OPTION = 'com.docker.network.bridge';

interface Place {
  ipv4: string;
  ipv6: string;
  ports: string;
}

/** A network with these options and a container that serves its ports 80 (published as 8080) and 81. */
async function onNetwork(
  options: Record<string, string>,
  act: (place: Place) => Promise<void>,
): Promise<void> {
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const subnets = ['--subnet', '198.51.100.0/24', '--ipv6', '--subnet', 'fd00:8::/64'];
  await engine.dockerOk('network', 'create', ...subnets, ...flags, 'modal');
  const serve = 'httpd -p [::]:81 -h /etc; httpd -f -p [::]:80 -h /etc';
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'modal',
    '-p',
    '8080:80',
    'busybox',
    'sh',
    '-c',
    serve,
  );
  const field = (name: string) =>
    engine.dockerOk('inspect', '-f', `{{.NetworkSettings.Networks.modal.${name}}}`, 'web');
  await expect
    .poll(
      async () => (await engine.docker('exec', 'web', 'wget', '-qO-', 'http://127.0.0.1/hostname')).code,
      { timeout: 20_000 },
    )
    .toBe(0);
  try {
    await act({
      ipv4: await field('IPAddress'),
      ipv6: `[${await field('GlobalIPv6Address')}]`,
      ports: await engine.dockerOk('inspect', '-f', '{{json .NetworkSettings.Ports}}', 'web'),
    });
  } finally {
    await engine.dockerOk('rm', '-f', 'web');
    await engine.dockerOk('network', 'rm', 'modal');
  }
}

/** Whether the neighbour is answered. */
const reaches = (address: string): boolean =>
  neighbour.try('curl', '-s', '-g', '-m', '1', '-o', '/dev/null', `http://${address}/hostname`).status === 0;
const pings = (address: string): boolean =>
  neighbour.try('busybox', 'ping', '-c', '1', '-W', '1', address).status === 0;
/** Links of IPv6 take a moment until they may be used. */
const comesToReach = (address: string): Promise<void> =>
  expect.poll(() => reaches(address), { timeout: 20_000 }).toBe(true);
/** With which address the neighbour sees the container. */
const seenAs = async (address = neighbour.address): Promise<string> =>
  (await engine.dockerOk('exec', 'web', 'nc', address, String(PORT_ON_NEIGHBOUR))).replace('::ffff:', '');

describe('with the gateway mode', () => {
  test('nat, a neighbour reaches published ports of the host and nothing else', () =>
    onNetwork({}, async ({ ipv4, ipv6 }) => {
      await comesToReach(`${host.address}:8080`);
      await comesToReach('[fd00:7::1]:8080');
      for (const address of [ipv4, ipv6, `${ipv4}:81`]) expect(reaches(address)).toBe(false);
      expect(pings(ipv4)).toBe(false);
      expect(await seenAs()).toBe(host.address);
    }));

  test('nat-unprotected, it reaches every port of the container, too', () =>
    onNetwork({ [`${OPTION}.gateway_mode_ipv4`]: 'nat-unprotected' }, async ({ ipv4, ipv6 }) => {
      await comesToReach(`${host.address}:8080`);
      await comesToReach(ipv4);
      await comesToReach(`${ipv4}:81`);
      expect(reaches(`${ipv6}:81`)).toBe(false);
      expect(await seenAs()).toBe(host.address);
    }));

  test('routed, published ports are open at the addresses of the container, which goes by its own', async () => {
    const modes = { [`${OPTION}.gateway_mode_ipv4`]: 'routed', [`${OPTION}.gateway_mode_ipv6`]: 'routed' };
    await onNetwork(modes, async ({ ipv4, ipv6, ports }) => {
      for (const address of [ipv4, ipv6]) {
        await comesToReach(address);
        expect(reaches(`${address}:81`)).toBe(false);
        expect(pings(address.replaceAll(/[[\]]/g, ''))).toBe(true);
      }
      expect(reaches(`${host.address}:8080`)).toBe(false);
      expect(JSON.parse(ports)).toEqual({
        '80/tcp': [
          { HostIp: '0.0.0.0', HostPort: '' },
          { HostIp: '::', HostPort: '' },
        ],
      });
      expect(await seenAs()).toBe(ipv4);
      expect(`[${await seenAs('fd00:7::2')}]`).toBe(ipv6);
      // They are taken back.
      await engine.restart();
      await comesToReach(ipv4);
      await engine.dockerOk('stop', '-t', '0', 'web');
      expect(host.run('nft', 'list', 'ruleset')).not.toContain(`${ipv4} . tcp`);
    });
  });

  test('of one family, the other stays as it is', () =>
    onNetwork({ [`${OPTION}.gateway_mode_ipv6`]: 'routed' }, async ({ ipv4, ipv6, ports }) => {
      await comesToReach(ipv6);
      expect(reaches(ipv4)).toBe(false);
      await comesToReach(`${host.address}:8080`);
      expect(JSON.parse(ports)).toEqual({
        '80/tcp': [
          { HostIp: '::', HostPort: '' },
          { HostIp: '0.0.0.0', HostPort: '8080' },
        ],
      });
    }));

  test('isolated, the host itself is off the network, which has to be internal', async () => {
    const isolated = ['-o', `${OPTION}.gateway_mode_ipv4=isolated`, '-o', `${OPTION}.name=gmisolated`];
    const refused = await engine.docker('network', 'create', ...isolated, 'alone');
    expect(refused.stderr).toContain("gateway mode 'isolated' can only be used for an internal network");
    await engine.dockerOk('network', 'create', '--internal', ...isolated, 'alone');
    expect(host.run('ip', '-4', '-o', 'address', 'show', 'gmisolated')).toBe('');
    await engine.dockerOk('network', 'rm', 'alone');
  });
});

describe('an option of the bridge driver', () => {
  test('gives the address that packets leave with', async () => {
    host.run('ip', 'address', 'add', '192.0.2.77/32', 'dev', host.link);
    await onNetwork({ 'com.docker.network.host_ipv4': '192.0.2.77' }, async () => {
      expect(await seenAs()).toBe('192.0.2.77');
    });
  });

  test('gives the IPv6 address that packets leave with', async () => {
    host.run('ip', 'address', 'add', 'fd00:7::77/128', 'dev', host.link, 'nodad');
    await onNetwork({ 'com.docker.network.host_ipv6': 'fd00:7::77' }, async () => {
      await comesToReach('[fd00:7::1]:8080');
      expect(await seenAs('fd00:7::2')).toBe('fd00:7::77');
      expect(await seenAs()).toBe(host.address);
    });
  });

  test('lets packets keep the address of the container', () =>
    onNetwork({ [`${OPTION}.enable_ip_masquerade`]: 'false' }, async ({ ipv4 }) => {
      expect(await seenAs()).toBe(ipv4);
    }));

  test('trusts a link of the host', () =>
    onNetwork({ [`${OPTION}.trusted_host_interfaces`]: `nothing:${host.link}` }, async ({ ipv4 }) => {
      await comesToReach(`${ipv4}:81`);
    }));

  test('says at which address ports are published that name none', () =>
    onNetwork({ [`${OPTION}.host_binding_ipv4`]: '127.0.0.1' }, async ({ ports }) => {
      expect(ports).toBe('{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}');
      expect(reaches(`${host.address}:8080`)).toBe(false);
      expect(host.try('curl', '-s', '-m', '2', 'http://127.0.0.1:8080/hostname').status).toBe(0);
    }));

  test('leaves the bridge without an IPv4 address', async () => {
    const flags = ['-o', `${OPTION}.inhibit_ipv4=true`, '-o', `${OPTION}.name=gminhibit`];
    await engine.dockerOk('network', 'create', '--ipv6', ...flags, 'inhibited');
    expect(host.run('ip', '-4', '-o', 'address', 'show', 'gminhibit')).toBe('');
    expect(host.run('ip', '-6', '-o', 'address', 'show', 'gminhibit')).toContain('fd');
    await engine.dockerOk('network', 'rm', 'inhibited');
  });

  test.each([
    [`${OPTION}.gateway_mode_ipv4=bridged`, 'unknown gateway mode bridged'],
    ['com.docker.network.host_ipv4=fd00::1', 'failed to parse com.docker.network.host_ipv4 value: fd00::1'],
    ['com.docker.network.host_ipv6=10.0.0.1', 'failed to parse com.docker.network.host_ipv6 value: 10.0.0.1'],
    [`${OPTION}.trusted_host_interfaces=a-name-longer-than-15`, 'invalid interface name'],
  ])('that means nothing is refused: %s', async (option, message) => {
    const { code, stderr } = await engine.docker('network', 'create', '-o', option, 'wrong');
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

describe('sysctls of an endpoint', () => {
  const option = 'com.docker.network.endpoint.sysctls';
  const martians = (name: string) =>
    engine.dockerOk('exec', 'tuned', 'cat', `/proc/sys/net/ipv4/conf/${name}/log_martians`);

  test('are those of its interface, from the start and after a connect', async () => {
    for (const name of ['first', 'second']) await engine.dockerOk('network', 'create', name);
    const sysctls = (value: string) =>
      `${option}=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.rp_filter=${value}`;
    const network = ['--network', `name=first,"driver-opt=${sysctls('2')}"`];
    await engine.dockerOk('run', '-d', '--name', 'tuned', ...network, 'busybox', 'sleep', '1000');
    expect(await martians('eth0')).toBe('1');
    expect(await engine.dockerOk('exec', 'tuned', 'cat', '/proc/sys/net/ipv4/conf/eth0/rp_filter')).toBe('2');
    await engine.dockerOk('network', 'connect', '--driver-opt', sysctls('1'), 'second', 'tuned');
    expect(await martians('eth1')).toBe('1');
    expect(host.run('cat', '/proc/sys/net/ipv4/conf/all/log_martians').trim()).toBe('0');
  });

  test('that the kernel refuses leave nothing connected', async () => {
    await engine.dockerOk('network', 'disconnect', 'second', 'tuned');
    const wrong = `${option}=net.ipv4.conf.IFNAME.no_such_thing=1`;
    const refused = await engine.docker('network', 'connect', '--driver-opt', wrong, 'second', 'tuned');
    expect(refused.stderr).toContain('no_such_thing');
    expect(await engine.dockerOk('exec', 'tuned', 'ls', '/sys/class/net')).toBe('eth0\nlo');
    await engine.dockerOk('rm', '-f', 'tuned');
    for (const name of ['first', 'second']) await engine.dockerOk('network', 'rm', name);
  });

  test.each([
    'net.ipv4.conf.eth0.log_martians=1',
    'kernel.ipv4.conf.IFNAME.x=1',
    'net.ipv4.conf.IFNAME.x/../../y=1',
  ])('SECURITY: %s is refused', async (sysctl) => {
    const network = `name=bridge,"driver-opt=${option}=${sysctl}"`;
    const { code, stderr } = await engine.docker('run', '--rm', '--network', network, 'busybox', 'true');
    expect(code).toBe(125);
    expect(stderr.toLowerCase()).toContain(`unrecognised network interface sysctl '${sysctl.toLowerCase()}'`);
  });
});

test('with --icc=false neighbours meet by links only, wherever the one that is linked to has gone', async () => {
  const strict = await startEngine({ within: host.within, flags: ['--icc=false'] });
  const run = (name: string, ...flags: string[]) => strict.dockerOk('run', '-d', '--name', name, ...flags);
  const serve = ['sh', '-c', 'httpd -p 81 -h /etc; httpd -f -p 80 -h /etc'];
  const answers = async (from: string, url: string): Promise<boolean> =>
    (await strict.docker('exec', from, 'timeout', '1', 'wget', '-qO-', `http://${url}/hostname`)).code === 0;
  await run('db', '--expose', '80', 'busybox', ...serve);
  await run('linked', '--link', 'db', 'busybox', 'sleep', '1000');
  await run('stranger', 'busybox', 'sleep', '1000');
  const addressOfDb = (): Promise<string> =>
    strict.dockerOk('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'db');
  await expect.poll(() => answers('linked', 'db'), { timeout: 20_000 }).toBe(true);
  expect(await answers('linked', 'db:81')).toBe(false);
  expect(await answers('stranger', await addressOfDb())).toBe(false);
  // Its address is another's meanwhile.
  const before = await addressOfDb();
  await strict.dockerOk('stop', '-t', '0', 'db');
  await run('squatter', 'busybox', ...serve);
  expect(await answers('linked', before)).toBe(false);
  await strict.dockerOk('start', 'db');
  expect(await addressOfDb()).not.toBe(before);
  await expect.poll(() => answers('linked', 'db'), { timeout: 20_000 }).toBe(true);
  await strict.kill9();
  await strict.restart();
  expect(await answers('linked', 'db')).toBe(true);
  await strict.stop();
});
