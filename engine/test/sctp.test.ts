import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { testProgram } from './test-program.ts';

const program = testProgram('sctp-peer');

/** Why no SCTP socket can be had here, or undefined when one can. */
function sctpMissing(): string | undefined {
  spawnSync('modprobe', ['sctp']);
  // Without a command it ends after its socket, with 2 when it got one.
  const { status, stderr } = spawnSync(program, [], { encoding: 'utf8' });
  return status === 2 ? undefined : stderr.trim();
}

const missing = sctpMissing();
if (missing !== undefined) console.warn(`no SCTP in this kernel, only its rules are tested: ${missing}`);

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** A container that serves SCTP at its port 7000; its address. */
async function serve(name: string, ...ports: string[]): Promise<string> {
  const flags = [
    '-d',
    '--name',
    name,
    '-v',
    `${program}:/sctp-peer:ro`,
    ...ports.flatMap((port) => ['-p', port]),
  ];
  const argv = missing === undefined ? ['/sctp-peer', 'serve', '7000'] : ['sleep', '600'];
  await engine.dockerOk('run', ...flags, 'busybox', ...argv);
  return engine.dockerOk('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', name);
}

const portsOf = async (name: string): Promise<string[]> =>
  (await engine.dockerOk('port', name, '7000/sctp')).split('\n');

test('a published port is in the rules while the container runs, and nobody else gets it', async () => {
  const address = await serve('ruled', '127.0.0.1:17000:7000/sctp', '0.0.0.0:17001:7000/sctp');
  const rules = (): string =>
    execFileSync('nft', ['--numeric-protocol', 'list', 'ruleset'], { encoding: 'utf8' });
  expect(rules()).toContain(`127.0.0.1 . 132 . 17000 : ${address} . 7000`);
  expect(rules()).toContain(`132 . 17001 : ${address} . 7000`);
  const second = await engine.docker('run', '-d', '-p', '127.0.0.1:17000:7000/sctp', 'busybox', 'true');
  expect(second.stderr).toContain('port is already allocated');
  await serve('ranged', '127.0.0.1:17000-17002:7000/sctp');
  expect(await portsOf('ranged')).toEqual(['127.0.0.1:17002']);
  await engine.restart();
  expect(engine.log()).not.toContain('port not reserved again');
  expect(rules()).toContain(`127.0.0.1 . 132 . 17000 : ${address} . 7000`);
  await engine.dockerOk('rm', '-f', 'ruled', 'ranged');
  expect(rules()).not.toContain(`${address} . 7000`);
});

describe.skipIf(missing !== undefined)('a message by SCTP', () => {
  const ask = (host: string, port: string, message: string): string =>
    spawnSync(program, ['ask', host, port, message], { encoding: 'utf8', timeout: 30_000 }).stdout;

  test('reaches the container by any free port of an address, and by one of all addresses', async () => {
    const address = await serve('answering', '127.0.0.1::7000/sctp', '0.0.0.0:17002:7000/sctp');
    const ports = await portsOf('answering');
    const free = ports.map((line) => /^127\.0\.0\.1:(\d+)$/.exec(line)?.[1]).find(Boolean) ?? '';
    await expect.poll(() => ask(address, '7000', 'inside')).toBe('7000: inside\n');
    await expect.poll(() => ask('127.0.0.1', free, 'loopback')).toBe('7000: loopback\n');
    const gateway = address.replace(/\d+$/, '1');
    await expect.poll(() => ask(gateway, '17002', 'everywhere')).toBe('7000: everywhere\n');
  });

  test('goes from container to container, by the published port of the host, too', async () => {
    const address = await serve('asked', '0.0.0.0:17003:7000/sctp');
    const peer = (...argv: string[]): Promise<string> =>
      engine
        .docker('run', '--rm', '-v', `${program}:/sctp-peer:ro`, 'busybox', '/sctp-peer', ...argv)
        .then(({ stdout }) => stdout.trim());
    await expect.poll(() => peer('ask', address, '7000', 'near')).toBe('7000: near');
    await expect.poll(() => peer('ask', address.replace(/\d+$/, '1'), '17003', 'far')).toBe('7000: far');
  });
});
