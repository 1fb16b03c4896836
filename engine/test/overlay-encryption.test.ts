import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from './harness.ts';
import type { Machine } from './machine-network.ts';
import { comesToReach, comeToBeConnected, joinOverlayMachines, runOn } from './overlay-engines.ts';

const { machines, start, remove } = joinOverlayMachines(`ge${process.pid.toString(36)}`);
const [left, right] = machines;

const PROBE = 'src 127.0.0.1 dst 127.0.0.1 proto esp spi 256';
const CIPHER = ['aead', 'rfc4106(gcm(aes))', `0x${'00'.repeat(36)}`, '128'];
const canEncrypt =
  left.try('ip', 'xfrm', 'state', 'add', ...PROBE.split(' '), 'mode', 'transport', ...CIPHER).status === 0;
if (canEncrypt) left.run('ip', 'xfrm', 'state', 'delete', ...PROBE.split(' '));
else console.log('encrypted networks are not tested: this kernel has no ESP (npm run test:vm has)');

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

async function create(): Promise<{ code: number | null; stderr: string }> {
  await comeToBeConnected(a, b);
  return a.docker('network', 'create', '-d', 'overlay', '--attachable', '--opt', 'encrypted', 'secret');
}

/** What arrives at a machine, before the kernel puts fragments together and the engine's rules see it. */
const WITNESS = `table inet witness {
  counter sealed { }
  counter plain { }
  counter fragment { }
  chain arriving {
    type filter hook prerouting priority -500;
    meta l4proto 50 counter name sealed
    udp dport 7951 meta ipsec missing counter name plain
    ip frag-off & 0x3fff != 0 counter name fragment
  }
}`;

function packets(machine: Machine, counter: 'sealed' | 'plain' | 'fragment'): number {
  return Number(/packets (\d+)/.exec(machine.run('nft', 'list', 'counter', 'inet', 'witness', counter))?.[1]);
}

/** What the kernel encrypts and decrypts with. */
function keys(machine: Machine, from: Machine, to: Machine): string[] {
  const ends = ['src', from.address, 'dst', to.address];
  const shown = machine.run('ip', 'xfrm', 'state', 'list', 'nokeys', ...ends);
  return [...shown.matchAll(/ spi (0x[0-9a-f]+)/g)].map(([, spi = '']) => spi);
}

function kernelHas(machine: Machine): string {
  return machine.run('ip', 'xfrm', 'state', 'list', 'nokeys') + machine.run('ip', 'xfrm', 'policy', 'list');
}

describe.skipIf(!canEncrypt)('an encrypted network', () => {
  test('goes between the engines as ESP, of which no packet has to be cut', async () => {
    for (const machine of machines) machine.run('nft', WITNESS);
    expect((await create()).stderr).toBe('');
    await runOn(a, 'one', '--network', 'secret');
    await runOn(b, 'two', '--network', 'secret');
    await comesToReach(a, 'one', 'two');
    await comesToReach(b, 'two', 'one');
    expect(await a.dockerOk('exec', 'one', 'cat', '/sys/class/net/eth0/mtu')).toBe('1416');
    // 1416 - 20 (IPv4) - 8 (ICMP).
    await a.dockerOk('exec', 'one', 'ping', '-c', '1', '-s', '1388', 'two');
    await b.dockerOk('exec', '-d', 'two', 'httpd', '-f', '-p', '80', '-h', '/bin');
    const file = await b.dockerOk('exec', 'two', 'md5sum', '/bin/busybox');
    const sum = async () =>
      (await a.docker('exec', 'one', 'sh', '-c', 'wget -qO- http://two/busybox | md5sum')).stdout;
    await expect.poll(sum).toContain(file.slice(0, 32));
    for (const machine of machines) {
      expect(packets(machine, 'sealed')).toBeGreaterThan(0);
      expect(packets(machine, 'plain')).toBe(0);
      expect(packets(machine, 'fragment')).toBe(0);
    }
  });

  test('has new keys in each direction after an engine was killed', async () => {
    const before = [...keys(left, left, right), ...keys(left, right, left)];
    await a.kill9();
    await comesToReach(b, 'two', 'one');
    await a.restart();
    const sending = (from: Machine, to: Machine) => keys(from, from, to);
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      const isNew = (key: string) => !before.includes(key);
      await expect.poll(() => sending(from, to).map(isNew)).toEqual([true]);
      expect(keys(to, from, to)).toEqual(expect.arrayContaining(sending(from, to)));
      // The last, and what may be under way with the one before.
      expect(keys(to, from, to).length).toBeLessThanOrEqual(3);
    }
    await comesToReach(a, 'one', 'two');
    await comesToReach(b, 'two', 'one');
  });

  test('SECURITY: sends nothing plain, and takes nothing plain, whoever removes the policies', async () => {
    const ping = () => a.docker('exec', 'one', 'ping', '-c', '1', '-W', '1', 'two');
    const frames = (): string => left.run('sh', '-c', 'cat /sys/class/net/gx-*/statistics/rx_packets');
    await b.kill9();
    right.run('ip', 'xfrm', 'policy', 'flush');
    expect((await ping()).code).not.toBe(0);
    expect(packets(left, 'plain')).toBe(0);
    // Now the other engine's machine is as one that never heard of encryption, and answers plain.
    right.run('nft', 'flush', 'ruleset');
    const before = frames();
    expect((await ping()).code).not.toBe(0);
    await expect.poll(() => packets(left, 'plain')).toBeGreaterThan(0);
    expect(frames()).toBe(before);
    await b.restart();
    await comesToReach(a, 'one', 'two');
  });

  test('leaves neither keys nor policies on any machine when it is gone', async () => {
    await a.dockerOk('rm', '-f', 'one');
    await b.dockerOk('rm', '-f', 'two');
    await expect.poll(async () => (await b.docker('network', 'rm', 'secret')).code).toBe(0);
    for (const machine of machines) await expect.poll(() => kernelHas(machine)).toBe('');
  });

  test('leaves none either when its engine has no peers any more, and when that ends', async () => {
    expect((await create()).stderr).toBe('');
    await expect.poll(() => keys(left, left, right).length).toBe(1);
    await a.kill9();
    expect(keys(left, left, right)).toHaveLength(1);
    const alone = await startEngine({ within: left.within, dataRoot: a.dataRoot });
    expect(kernelHas(left)).toBe('');
    await alone.stop();
    await a.restart();
    await runOn(a, 'one', '--network', 'secret');
    await runOn(b, 'two', '--network', 'secret');
    await comesToReach(a, 'one', 'two');
    await comesToReach(b, 'two', 'one');
    await a.stop();
    expect(kernelHas(left)).toBe('');
    a = await start(left);
  });
});

test.skipIf(canEncrypt)('an encrypted network is refused where the kernel cannot encrypt', async () => {
  const { code, stderr } = await create();
  expect(code).toBe(1);
  expect(stderr).toContain('the kernel of the host cannot encrypt overlay networks: ');
  for (const engine of [a, b]) {
    expect(await engine.dockerOk('network', 'ls', '-q', '-f', 'driver=overlay')).toBe('');
  }
  for (const machine of machines) expect(machine.run('nft', 'list', 'tables').trim()).toBe('');
});
