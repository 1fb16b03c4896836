import { expect, test } from 'vitest';
import { choosePool, parseRoutes, parseRoutes6, uniqueLocalPool } from './host-subnets.ts';
import { formatSubnet, parseSubnet } from './subnet.ts';

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;
const used = (...cidrs: string[]) => cidrs.map((cidr) => parseSubnet(cidr) ?? expect.fail(cidr));

test('routes are read in host order and the default route is left out', () => {
  expect(parseRoutes(ROUTES).map(formatSubnet)).toEqual(['192.0.2.0/24', '172.17.0.0/16']);
});

test("an interface's own route does not count against it", () => {
  expect(parseRoutes(ROUTES, 'docker0').map(formatSubnet)).toEqual(['192.0.2.0/24']);
});

test('the first pool is chosen that overlaps nothing, also no larger network', () => {
  const chosen = choosePool(used('172.17.0.0/16', '172.18.5.0/24', '172.20.0.0/14'));
  expect(chosen && formatSubnet(chosen)).toBe('172.19.0.0/16');
});

test('when the 172 pools are used up, 192.168 follows in /20 steps', () => {
  const chosen = choosePool(used('172.16.0.0/12', '192.168.0.0/24'));
  expect(chosen && formatSubnet(chosen)).toBe('192.168.16.0/20');
});

test('no pool is left when the host routes all of them', () => {
  expect(choosePool(used('172.16.0.0/12', '192.168.0.0/16'))).toBeUndefined();
});

test('configured pools are cut into subnets of their size, past whatever is in use', () => {
  const [base] = used('10.10.0.0/16');
  const pools = [{ base: base ?? expect.fail(), size: 24 }];
  const chosen = choosePool(used('10.10.0.0/22', '10.10.5.128/25'), pools);
  expect(chosen && formatSubnet(chosen)).toBe('10.10.4.0/24');
  expect(choosePool(used('10.0.0.0/8'), pools)).toBeUndefined();
});

test('an engine has IPv6 subnets of its own under fd00::/8', () => {
  const pool = uniqueLocalPool('/var/lib/gantry');
  const first = choosePool([], [pool], 6) ?? expect.fail();
  const second = choosePool([first], [pool], 6) ?? expect.fail();
  expect(formatSubnet(first)).toMatch(/^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
  expect(second.base - first.base).toBe(1n << 64n);
  expect(uniqueLocalPool('/other').base).not.toEqual(pool.base);
});

test('IPv6 routes are read without loopback, link-local and multicast', () => {
  const route = (destination: string, prefix: string, link: string): string =>
    `${destination} ${prefix} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000100 00000001 00000000 00000001 ${link}`;
  const table = [
    route(`fd12${'0'.repeat(28)}`, '40', 'eth0'),
    route(`fe80${'0'.repeat(28)}`, '40', 'eth0'),
    route(`ff00${'0'.repeat(28)}`, '08', 'eth0'),
    route('0'.repeat(32), '00', 'eth0'),
    route(`${'0'.repeat(31)}1`, '80', 'lo'),
  ].join('\n');
  expect(parseRoutes6(table).map(formatSubnet)).toEqual(['fd12::/64']);
});
