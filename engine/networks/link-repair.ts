import type { Logger } from '../lib/logger.ts';
import { joinBridge, linkExists } from './bridge-links.ts';
import { routesOf } from './endpoints.ts';
import type { Network, NetworkRegistry } from './network-registry.ts';
import type { Attachment, ChangeLinks } from './networks.ts';
import { allowHairpin } from './published-ports.ts';

interface LinkRepairDeps {
  registry: NetworkRegistry;
  logger: Logger;
  /** Makes the bridge of a network when it is not there. */
  ensureLink: (network: Network) => Promise<void>;
}

/** Bridges first, then the links that are gone, those that should be, and those that lost their bridge. */
export async function repairLinks(
  { registry, logger, ensureLink }: LinkRepairDeps,
  attachment: Attachment,
  plug: ChangeLinks,
): Promise<void> {
  for (const { networkId } of attachment.endpoints) {
    const network = registry.get(networkId);
    if (network) await ensureLink(network);
  }
  const added = attachment.interfaces.filter(
    ({ kind, hostName }) => kind === 'veth' && !linkExists(hostName),
  );
  // One that has no end on the host is removed if it is there.
  const removed = (attachment.left ?? []).filter(({ hostName }) => hostName === '' || linkExists(hostName));
  await joinBridges(attachment);
  if (added.length === 0 && removed.length === 0) return;
  const newRoutes = routesOf(attachment.interfaces.filter((plan) => !added.includes(plan)));
  await plug(attachment, { oldRoutes: [], removed, added, newRoutes, resolver: null });
  await joinBridges(attachment);
  logger.warn('links of a container are brought in line with its record', {
    container: attachment.containerName,
    added: added.map(({ hostName }) => hostName).join(' '),
    removed: removed.map(({ hostName }) => hostName).join(' '),
  });
}

/** Of those of its links that are there. */
export async function joinBridges(attachment: Attachment): Promise<void> {
  const there = attachment.interfaces.filter(({ kind, hostName }) => kind === 'veth' && linkExists(hostName));
  for (const { hostName, link } of there) await joinBridge(hostName, link);
  if (attachment.ports.length > 0) await allowHairpin({ interfaces: there });
}
