import type Dockerode from 'dockerode';
import type { NetworkCreateRequest, NetworkInspect } from '../../../engine/wire/network.ts';
import type { EndpointSettings } from '../../../engine/wire/container.ts';
import type {
  ConnectRequest,
  NetworkDetails,
  NetworkEndpoint,
  NetworkRequest,
  NetworkSummary,
} from '../types.ts';
import { toContainerSummary } from './container-view.ts';
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

/** `GET /networks/{id}` with the rows of containers that are, or will be when they start, on it. */
export function toNetworkDetails(
  network: NetworkInspect,
  containers: Dockerode.ContainerInfo[],
): NetworkDetails {
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    scope: network.Scope,
    internal: network.Internal ?? false,
    attachable: network.Attachable ?? false,
    // Engines before API 1.48 do not say: there is no network without IPv4.
    ipv4: network.EnableIPv4 ?? true,
    ipv6: network.EnableIPv6 ?? false,
    pools: (network.IPAM?.Config ?? []).map((config) => ({
      subnet: config.Subnet ?? '',
      ipRange: config.IPRange ?? '',
      gateway: config.Gateway ?? '',
      auxiliary: config.AuxiliaryAddresses ?? {},
    })),
    options: network.Options ?? {},
    labels: network.Labels ?? {},
    endpoints: containers.flatMap((container) => toEndpoint(container, network.Name) ?? []),
    createdAt: timeOf(network.Created) ?? 0,
    predefined: PREDEFINED.has(network.Name),
    raw: network,
  };
}

function toEndpoint(container: Dockerode.ContainerInfo, network: string): NetworkEndpoint | undefined {
  const endpoint = container.NetworkSettings?.Networks?.[network] as EndpointSettings | undefined;
  if (!endpoint) return undefined;
  const { id, name, state } = toContainerSummary(container);
  const asked = endpoint.IPAMConfig ?? {};
  return {
    containerId: id,
    name,
    state,
    ipv4: endpoint.IPAddress || (asked.IPv4Address ?? ''),
    ipv6: endpoint.GlobalIPv6Address || (asked.IPv6Address ?? ''),
    mac: endpoint.MacAddress ?? '',
    aliases: endpoint.Aliases ?? [],
    gatewayPriority: endpoint.GwPriority ?? 0,
  };
}

/** IPv4 is only spoken of when it is off: engines before API 1.48 refuse to hear of it. */
export function toNetworkCreate(request: NetworkRequest): NetworkCreateRequest & { Name: string } {
  const config = request.pools.map(({ subnet, ipRange, gateway, auxiliary }) => ({
    ...(subnet && { Subnet: subnet }),
    ...(ipRange && { IPRange: ipRange }),
    ...(gateway && { Gateway: gateway }),
    ...(Object.keys(auxiliary).length > 0 && { AuxiliaryAddresses: auxiliary }),
  }));
  return {
    Name: request.name,
    Driver: request.driver,
    Internal: request.internal,
    Attachable: request.attachable,
    ...(request.ipv4 ? {} : { EnableIPv4: false }),
    EnableIPv6: request.ipv6,
    ...(config.length > 0 && { IPAM: { Config: config } }),
    Options: request.options,
    Labels: request.labels,
  };
}

export function toEndpointSettings(request: ConnectRequest): Dockerode.EndpointSettings {
  const { ipv4, ipv6, mac, aliases, gatewayPriority, driverOptions } = request;
  return {
    ...((ipv4 || ipv6) && {
      IPAMConfig: { ...(ipv4 && { IPv4Address: ipv4 }), ...(ipv6 && { IPv6Address: ipv6 }) },
    }),
    ...(mac && { MacAddress: mac }),
    ...(aliases.length > 0 && { Aliases: aliases }),
    ...(gatewayPriority !== 0 && { GwPriority: gatewayPriority }),
    ...(Object.keys(driverOptions).length > 0 && { DriverOpts: driverOptions }),
  };
}
