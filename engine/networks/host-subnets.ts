import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { overlaps, parseAddress, parseSubnet, sizeOf, subnetOf, type Subnet } from './ipv4.ts';

/** Where a network without a subnet of its own gets one: Docker's default pools. */
export const DEFAULT_POOLS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, index) => pool(`172.${17 + index}.0.0`, 16)),
  ...Array.from({ length: 16 }, (_, index) => pool(`192.168.${16 * index}.0`, 20)),
];

function pool(base: string, prefixLength: number): Subnet {
  return subnetOf(parseAddress(base) ?? 0, prefixLength);
}

/** The first pool that overlaps nothing in use; undefined when all do. */
export function choosePool(used: readonly Subnet[], pools = DEFAULT_POOLS): Subnet | undefined {
  return pools.find((candidate) => !used.some((subnet) => overlaps(candidate, subnet)));
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
    if (prefixLength > 0) subnets.push(subnetOf(littleEndian(destination), prefixLength));
  }
  return subnets;
}

function littleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function bitsSet(mask: number): number {
  return mask === 0 ? 0 : 32 - Math.log2(sizeOf(0) - mask);
}

/** Every IPv4 subnet this host routes or has an address in, apart from those of the interface `except`. */
export async function hostSubnets(except?: string): Promise<Subnet[]> {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => name !== except)
    .flatMap(([, infos]) => infos ?? [])
    .filter((info) => info.family === 'IPv4' && info.cidr !== null)
    .map((info) => parseSubnet(info.cidr ?? ''))
    .filter((subnet) => subnet !== undefined);
  return [...addresses, ...parseRoutes(await readFile('/proc/net/route', 'utf8'), except)];
}
