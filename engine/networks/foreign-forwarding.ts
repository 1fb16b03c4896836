import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { runTool } from './bridge-links.ts';

/** What another firewall's table `ip filter` (iptables-nft, Docker's among them) says about forwarded packets. */
interface ForeignForwarding {
  /** Its FORWARD chain drops what no rule of its own accepts, whatever our table accepts. */
  drops: boolean;
  /** Docker's chain for the rules of others is there. */
  dockerUser: boolean;
  /** The rules that we put there before. */
  ours: ForeignRule[];
}

interface ForeignRule {
  chain: ForeignChain;
  handle: number;
}

const CHAINS = ['DOCKER-USER', 'FORWARD'] as const;
type ForeignChain = (typeof CHAINS)[number];

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
    ours: nftables.flatMap(({ rule }) => {
      const chain = CHAINS.find((name) => name === rule?.chain);
      return rule && chain && rule.comment === mark ? [{ chain, handle: rule.handle }] : [];
    }),
  };
}

/**
 * The rules that let our bridges past the policy, in place of what we put there before. Into our bridges our own
 * table decides. Out of them everything but Docker's bridges is accepted, whose isolation stays Docker's.
 */
export function openingBatch(
  ours: readonly ForeignRule[],
  mark: string,
  links: readonly string[],
  into: ForeignChain,
): string {
  const rules = links.flatMap((link) => [
    `oifname "${link}" accept`,
    `iifname "${link}" oifname != "docker0" oifname != "br-*" accept`,
  ]);
  return [
    ...ours.map(({ chain, handle }) => `delete rule ip filter ${chain} handle ${handle}\n`),
    ...rules.map((rule) => `insert rule ip filter ${into} ${rule} comment "${mark}"\n`),
  ].join('');
}

/**
 * A packet must be accepted by every table, so beside a dockerd (which sets the FORWARD policy to drop) containers
 * would have no way out. DOCKER-USER is the place that Docker keeps for others: the one exception to leaving
 * everybody else's tables alone, marked by a comment and removed with the bridges. A policy that somebody else chose
 * is overridden when `asked`; else the way to open it is logged.
 */
export async function openForeignForwarding(
  { mark, asked, logger }: { mark: string; asked: boolean; logger: Logger },
  links: readonly string[],
): Promise<void> {
  try {
    const listing = await runTool('nft', ['-j', 'list', 'table', 'ip', 'filter'], '').catch(() => undefined);
    if (listing === undefined) return;
    const { drops, dockerUser, ours } = parseForwarding(listing, mark);
    const opens = drops && (dockerUser || asked);
    const batch = openingBatch(ours, mark, opens ? links : [], dockerUser ? 'DOCKER-USER' : 'FORWARD');
    if (batch !== '') await runTool('nft', ['-f', '-'], batch);
    if (!drops || opens || links.length === 0) return;
    const command = links
      .flatMap((link) => [
        `iptables -I FORWARD -i ${link} -j ACCEPT`,
        `iptables -I FORWARD -o ${link} -j ACCEPT`,
      ])
      .join('; ');
    logger.warn(
      'a firewall of this host drops forwarded packets: containers have no way out (--open-forwarding opens it)',
      { command },
    );
  } catch (error) {
    logger.warn("the firewall beside ours could not be opened for the engine's bridges", {
      error: messageOf(error),
    });
  }
}
