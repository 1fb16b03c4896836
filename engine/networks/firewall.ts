import { errnoOf } from '../lib/errors.ts';
import type { NftBatch } from './nftables/batch.ts';
import { addPorts, removePorts, removeTable, ruleSet, type BridgeRules, type PortRule } from './rules.ts';

interface FirewallOptions {
  table: string;
  /** Runs a subcommand of the native binary: no `nft` is spawned. */
  runTask: (argv: string[]) => Promise<void>;
  /** Asked at the moment of writing. */
  wanted: () => { bridges: BridgeRules[]; ports: PortRule[] };
}

/** Elements of one request, so that its length fits into the 16 bits of a netlink attribute. */
const CHUNK = 400;

/** The engine's one nftables table; without bridges there is none. One change at a time, each atomic. */
export class Firewall {
  readonly #options: FirewallOptions;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: FirewallOptions) {
    this.#options = options;
  }

  /** Replaces the table whole. Resolves when what is wanted now is in force; callers meanwhile share the next run. */
  apply(): Promise<void> {
    this.#next ??= this.#queue(() => {
      this.#next = undefined;
      return this.#replace();
    });
    return this.#next;
  }

  /** Adds what a container publishes. Where somebody flushed our table, it is all made again. */
  publish(ports: readonly PortRule[]): Promise<void> {
    return this.#queue(() => this.#change(ports, addPorts));
  }

  withdraw(ports: readonly PortRule[]): Promise<void> {
    return this.#queue(() => this.#change(ports, removePorts));
  }

  async #change(
    ports: readonly PortRule[],
    compose: (table: string, ports: readonly PortRule[]) => NftBatch,
  ): Promise<void> {
    if (ports.length === 0) return;
    if (ports.length > CHUNK) return this.#replace();
    try {
      await this.#send(compose(this.#options.table, ports));
    } catch (error) {
      // ENOENT: the table or an element is gone. EEXIST, EBUSY: an element is there that should not be.
      if (!['ENOENT', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
      await this.#replace();
    }
  }

  async #replace(): Promise<void> {
    const { table, wanted } = this.#options;
    const { bridges, ports } = wanted();
    if (bridges.length === 0) return this.#send(removeTable(table));
    await this.#send(ruleSet(table, bridges, ports.slice(0, CHUNK)));
    for (let at = CHUNK; at < ports.length; at += CHUNK) {
      await this.#send(addPorts(table, ports.slice(at, at + CHUNK)));
    }
  }

  #send(batch: NftBatch): Promise<void> {
    return this.#options.runTask(['netfilter', batch.encode().toString('hex')]);
  }

  #queue(act: () => Promise<void>): Promise<void> {
    const run = this.#last.then(act, act);
    this.#last = run.catch(() => undefined);
    return run;
  }
}
