import { isIPv6 } from 'node:net';

export type Family = 4 | 6;

/** An address of either family as a number. */
export interface Address {
  family: Family;
  value: bigint;
}

/** `base` has no host bits set. */
export interface Subnet {
  family: Family;
  base: bigint;
  prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Strict: four octets without leading zeros, or RFC 4291 without a zone. Undefined otherwise. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseAddress6(text) : parseAddress4(text);
}

function parseAddress4(text: string): Address | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0n;
  for (const octet of octets) {
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256n + BigInt(octet);
  }
  return { family: 4, value };
}

function parseAddress6(text: string): Address | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)([\d.]+)$/.exec(text);
  const embedded = dotted?.[2]?.includes('.') ? parseAddress4(dotted[2])?.value : undefined;
  const whole =
    embedded === undefined
      ? text
      : `${dotted?.[1]}${(embedded >> 16n).toString(16)}:${(embedded & 0xffffn).toString(16)}`;
  const [head = '', tail] = whole.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  const value = [...before, ...zeros, ...after].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
  return { family: 6, value };
}

export function formatAddress({ family, value }: Address): string {
  return family === 4
    ? [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
    : formatAddress6(value);
}

/** RFC 5952: lower case, the longest run of zero groups (the first of several, at least two) as `::`. */
function formatAddress6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const runs = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const text = groups.join(':');
  const at = text.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** `10.1.2.0/24`, `fd00::/64`; host bits are cut off. Undefined when malformed. */
export function parseSubnet(text: string): Subnet | undefined {
  const [host, prefix, ...rest] = text.split('/');
  const address = parseAddress(host ?? '');
  if (!address || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix ?? '')) return undefined;
  return Number(prefix) <= BITS[address.family] ? subnetOf(address, Number(prefix)) : undefined;
}

export function subnetOf({ family, value }: Address, prefixLength: number): Subnet {
  const hostBits = BigInt(BITS[family] - prefixLength);
  return { family, base: (value >> hostBits) << hostBits, prefixLength };
}

export function formatSubnet({ family, base, prefixLength }: Subnet): string {
  return `${formatAddress({ family, value: base })}/${prefixLength}`;
}

/** Number of addresses. */
export function sizeOf({ family, prefixLength }: Subnet): bigint {
  return 1n << BigInt(BITS[family] - prefixLength);
}

/** The highest address: broadcast in any IPv4 subnet larger than /31. */
export function lastAddress(subnet: Subnet): bigint {
  return subnet.base + sizeOf(subnet) - 1n;
}

/** Whether there is room for a gateway and a container. */
export function hasRoom(subnet: Subnet): boolean {
  return sizeOf(subnet) >= 4n;
}

export function contains(subnet: Subnet, { family, value }: Address): boolean {
  return family === subnet.family && value >= subnet.base && value <= lastAddress(subnet);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.base <= lastAddress(b) && b.base <= lastAddress(a);
}

/** In network byte order. */
export function addressBytes({ family, value }: Address): Buffer {
  return Buffer.from(value.toString(16).padStart(BITS[family] / 4, '0'), 'hex');
}

/** `0.0.0.0` and `::`. */
export function isUnspecified(text: string): boolean {
  return parseAddress(text)?.value === 0n;
}

/** As a host of a URL or of Docker's messages: `[::1]`. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Docker's locally administered MAC for an IPv4 address, `02:42:` + its four octets: stable, so no stale ARP entry. */
export function macOf(address: Address): string {
  const octets = [...addressBytes(address).subarray(-4)].map((octet) => octet.toString(16).padStart(2, '0'));
  return ['02', '42', ...octets].join(':');
}
