/** An IPv4 network: `base` has no host bits set. Addresses are unsigned 32-bit numbers throughout. */
export interface Subnet {
  base: number;
  prefixLength: number;
}

/** Strict dotted decimal: exactly four octets without leading zeros; undefined otherwise. */
export function parseAddress(text: string): number | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let address = 0;
  for (const octet of octets) {
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    address = address * 256 + Number(octet);
  }
  return address;
}

export function formatAddress(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

/** `10.1.2.0/24`; host bits are cut off. Undefined when malformed. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address, prefix, ...rest] = text.split('/');
  const base = parseAddress(address ?? '');
  if (base === undefined || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(prefix ?? '')) return undefined;
  return subnetOf(base, Number(prefix));
}

export function subnetOf(address: number, prefixLength: number): Subnet {
  return { base: address - (address % sizeOf(prefixLength)), prefixLength };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.prefixLength}`;
}

/** Number of addresses. */
export function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}

/** The highest address: broadcast in any subnet larger than /31. */
export function lastAddress(subnet: Subnet): number {
  return subnet.base + sizeOf(subnet.prefixLength) - 1;
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address <= lastAddress(subnet);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base <= lastAddress(b) && b.base <= lastAddress(a);
}

/** Docker's locally administered MAC for an address, `02:42:` + its four octets: stable, so no stale ARP entry. */
export function macOf(address: number): string {
  const octets = formatAddress(address).split('.');
  return ['02', '42', ...octets.map((octet) => Number(octet).toString(16).padStart(2, '0'))].join(':');
}
