import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { lastAddress, overlaps, parseSubnet, sizeOf, subnetOf, type Family, type Subnet } from './subnet.ts';

/** Subnets of `size` are cut from `base` one after the other. */
export interface DefaultPool {
  base: Subnet;
  size: number;
}

/** Where an IPv4 network without a subnet of its own gets one: Docker's default pools. */
export const DEFAULT_POOLS: readonly DefaultPool[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: fixed(`172.${17 + index}.0.0/16`), size: 16 })),
  { base: fixed('192.168.0.0/16'), size: 20 },
];

/** As a swarm of Docker's: far from what hosts choose for themselves. */
export const OVERLAY_POOLS: readonly DefaultPool[] = [{ base: fixed('10.0.0.0/8'), size: 24 }];

function fixed(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (!subnet) throw new Error(text);
  return subnet;
}

/** Docker's rule for IPv6: /64 subnets of a /48 of this engine's own (RFC 4193, a random global ID under fd00::/8). */
export function uniqueLocalPool(seed: string): DefaultPool {
  const globalId = createHash('sha256').update(seed).digest().subarray(0, 5).toString('hex');
  return {
    base: { family: 6, base: BigInt(`0xfd${globalId}${'0'.repeat(20)}`), prefixLength: 48 },
    size: 64,
  };
}

/** The first subnet of the pools that overlaps nothing in use; undefined when there is none. */
export function choosePool(
  used: readonly Subnet[],
  pools: readonly DefaultPool[] = DEFAULT_POOLS,
  family: Family = 4,
): Subnet | undefined {
  for (const { base, size } of pools.filter((pool) => pool.base.family === family)) {
    let value = base.base;
    while (value <= lastAddress(base)) {
      const candidate = subnetOf({ family, value }, size);
      const inTheWay = used.find((subnet) => overlaps(candidate, subnet));
      if (!inTheWay) return candidate;
      // Past the end of what is in the way, however many candidates that covers.
      const past = lastAddress(inTheWay) + 1n;
      const next = candidate.base + sizeOf(candidate);
      value = past > next ? ((past + sizeOf(candidate) - 1n) / sizeOf(candidate)) * sizeOf(candidate) : next;
    }
  }
  return undefined;
}

/**
 * Destinations in `/proc/net/route` (hexadecimal, little-endian words) other than the default route, without those
 * through the interface `except`.
 */
export function parseRoutes(table: string, except?: string): Subnet[] {
  const subnets: Subnet[] = [];
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [name, destination, mask] = [fields[0], fields[1], fields[7]];
    if (name === undefined || destination === undefined || mask === undefined || name === except) continue;
    const prefixLength = bitsSet(littleEndian(mask));
    const value = BigInt(littleEndian(destination));
    if (prefixLength > 0) subnets.push(subnetOf({ family: 4, value }, prefixLength));
  }
  return subnets;
}

/** The same of `/proc/net/ipv6_route`, without loopback, link-local and multicast. */
export function parseRoutes6(table: string, except?: string): Subnet[] {
  const subnets: Subnet[] = [];
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const [destination, prefix, name] = [fields[0], fields[1], fields[9]];
    if (destination === undefined || prefix === undefined || name === except || name === 'lo') continue;
    const prefixLength = Number.parseInt(prefix, 16);
    const isLocal = destination.startsWith('fe8') || destination.startsWith('ff');
    if (!(prefixLength > 0) || isLocal) continue;
    subnets.push(subnetOf({ family: 6, value: BigInt(`0x${destination}`) }, prefixLength));
  }
  return subnets;
}

function littleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function bitsSet(mask: number): number {
  return mask === 0 ? 0 : 32 - Math.log2(2 ** 32 - mask);
}

/** Every subnet that this host routes or has an address in, apart from those of the interface `except`. */
export async function hostSubnets(except?: string): Promise<Subnet[]> {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => name !== except)
    .flatMap(([, infos]) => infos ?? [])
    .filter(({ cidr, address }) => cidr !== null && !address.startsWith('fe80:') && address !== '::1')
    .map((info) => parseSubnet(info.cidr ?? ''))
    .filter((subnet) => subnet !== undefined);
  const [routes4, routes6] = await Promise.all([
    readFile('/proc/net/route', 'utf8'),
    readFile('/proc/net/ipv6_route', 'utf8').catch(() => ''),
  ]);
  return [...addresses, ...parseRoutes(routes4, except), ...parseRoutes6(routes6, except)];
}
