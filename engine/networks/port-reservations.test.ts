import { expect, test } from 'vitest';
import { reservePort } from './port-reservations.ts';

const any = { containerPort: 80, hostIps: ['127.0.0.1'], first: 0, last: 0 };

test.each(['tcp', 'udp', 'sctp'] as const)(
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

test.each(['tcp', 'sctp'] as const)('a range of %s skips ports that are taken', async (protocol) => {
  const last = 30_000;
  const held = await reservePort({ ...any, protocol, first: 20_000, last });
  const range = { ...any, protocol, first: held.hostPort, last };
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
