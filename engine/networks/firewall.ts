import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { NftBatch } from './nftables/batch.ts';
import {
  addPorts,
  removePorts,
  removeTable,
  ruleSet,
  type BridgeRules,
  type LinkRule,
  type PortRule,
  type TunnelRules,
} from './rules.ts';

interface FirewallOptions {
  table: string;
  /** Runs a subcommand of the native binary: no `nft` is spawned. */
  runTask: (argv: string[]) => Promise<void>;
  logger: Logger;
  /** Asked at the moment of writing. */
  wanted: () => {
    bridges: BridgeRules[];
    ports: PortRule[];
    links: LinkRule[];
    tunnel?: TunnelRules | undefined;
  };
}

/** Between two repairs, whoever removes our rules and how often. */
const REST_MS = 500;
/** Before another watcher, where none can run. */
const UNWATCHED_MS = 30_000;

/** Elements of one request, so that its length fits into the 16 bits of a netlink attribute. */
const CHUNK = 400;

/** The engine's one nftables table; without bridges there is none. One change at a time, each atomic. */
export class Firewall {
  readonly #options: FirewallOptions;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;
  #watching = false;
  #closed = false;

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
  async publish(ports: readonly PortRule[]): Promise<void> {
    await this.#queue(() => this.#change(ports, addPorts));
    await this.#forgetFlows(ports);
  }

  async withdraw(ports: readonly PortRule[]): Promise<void> {
    await this.#queue(() => this.#change(ports, removePorts));
    await this.#forgetFlows(ports);
  }

  close(): void {
    this.#closed = true;
  }

  /**
   * UDP has no connections but in conntrack's memory: a client that goes on sending from one port would be led past
   * new rules, or to a container that is gone.
   */
  async #forgetFlows(ports: readonly PortRule[]): Promise<void> {
    const udp = ports
      .filter(({ protocol, hostPort }) => protocol === 'udp' && hostPort !== 0)
      .map(({ hostPort }) => String(hostPort));
    if (udp.length === 0) return;
    await this.#options.runTask(['forget-flows', ...new Set(udp)]).catch((error: unknown) => {
      this.#options.logger.debug('conntrack entries stay', { error: messageOf(error) });
    });
  }

  /** Makes the table again when somebody else empties it, as a reload of /etc/nftables.conf does. */
  async #watch(): Promise<void> {
    const { table, runTask, logger } = this.#options;
    while (!this.#closed) {
      try {
        await runTask(['watch-netfilter', table]);
        if (this.#closed) return;
        logger.warn('somebody removed rules of ours: they are made again', { table });
        await this.apply();
      } catch (error) {
        if (this.#closed) return;
        logger.debug('rules are not watched', { error: messageOf(error) });
        await delay(UNWATCHED_MS, undefined, { ref: false });
      }
      await delay(REST_MS, undefined, { ref: false });
    }
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
    const { bridges, ports, ...others } = wanted();
    if (bridges.length === 0) return this.#send(removeTable(table));
    await this.#send(ruleSet(table, bridges, ports.slice(0, CHUNK), others));
    if (!this.#watching) void this.#watch();
    this.#watching = true;
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
