import { runTool } from './bridge-links.ts';
import { removeTable, ruleSet, type BridgeRules, type PortRule } from './rules.ts';

/** The engine's one nftables table, always replaced whole; without bridges there is none. */
export class Firewall {
  readonly #table: string;
  readonly #wanted: () => { bridges: BridgeRules[]; ports: PortRule[] };
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** `wanted` is asked at the moment of writing, so that one run serves everybody who waits for it. */
  constructor(table: string, wanted: () => { bridges: BridgeRules[]; ports: PortRule[] }) {
    this.#table = table;
    this.#wanted = wanted;
  }

  /** Resolves when what is wanted now is in force. Callers during a run share the next one. */
  apply(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#running = this.#next ?? Promise.resolve();
        this.#next = undefined;
        const { bridges, ports } = this.#wanted();
        const input = bridges.length > 0 ? ruleSet(this.#table, bridges, ports) : removeTable(this.#table);
        return runTool('nft', ['-f', '-'], input).then(() => undefined);
      });
    return this.#next;
  }
}
