import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { runTool } from './bridge-links.ts';

/** What another firewall's table `ip filter` (iptables-nft, Docker's among them) says about forwarded packets. */
interface ForeignForwarding {
  /** Its FORWARD chain drops what no rule of its own accepts, whatever our table accepts. */
  drops: boolean;
  /** Docker's chain for the rules of others is there. */
  dockerUser: boolean;
  /** Handles of the rules that we put there. */
  ours: number[];
}

interface NftListing {
  nftables: {
    chain?: { name: string; policy?: string };
    rule?: { chain: string; handle: number; comment?: string };
  }[];
}

/** Reads `nft -j list table ip filter`. `mark` is the comment of our rules. */
export function parseForwarding(listing: string, mark: string): ForeignForwarding {
  const { nftables } = JSON.parse(listing) as NftListing;
  return {
    drops: nftables.some(({ chain }) => chain?.name === 'FORWARD' && chain.policy === 'drop'),
    dockerUser: nftables.some(({ chain }) => chain?.name === 'DOCKER-USER'),
    ours: nftables.flatMap(({ rule }) =>
      rule?.chain === 'DOCKER-USER' && rule.comment === mark ? [rule.handle] : [],
    ),
  };
}

/**
 * The rules that let our bridges past Docker's policy, in place of what we put there before. Into our bridges our own
 * table decides. Out of them everything but Docker's bridges is accepted, whose isolation stays Docker's.
 */
export function openingBatch(ours: readonly number[], mark: string, links: readonly string[]): string {
  const rules = links.flatMap((link) => [
    `oifname "${link}" accept`,
    `iifname "${link}" oifname != "docker0" oifname != "br-*" accept`,
  ]);
  return [
    ...ours.map((handle) => `delete rule ip filter DOCKER-USER handle ${handle}\n`),
    ...rules.map((rule) => `insert rule ip filter DOCKER-USER ${rule} comment "${mark}"\n`),
  ].join('');
}

/**
 * A packet must be accepted by every table, so beside a dockerd (which sets the FORWARD policy to drop) containers
 * would have no way out. DOCKER-USER is the place that Docker keeps for others: the one exception to leaving
 * everybody else's tables alone, marked by a comment and removed with the bridges. A policy that somebody else chose
 * is not ours to override: the way to open it is logged.
 */
export async function openForeignForwarding(
  mark: string,
  links: readonly string[],
  logger: Logger,
): Promise<void> {
  try {
    const listing = await runTool('nft', ['-j', 'list', 'table', 'ip', 'filter'], '').catch(() => undefined);
    if (listing === undefined) return;
    const { drops, dockerUser, ours } = parseForwarding(listing, mark);
    const batch = openingBatch(ours, mark, drops ? links : []);
    if (dockerUser) {
      if (batch !== '') await runTool('nft', ['-f', '-'], batch);
    } else if (drops && links.length > 0) {
      const command = links
        .flatMap((link) => [
          `iptables -I FORWARD -i ${link} -j ACCEPT`,
          `iptables -I FORWARD -o ${link} -j ACCEPT`,
        ])
        .join('; ');
      logger.warn('a firewall of this host drops forwarded packets: containers have no way out', { command });
    }
  } catch (error) {
    logger.warn("the firewall beside ours could not be opened for the engine's bridges", {
      error: messageOf(error),
    });
  }
}
