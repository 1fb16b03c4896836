/** One atomic transaction of nf_tables: all of it is in force, or nothing. */
import type { Expression } from './expressions.ts';
import {
  AttributeWriter,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  type Message,
} from './netlink-writer.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const NEW_TABLE = 0;
const DELETE_TABLE = 2;
const NEW_CHAIN = 3;
const NEW_RULE = 6;
const NEW_SET = 9;
const NEW_ELEMENTS = 12;
const DELETE_ELEMENTS = 14;

const FAMILY_INET = 1;
const SET_IS_MAP = 8;
const LIST_ELEMENT = 1;

/** Hooks of linux/netfilter.h, with the priorities that nft names. */
const HOOKS = {
  'raw prerouting': { type: 'filter', hook: 0, priority: -300 },
  'nat prerouting': { type: 'nat', hook: 0, priority: -100 },
  'raw output': { type: 'filter', hook: 3, priority: -300 },
  'filter forward': { type: 'filter', hook: 2, priority: 0 },
  'nat output': { type: 'nat', hook: 3, priority: -100 },
  'nat postrouting': { type: 'nat', hook: 4, priority: 100 },
} as const;

export type Hook = keyof typeof HOOKS;

/** Numbers by which nft shows keys and values; the kernel does not look at them. A concatenation is 6 bits each. */
export const TYPES = { ipv4: 7, ipv6: 8, protocol: 12, service: 13 } as const;
type Field = keyof typeof TYPES;
const FIELD_BYTES: Record<Field, number> = { ipv4: 4, ipv6: 16, protocol: 4, service: 4 };

export interface MapSpecification {
  name: string;
  key: readonly Field[];
  /** Empty: a set. */
  value: readonly Field[];
}

export interface MapElement {
  key: Buffer;
  /** Absent in sets. */
  value?: Buffer;
}

/** Values side by side as the kernel wants them: each padded to whole registers. */
export function concatenate(...values: Uint8Array[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const padded = Buffer.alloc(Math.ceil(value.length / 4) * 4);
      padded.set(value);
      return padded;
    }),
  );
}

/** Composes the requests of one transaction on one table (family inet). */
export class NftBatch {
  readonly #table: string;
  readonly #messages: Message[] = [];
  #setIds = 0;

  constructor(table: string) {
    this.#table = table;
  }

  /** As `add table`: no error where it is there. */
  addTable(): this {
    return this.#add(NEW_TABLE, NLM_F_CREATE, (data) => data.string(1, this.#table));
  }

  deleteTable(): this {
    return this.#add(DELETE_TABLE, 0, (data) => data.string(1, this.#table));
  }

  /** Without a hook: a chain to jump to. */
  addChain(name: string, hook?: Hook): this {
    return this.#add(NEW_CHAIN, NLM_F_CREATE, (data) => {
      data.string(1, this.#table).string(3, name);
      if (hook === undefined) return;
      const { type, hook: number, priority } = HOOKS[hook];
      data.nested(4, (inner) => inner.u32(1, number).u32(2, priority)).string(7, type);
    });
  }

  addRule(chain: string, ...expressions: (Expression | Expression[])[]): this {
    return this.#add(NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, (data) =>
      data
        .string(1, this.#table)
        .string(2, chain)
        .nested(4, (list) => {
          for (const expression of expressions.flat()) list.bytes(LIST_ELEMENT | 0x8000, expression);
        }),
    );
  }

  addMap({ name, key, value }: MapSpecification): this {
    const id = (this.#setIds += 1);
    const isMap = value.length > 0;
    return this.#add(NEW_SET, NLM_F_CREATE, (data) => {
      data
        .string(1, this.#table)
        .string(2, name)
        .u32(3, isMap ? SET_IS_MAP : 0)
        .u32(4, typeOf(key))
        .u32(5, lengthOf(key));
      if (isMap) data.u32(6, typeOf(value)).u32(7, lengthOf(value));
      data.u32(10, id);
    });
  }

  addElements(map: string, elements: readonly MapElement[]): this {
    return this.#elements(NEW_ELEMENTS, NLM_F_CREATE, map, elements, true);
  }

  deleteElements(map: string, elements: readonly Pick<MapElement, 'key'>[]): this {
    return this.#elements(DELETE_ELEMENTS, 0, map, elements, false);
  }

  /** What goes to a netfilter socket in one piece. Only the last request is acknowledged, errors always are told. */
  encode(): Buffer {
    const last = this.#messages.length;
    const messages = this.#messages.map((message, index) =>
      encodeMessage({ ...message, flags: message.flags | (index === last - 1 ? NLM_F_ACK : 0) }),
    );
    return Buffer.concat([border(BATCH_BEGIN, 0), ...messages, border(BATCH_END, last + 1)]);
  }

  #elements(
    type: number,
    flags: number,
    map: string,
    elements: readonly { key: Buffer; value?: Buffer }[],
    withValue: boolean,
  ): this {
    if (elements.length === 0) return this;
    return this.#add(type, flags, (data) =>
      data
        .string(1, this.#table)
        .string(2, map)
        .nested(3, (list) => {
          for (const { key, value } of elements) {
            list.nested(LIST_ELEMENT, (element) => {
              element.nested(1, (inner) => inner.bytes(1, key));
              if (withValue && value) element.nested(2, (inner) => inner.bytes(1, value));
            });
          }
        }),
    );
  }

  #add(type: number, flags: number, write: (data: AttributeWriter) => void): this {
    const data = new AttributeWriter();
    write(data);
    this.#messages.push({
      type: (NFNL_SUBSYS_NFTABLES << 8) | type,
      flags,
      sequence: this.#messages.length + 1,
      body: Buffer.concat([header(FAMILY_INET, 0), data.finish()]),
    });
    return this;
  }
}

const typeOf = (fields: readonly Field[]): number =>
  fields.reduce((type, field) => (type << 6) | TYPES[field], 0);
const lengthOf = (fields: readonly Field[]): number =>
  fields.reduce((length, field) => length + FIELD_BYTES[field], 0);

/** struct nfgenmsg; the resource id is in network byte order. */
function header(family: number, resource: number): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}

function border(type: number, sequence: number): Buffer {
  return encodeMessage({ type, flags: 0, sequence, body: header(0, NFNL_SUBSYS_NFTABLES) });
}
