import { contains, lastAddress, type Address, type Subnet } from './subnet.ts';

/** Of every `of` addresses that follow each other the one that an engine hands out without asking anybody. */
export interface Slot {
  /** -1: none. */
  index: number;
  of: number;
}

/**
 * The addresses of one network in use, of one family. Lowest free address first, as Docker. Held in memory only: after
 * an engine restart every running container takes its addresses back (`take`) before a new one is allocated.
 */
export class AddressPool {
  readonly #subnet: Subnet;
  readonly #range: Subnet;
  readonly #slot: Slot;
  readonly #taken: Set<bigint>;

  /** `range`: where unasked addresses come from; `reserved`: gateway and auxiliary addresses. */
  constructor(subnet: Subnet, range: Subnet, reserved: readonly Address[], slot: Slot = { index: 0, of: 1 }) {
    this.#subnet = subnet;
    this.#range = range;
    this.#slot = slot;
    this.#taken = new Set(reserved.map(({ value }) => value));
    // Network and broadcast address, in IPv6 the anycast address of routers; a /31 has neither (RFC 3021).
    this.#taken.add(subnet.base);
    if (subnet.family === 4) {
      if (subnet.prefixLength < 31) this.#taken.add(lastAddress(subnet));
      else this.#taken.delete(subnet.base);
    }
  }

  /** Undefined when the pool is exhausted. */
  allocate(): Address | undefined {
    const { family, base } = this.#range;
    for (let value = base; value <= lastAddress(this.#range); value += 1n) {
      if (this.slotOf({ family, value }) !== this.#slot.index) continue;
      if (this.take({ family, value })) return { family, value };
    }
    return undefined;
  }

  /** Whose the address is to hand out. */
  slotOf({ value }: Address): number {
    return Number((value - this.#subnet.base) % BigInt(this.#slot.of));
  }

  /** Takes exactly this address, of whatever slot; false when it is in use or not of this subnet. */
  take(address: Address): boolean {
    if (!contains(this.#subnet, address) || this.#taken.has(address.value)) return false;
    this.#taken.add(address.value);
    return true;
  }

  release({ value }: Address): void {
    this.#taken.delete(value);
  }
}
