/**
 * The expressions of nftables rules as the kernel takes them (linux/netfilter/nf_tables.h). A rule is a list of them;
 * a register is loaded by one and compared, looked up or used by the next. `reg` counts the 4-byte registers.
 */
import { AttributeWriter } from './netlink-writer.ts';

/** One encoded expression. */
export type Expression = Buffer;

export const IPV4 = 2;
export const IPV6 = 10;
export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
export const ICMP = 1;
export const ICMPV6 = 58;

export const ACCEPT = 1;
export const DROP = 0;
const JUMP = -3;

const META_KEYS = { iifname: 6, oifname: 7, nfproto: 15, l4proto: 16, secpath: 25 } as const;
const RT_XFRM = 4;
const CT_STATE = 0;
const CT_STATUS = 2;
const FIB_RESULT_ADDRTYPE = 3;
const FIB_DADDR = 2;
const RTN_LOCAL = 2;
const PAYLOAD_NETWORK = 1;
const PAYLOAD_TRANSPORT = 2;
const SNAT = 0;
const DNAT = 1;
/** NFT_REG32_00. */
const FIRST_REGISTER = 8;
const IFNAMSIZ = 16;

const EQ = 0;
const NEQ = 1;

function expression(name: string, write: (data: AttributeWriter) => void): Expression {
  return new AttributeWriter().string(1, name).nested(2, write).finish();
}

const register = (reg: number): number => FIRST_REGISTER + reg;

export function loadMeta(key: keyof typeof META_KEYS, reg = 0): Expression {
  return expression('meta', (data) => data.u32(1, register(reg)).u32(2, META_KEYS[key]));
}

function compare(operator: number, value: Uint8Array, reg = 0): Expression {
  return expression('cmp', (data) =>
    data
      .u32(1, register(reg))
      .u32(2, operator)
      .nested(3, (inner) => inner.bytes(1, value)),
  );
}

function loadPayload(base: number, offset: number, length: number, reg = 0): Expression {
  return expression('payload', (data) =>
    data.u32(1, register(reg)).u32(2, base).u32(3, offset).u32(4, length),
  );
}

/** Offsets in the headers of IPv4 (RFC 791) and IPv6 (RFC 8200). */
const ADDRESS_FIELDS = {
  [IPV4]: { saddr: 12, daddr: 16, length: 4 },
  [IPV6]: { saddr: 8, daddr: 24, length: 16 },
};

export type Family = typeof IPV4 | typeof IPV6;

export function loadAddress(family: Family, field: 'saddr' | 'daddr', reg = 0): Expression {
  const { length, [field]: offset } = ADDRESS_FIELDS[family];
  return loadPayload(PAYLOAD_NETWORK, offset, length, reg);
}

/** Destination port, at the same place in TCP, UDP and SCTP. */
export function loadPort(reg = 0): Expression {
  return loadPayload(PAYLOAD_TRANSPORT, 2, 2, reg);
}

export function isFamily(family: Family): Expression[] {
  return [loadMeta('nfproto'), compare(EQ, Buffer.from([family]))];
}

export function isProtocol(protocol: number): Expression[] {
  return [loadMeta('l4proto'), compare(EQ, Buffer.from([protocol]))];
}

export function isPort(port: number): Expression[] {
  return [loadPort(), compare(EQ, portBytes(port))];
}

export function isSourcePort(port: number): Expression[] {
  return [loadPayload(PAYLOAD_TRANSPORT, 0, 2), compare(EQ, portBytes(port))];
}

/** The whole address. */
export function isWithin(family: Family, field: 'saddr' | 'daddr', address: Buffer): Expression[] {
  return [loadAddress(family, field), compare(EQ, address)];
}

const CHECKSUM_INET = 1;
const CHECKSUM_OFFSETS: Record<number, number> = { [TCP]: 16, [UDP]: 6 };

/** Rewrites the header of the packet, with its checksum. */
export function setPort(protocol: number, end: 'source' | 'destination', port: number): Expression[] {
  return [
    loadBytes(portBytes(port), 0),
    expression('payload', (data) =>
      data
        .u32(5, register(0))
        .u32(2, PAYLOAD_TRANSPORT)
        .u32(3, end === 'source' ? 0 : 2)
        .u32(4, 2)
        .u32(6, CHECKSUM_INET)
        .u32(7, CHECKSUM_OFFSETS[protocol] ?? 0),
    ),
  ];
}

export function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff]);
}

function link(direction: 'iifname' | 'oifname', operator: number, name: string): Expression[] {
  const padded = Buffer.alloc(IFNAMSIZ);
  padded.write(name);
  return [loadMeta(direction), compare(operator, padded)];
}

export const comesFrom = (name: string): Expression[] => link('iifname', EQ, name);
export const comesNotFrom = (name: string): Expression[] => link('iifname', NEQ, name);
export const goesTo = (name: string): Expression[] => link('oifname', EQ, name);
export const goesNotTo = (name: string): Expression[] => link('oifname', NEQ, name);

