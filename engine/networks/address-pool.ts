import { contains, lastAddress, type Subnet } from './ipv4.ts';

/**
 * The addresses of one network in use. Lowest free address first, as Docker. Held in memory only: after an engine
 * restart every running container takes its addresses back (`take`) before a new one is allocated.
 */
export class AddressPool {
  readonly #subnet: Subnet;
  readonly #range: Subnet;
  readonly #taken: Set<number>;

  /** `range`: where unasked addresses come from; `reserved`: gateway and auxiliary addresses. */
  constructor(subnet: Subnet, range: Subnet, reserved: readonly number[]) {
    this.#subnet = subnet;
    this.#range = range;
    this.#taken = new Set(reserved);
    // Network and broadcast address; a /31 has neither (RFC 3021).
    if (subnet.prefixLength < 31) this.#taken.add(subnet.base).add(lastAddress(subnet));
  }

  /** Undefined when the pool is exhausted. */
  allocate(): number | undefined {
    for (let address = this.#range.base; address <= lastAddress(this.#range); address += 1) {
      if (this.take(address)) return address;
    }
    return undefined;
  }

  /** Takes exactly this address; false when it is in use or not of this subnet. */
  take(address: number): boolean {
    if (!contains(this.#subnet, address) || this.#taken.has(address)) return false;
    this.#taken.add(address);
    return true;
  }

  release(address: number): void {
    this.#taken.delete(address);
  }
}
