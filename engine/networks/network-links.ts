import { writeFile } from 'node:fs/promises';
import { conflict, EngineError, errnoOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { BridgeLinks } from './bridge-links.ts';
import { linkOptions } from './bridge-options.ts';
import type { Firewall } from './firewall.ts';
import { openForeignForwarding } from './foreign-forwarding.ts';
import type { NetworkRecord } from './network-record.ts';
import { FAMILIES } from './network-specification.ts';
import type { Network, NetworkRegistry } from './network-registry.ts';
import type { BridgeRules } from './rules.ts';
import { vxlanName, type VxlanLinks } from './overlay/vxlan-links.ts';
import { parseSubnet } from './subnet.ts';

interface NetworkLinksOptions {
  registry: NetworkRegistry;
  links: BridgeLinks;
  firewall: Firewall;
  /** Marks our rules in the tables of others. */
  mark: string;
  /** Also where the policy of another firewall is to drop. */
  opensForwarding: boolean;
  /** Undefined: this engine has no peers. */
  vxlan: VxlanLinks | undefined;
  logger: Logger;
}

/** The links of networks on the host, and the rules that go with them. */
export class NetworkLinks {
  readonly #options: NetworkLinksOptions;

  constructor(options: NetworkLinksOptions) {
    this.#options = options;
  }

  /** Synchronous, a few microseconds: asked at every start of a container. */
  isThere({ record }: Network): boolean {
    const { links, vxlan } = this.#options;
    const name = record.bridge?.linkName;
    if (name === undefined) return record.parent === undefined;
    return links.isOurs(name) && (!record.overlay || vxlan?.isThere(record) === true);
  }

  async make(network: Network): Promise<void> {
    const { record } = network;
    const { registry, links, logger } = this.#options;
    if (record.parent) {
      const { linkName, made } = record.parent;
      await registry.saveParent(network, await links.ensureParent(linkName, made === 'dummy'));
    }
    if (!record.bridge) return;
    if (record.overlay && !this.#options.vxlan) throw noPeers();
    const { linkName } = record.bridge;
    const { icc, mtu } = linkOptions(record);
    if (!icc) await filterBridgedTraffic();
    const addresses = gatewayAddresses(record);
    await links.make({ name: linkName, addresses, mtu });
    await this.applyRules();
    // SECURITY: what other engines can send to is behind the rules that say who may.
    await this.#options.vxlan?.make(record);
    logger.info('bridge made', { bridge: linkName, addresses: addresses.join(' '), network: record.name });
  }

  /** A parent goes when nothing else is stacked on it. */
  async remove({ record }: Network): Promise<void> {
    const { registry, links } = this.#options;
    if (record.bridge && links.isOurs(record.bridge.linkName)) {
      await links.remove([...(record.overlay ? [vxlanName(record)] : []), record.bridge.linkName]);
      await this.applyRules();
    }
    const parent = record.parent?.linkName;
    const shared = registry.list().some((other) => other.record.parent?.linkName === parent);
    if (parent !== undefined && !shared) await links.remove([parent]);
  }

  async applyRules(): Promise<void> {
    const { firewall, mark, opensForwarding, logger } = this.#options;
    await firewall.apply();
    // Internal ones too: under br_netfilter, traffic inside a bridge passes that firewall, and out of it ours.
    const names = this.bridgeRules().map(({ linkName }) => linkName);
    await openForeignForwarding({ mark, asked: opensForwarding, logger }, names);
  }

  /** Of the bridges that are there. */
  bridgeRules(): BridgeRules[] {
    const { registry, links } = this.#options;
    return registry
      .list()
      .map(({ record }) => rulesOf(record))
      .filter((rules) => rules !== undefined)
      .filter((rules) => links.isOurs(rules.linkName));
  }
}

/** Docker's text for an engine that shares no networks with others. */
export function noPeers(): EngineError {
  return new EngineError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    { hint: 'start the engines with --overlay-address, --overlay-peer and --overlay-secret-file' },
  );
}

/** In CIDR notation; none of a family in which the host stays off the network. */
function gatewayAddresses(record: NetworkRecord): string[] {
  const { gateway } = linkOptions(record);
  return FAMILIES.flatMap(({ key }) => {
    const pool = record.pools[key];
    if (!pool || !gateway[key].hasAddress) return [];
    return [`${pool.gateway}/${parseSubnet(pool.subnet)?.prefixLength}`];
  });
}

function rulesOf(record: NetworkRecord): BridgeRules | undefined {
  const { bridge, pools, internal } = record;
  if (!bridge) return undefined;
  const { icc, masquerade, gateway, trustedInterfaces } = linkOptions(record);
  const subnets = FAMILIES.flatMap(({ key }) => {
    const subnet = pools[key]?.subnet;
    return subnet === undefined ? [] : [{ subnet, ...gateway[key] }];
  });
  return { linkName: bridge.linkName, subnets, internal, icc, masquerade, trustedInterfaces };
}

/** Without br_netfilter, frames between two ports of a bridge never meet the rule that separates them. */
async function filterBridgedTraffic(): Promise<void> {
  try {
    await writeFile('/proc/sys/net/bridge/bridge-nf-call-iptables', '1');
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw conflict('cannot restrict inter-container communication: bridge netfilter is not loaded', {
      hint: 'run: modprobe br_netfilter',
      cause,
    });
  }
}
