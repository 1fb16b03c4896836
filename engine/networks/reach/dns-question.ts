import { formatAddress, type Family } from '../subnet.ts';

const TYPES = { 4: 1, 6: 28 } as const;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const NAME_ERROR = 3;
/** RFC 1035, 2.3.4. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

export type DnsAnswer = { addresses: string[] } | { failure: 'unknown' | 'failed' };

/** Undefined for what no DNS name can be. */
export function encodeQuestion(name: string, family: Family, id: number): Buffer | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  const bytes = labels.map((label) => Buffer.from(label));
  if (name.length > LONGEST_NAME || bytes.some(({ length }) => length === 0 || length > LONGEST_LABEL))
    return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  const encoded = bytes.flatMap((label) => [Buffer.from([label.length]), label]);
  return Buffer.concat([header, ...encoded, Buffer.from([0, 0, TYPES[family], 0, CLASS_IN])]);
}

/**
 * The addresses in an answer. SECURITY: the bytes are anybody's; every read is inside of them, and names are skipped,
 * never followed. Undefined for what is no answer to the question `id`.
 */
export function decodeAnswer(bytes: Buffer, family: Family, id: number): DnsAnswer | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return undefined;
  const code = flags & 15;
  if (code === NAME_ERROR) return { failure: 'unknown' };
  if (code !== 0) return { failure: 'failed' };
  let at: number | undefined = HEADER_BYTES;
  for (let left = bytes.readUInt16BE(4); left > 0 && at !== undefined; left -= 1) {
    at = skipName(bytes, at);
    if (at !== undefined) at += 4;
  }
  const addresses = at === undefined ? [] : readAddresses(bytes, at, family);
  return addresses.length > 0 ? { addresses } : { failure: 'unknown' };
}

function readAddresses(bytes: Buffer, start: number, family: Family): string[] {
  const addresses: string[] = [];
  const wanted = family === 4 ? 4 : 16;
  let at = start;
  for (let left = bytes.readUInt16BE(6); left > 0; left -= 1) {
    const record = skipName(bytes, at);
    if (record === undefined || record + 10 > bytes.length) break;
    const length = bytes.readUInt16BE(record + 8);
    at = record + 10 + length;
    if (at > bytes.length) break;
    if (bytes.readUInt16BE(record) !== TYPES[family] || length !== wanted) continue;
    const value = BigInt(`0x${bytes.toString('hex', record + 10, at)}`);
    addresses.push(formatAddress({ family, value }));
  }
  return addresses;
}

/** Where the name that begins at `start` ends; undefined beyond the message. */
function skipName(bytes: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    // A pointer ends a name.
    if (length >= 0xc0) return at + 2 <= bytes.length ? at + 2 : undefined;
    at += 1 + length;
  }
}
