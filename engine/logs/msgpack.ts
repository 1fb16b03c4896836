/** MessagePack, as much as Fluentd's forward protocol needs. Source: the MessagePack specification. */

export type Packable = string | number | bigint | boolean | null | Buffer | Packed | Packable[] | PackMap;
export type PackMap = { readonly [key: string]: Packable };

/** Bytes that are MessagePack already. */
export class Packed {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Text may be given as bytes: it is packed as a string, whatever is in it. Numbers are whole. */
export function pack(value: Packable): Buffer {
  if (value instanceof Packed) return value.bytes;
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === 'number' || typeof value === 'bigint') return packInteger(BigInt(value));
  if (typeof value === 'string') return packText(Buffer.from(value));
  if (Buffer.isBuffer(value)) return packText(value);
  if (Array.isArray(value)) {
    return Buffer.concat([counted(0x90, 0xdc, value.length), ...value.map(pack)]);
  }
  const entries = Object.entries(value);
  const head = counted(0x80, 0xde, entries.length);
  return Buffer.concat([head, ...entries.flatMap(([key, item]) => [pack(key), pack(item)])]);
}

/** Fluentd's EventTime: extension type 0 of eight bytes, seconds and nanoseconds. */
export function packEventTime(timeNs: bigint): Packed {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0xd7;
  bytes.writeUInt32BE(Number(timeNs / 1_000_000_000n), 2);
  bytes.writeUInt32BE(Number(timeNs % 1_000_000_000n), 6);
  return new Packed(bytes);
}

function packInteger(value: bigint): Buffer {
  if (value >= 0n && value < 128n) return Buffer.from([Number(value)]);
  const bytes = Buffer.alloc(9);
  bytes[0] = value < 0n ? 0xd3 : 0xcf;
  if (value < 0n) bytes.writeBigInt64BE(value, 1);
  else bytes.writeBigUInt64BE(value, 1);
  return bytes;
}

function packText(text: Buffer): Buffer {
  const { length } = text;
  if (length < 32) return Buffer.concat([Buffer.from([0xa0 | length]), text]);
  if (length < 256) return Buffer.concat([Buffer.from([0xd9, length]), text]);
  return Buffer.concat([counted(0, 0xda, length), text]);
}

/** `small | count` below 16, else the type with 16 bits, or the one after it with 32. */
function counted(small: number, type16: number, count: number): Buffer {
  if (small !== 0 && count < 16) return Buffer.from([small | count]);
  const wide = count > 0xffff;
  const head = Buffer.alloc(wide ? 5 : 3);
  head[0] = wide ? type16 + 1 : type16;
  if (wide) head.writeUInt32BE(count, 1);
  else head.writeUInt16BE(count, 1);
  return head;
}
