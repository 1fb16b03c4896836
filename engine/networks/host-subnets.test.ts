import { expect, test } from 'vitest';
import { choosePool, DEFAULT_POOLS, parseRoutes } from './host-subnets.ts';
import { formatSubnet, parseSubnet } from './ipv4.ts';

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
  expect(DEFAULT_POOLS).toHaveLength(31);
});
