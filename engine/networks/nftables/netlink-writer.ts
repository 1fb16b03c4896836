/** Netlink messages (netlink(7)): headers in the host's byte order, padded to four bytes. */

const ALIGNMENT = 4;
const NLA_F_NESTED = 0x8000;

/** Attributes of one message, nested ones as a writer that is given a callback. Numbers are in network byte order. */
export class AttributeWriter {
  readonly #parts: Buffer[] = [];

  bytes(type: number, value: Uint8Array): this {
    const length = 4 + value.length;
    const attribute = Buffer.alloc(aligned(length));
    attribute.writeUInt16LE(length, 0);
    attribute.writeUInt16LE(type, 2);
    attribute.set(value, 4);
    this.#parts.push(attribute);
    return this;
  }

  u32(type: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value | 0);
    return this.bytes(type, bytes);
  }

  string(type: number, value: string): this {
    return this.bytes(type, Buffer.from(`${value}\0`));
  }

  nested(type: number, write: (inner: AttributeWriter) => void): this {
    const inner = new AttributeWriter();
    write(inner);
    return this.bytes(type | NLA_F_NESTED, inner.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface Message {
  type: number;
  /** NLM_F_*; NLM_F_REQUEST is always set. */
  flags: number;
  sequence: number;
  /** What follows the netlink header. */
  body: Buffer;
}

export const NLM_F_ACK = 0x04;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
const NLM_F_REQUEST = 0x01;
const HEADER_BYTES = 16;

export function encodeMessage({ type, flags, sequence, body }: Message): Buffer {
  const message = Buffer.alloc(aligned(HEADER_BYTES + body.length));
  message.writeUInt32LE(HEADER_BYTES + body.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags | NLM_F_REQUEST, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(body, HEADER_BYTES);
  return message;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