/** `address` and `mask` as the packet has them. */
function isIn(family: Family, field: 'saddr' | 'daddr', address: Buffer, mask: Buffer): Expression[] {
  return [...isFamily(family), loadAddress(family, field), maskRegister(mask), compare(EQ, address)];
}

export interface Prefix {
  family: Family;
  address: Buffer;
  length: number;
}

export function isFrom({ family, address, length }: Prefix): Expression[] {
  return isIn(family, 'saddr', address, maskOf(address.length, length));
}

export function isTo({ family, address, length }: Prefix): Expression[] {
  return isIn(family, 'daddr', address, maskOf(address.length, length));
}

function maskOf(bytes: number, prefixLength: number): Buffer {
  return Buffer.from(
    Array.from({ length: bytes }, (_, index) => {
      const bits = Math.min(8, Math.max(0, prefixLength - 8 * index));
      return (0xff << (8 - bits)) & 0xff;
    }),
  );
}

function maskRegister(mask: Buffer): Expression {
  return expression('bitwise', (data) =>
    data
      .u32(1, register(0))
      .u32(2, register(0))
      .u32(3, mask.length)
      .nested(4, (inner) => inner.bytes(1, mask))
      .nested(5, (inner) => inner.bytes(1, Buffer.alloc(mask.length))),
  );
}

/** Numbers that the kernel itself keeps are in its own byte order. */
function native(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function connection(key: number, bits: number): Expression[] {
  return [
    expression('ct', (data) => data.u32(1, register(0)).u32(2, key)),
    maskRegister(native(bits)),
    compare(NEQ, native(0)),
  ];
}

/** Bits of enum ip_conntrack_info and ip_conntrack_status. */
const ESTABLISHED_OR_RELATED = 2 | 4;
const IPS_DST_NAT = 0x20;

export const isAnswer = (): Expression[] => connection(CT_STATE, ESTABLISHED_OR_RELATED);
export const isTranslated = (): Expression[] => connection(CT_STATUS, IPS_DST_NAT);

/** The destination is an address of this host. */
export function isToHost(): Expression[] {
  return [
    expression('fib', (data) => data.u32(1, register(0)).u32(2, FIB_RESULT_ADDRTYPE).u32(3, FIB_DADDR)),
    compare(EQ, native(RTN_LOCAL)),
  ];
}

/** The packet came out of IPsec. */
export function isDecrypted(): Expression[] {
  return [loadMeta('secpath'), compare(EQ, Buffer.from([1]))];
}

/** IPsec has nothing to do on the way that the packet takes from this host. */
export function isToBePlain(): Expression[] {
  return [
    expression('rt', (data) => data.u32(1, register(0)).u32(2, RT_XFRM)),
    compare(EQ, Buffer.from([0])),
  ];
}

export function verdict(code: typeof ACCEPT | typeof DROP): Expression {
  return immediateVerdict(code);
}

export function jump(chain: string): Expression {
  return immediateVerdict(JUMP, chain);
}

function immediateVerdict(code: number, chain?: string): Expression {
  return expression('immediate', (data) =>
    data.u32(1, 0).nested(2, (inner) =>
      inner.nested(2, (value) => {
        value.u32(1, code);
        if (chain !== undefined) value.string(2, chain);
      }),
    ),
  );
}

function loadBytes(value: Uint8Array, reg: number): Expression {
  return expression('immediate', (data) =>
    data.u32(1, register(reg)).nested(2, (inner) => inner.bytes(1, value)),
  );
}

/** Ends the rule unless the map has the key in the registers from 0; loads what it maps to into those from `reg`. */
export function lookUp(map: string, reg: number): Expression {
  return expression('lookup', (data) => data.string(1, map).u32(2, register(0)).u32(3, register(reg)));
}

/** Ends the rule unless the set has what is in the registers from 0. */
export function isAmong(set: string): Expression {
  return expression('lookup', (data) => data.string(1, set).u32(2, register(0)));
}

/** Destination address in the registers from `reg`, the port in the one after it. */
export function translateTo(family: Family, reg: number): Expression {
  return expression('nat', (data) =>
    data
      .u32(1, DNAT)
      .u32(2, family)
      .u32(3, register(reg))
      .u32(5, register(reg + ADDRESS_FIELDS[family].length / 4)),
  );
}

export function translateToFixed(family: Family, address: Buffer, port: number): Expression[] {
  return [loadBytes(address, 0), loadBytes(portBytes(port), address.length / 4), translateTo(family, 0)];
}

/** As `masquerade`, with an address that is given. */
export function sourceFrom(family: Family, address: Buffer): Expression[] {
  return [
    loadBytes(address, 0),
    expression('nat', (data) => data.u32(1, SNAT).u32(2, family).u32(3, register(0))),
  ];
}

export function masquerade(): Expression {
  return expression('masq', () => undefined);
}
