import type Dockerode from 'dockerode';
import type { NetworkSummary } from '../types.ts';
import { timeOf } from './time.ts';

const PREDEFINED = new Set(['bridge', 'host', 'none']);

/** A network with its endpoints as the containers' list (`GET /containers/json`) tells them. */
export function toNetworkSummary(
  network: Dockerode.NetworkInspectInfo,
  containers: Dockerode.ContainerInfo[],
): NetworkSummary {
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    scope: network.Scope,
    internal: network.Internal ?? false,
    subnets: (network.IPAM?.Config ?? []).map((config) => ({
      subnet: config.Subnet ?? '',
      gateway: config.Gateway ?? '',
    })),
    containers: containers.flatMap((container) => {
      const endpoint = container.NetworkSettings?.Networks?.[network.Name];
      if (!endpoint) return [];
      const name = (container.Names?.[0] ?? container.Id).replace(/^\//, '');
      return [{ id: container.Id, name, ip: endpoint.IPAddress ?? '' }];
    }),
    labels: network.Labels ?? {},
    createdAt: timeOf(network.Created) ?? 0,
    predefined: PREDEFINED.has(network.Name),
  };
}
