import type { ContainerSummary, NetworkLink, NetworkSummary } from '../../../../../electron/api/types.ts';
import { publishedPorts } from '../../../containers/published-ports.ts';

/** The hub of published ports; no network has an empty ID. */
export const HOST_HUB = '';
/** Containers in nobody's network but their own. */
export const ALONE_HUB = 'alone';

export interface MapNode {
  id: string;
  container: ContainerSummary;
  networks: {
    id: string;
    name: string;
    ip: string;
    /** What its traffic is counted by; undefined: not known, or the container's only one. */
    interfaceName: string | undefined;
  }[];
  ports: string[];
  hubs: string[];
}

export interface MapModel {
  hubs: { id: string; network: NetworkSummary | undefined; members: number }[];
  nodes: MapNode[];
}

/**
 * Networks with their containers, who is alone, the host where something is published, then networks without anybody.
 * `matches` chooses containers, and networks that stay although they have none.
 */
export function toMapModel(
  networks: readonly NetworkSummary[],
  containers: readonly ContainerSummary[],
  links: readonly NetworkLink[],
  matches: (name: string) => boolean,
): MapModel {
  const interfaces = new Map(links.map((link) => [`${link.networkId} ${link.containerId}`, link]));
  const all = containers.map((container) => toNode(container, networks, interfaces));
  const nodes = all.filter((node) => [node.container.name, ...node.container.networks].some(matches));
  const members = (id: string) => nodes.filter(({ hubs }) => hubs.includes(id)).length;
  const shown = networks
    .map((network) => ({ id: network.id, network, members: members(network.id) }))
    .filter(({ network, members }) => members > 0 || (!network.predefined && matches(network.name)))
    .toSorted((a, b) => Number(b.members > 0) - Number(a.members > 0) || byName(a.network, b.network));
  const extra = [ALONE_HUB, HOST_HUB]
    .map((id) => ({ id, network: undefined, members: members(id) }))
    .filter((hub) => hub.members > 0);
  const inUse = shown.filter((hub) => hub.members > 0);
  return {
    hubs: [...inUse, ...extra, ...shown.slice(inUse.length)],
    nodes: nodes.toSorted((a, b) => byName(a.container, b.container)),
  };
}

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

function toNode(
  container: ContainerSummary,
  networks: readonly NetworkSummary[],
  interfaces: ReadonlyMap<string, NetworkLink>,
): MapNode {
  const on = networks.flatMap(({ id, name, containers }) => {
    const endpoint = containers.find((one) => one.id === container.id);
    if (!endpoint) return [];
    const interfaceName = interfaces.get(`${id} ${container.id}`)?.interfaceName;
    return [{ id, name, ip: endpoint.ip, interfaceName }];
  });
  const ports = publishedPorts(container.ports, 'localhost').map(({ text }) => text);
  const hubs = on.length > 0 ? on.map(({ id }) => id) : [ALONE_HUB];
  return {
    id: container.id,
    container,
    networks: on,
    ports,
    hubs: ports.length > 0 ? [...hubs, HOST_HUB] : hubs,
  };
}
