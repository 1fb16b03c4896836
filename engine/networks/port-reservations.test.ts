import { expect, test } from 'vitest';
import { reservePort } from './port-reservations.ts';

const any = { containerPort: 80, hostIps: ['127.0.0.1'], first: 0, last: 0 };

test.each(['tcp', 'udp'] as const)(
  'a reserved %s port cannot be bound again until it is closed',
  async (protocol) => {
    const held = await reservePort({ ...any, protocol });
    const same = { ...any, protocol, first: held.hostPort, last: held.hostPort };
    await expect(reservePort(same)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(reservePort({ ...same, hostIps: ['0.0.0.0'] })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await held.close();
    const again = await reservePort(same);
    expect(again.hostPort).toBe(held.hostPort);
    await again.close();
  },
);

test('a range skips ports that are taken', async () => {
  const held = await reservePort({ ...any, protocol: 'tcp' });
  const range = {
    ...any,
    protocol: 'tcp' as const,
    first: held.hostPort,
    last: Math.min(held.hostPort + 20, 65535),
  };
  const next = await reservePort(range);
  expect(next.hostPort).toBeGreaterThan(held.hostPort);
  await Promise.all([held.close(), next.close()]);
});

test('a port that is taken at one of the addresses is taken at none', async () => {
  const held = await reservePort({ ...any, hostIps: ['::1'], protocol: 'tcp' });
  const both = { ...any, protocol: 'tcp' as const, hostIps: ['127.0.0.1', '::1'] };
  const same = { ...both, first: held.hostPort, last: held.hostPort };
  await expect(reservePort(same)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await held.close();
  const again = await reservePort(same);
  await again.close();
});
