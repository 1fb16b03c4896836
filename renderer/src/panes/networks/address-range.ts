type Family = 4 | 6;

interface Address {
  family: Family;
  value: bigint;
}

export interface AddressRange {
  family: Family;
  base: bigint;
  last: bigint;
  prefixLength: number;
  /** Whether the text names the first address. */
  isExact: boolean;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Undefined for anything but a whole address, without a zone. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return { family: 4, value };
}

function parseIpv6(text: string): Address | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  if (!before || !after) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<number>(missing).fill(0), ...after];
  return { family: 6, value: groups.reduce((value, group) => value * 65_536n + BigInt(group), 0n) };
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  return parts.every((part) => /^[\da-f]{1,4}$/i.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined;
}

/** `10.20.0.0/24`, `fd00::/64`. */
export function parseRange(text: string): AddressRange | undefined {
  const [host = '', prefix = '', more] = text.split('/');
  const address = parseAddress(host);
  if (!address || more !== undefined || !/^\d{1,3}$/.test(prefix)) return undefined;
  const { family, value } = address;
  const prefixLength = Number(prefix);
  if (prefixLength > BITS[family]) return undefined;
  const size = 1n << BigInt(BITS[family] - prefixLength);
  const base = (value / size) * size;
  return { family, base, last: base + size - 1n, prefixLength, isExact: base === value };
}

export function holds(range: AddressRange, address: Address | undefined): boolean {
  return address?.family === range.family && range.base <= address.value && address.value <= range.last;
}

export function overlap(one: AddressRange, other: AddressRange): boolean {
  return one.family === other.family && one.base <= other.last && other.base <= one.last;
}
