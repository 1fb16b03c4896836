import { linkOptions } from './bridge-options.ts';
import {
  allocateAddresses,
  releaseAddresses,
  type AllocatedAddresses,
  type EndpointRequest,
} from './endpoint-request.ts';
import { freeInterfaceName, routed, toEndpoint, toInterface } from './endpoints.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { Attachment, Endpoint } from './networks.ts';
import { parseAddress, type Address } from './subnet.ts';

/** `attachment` with more endpoints. Takes all addresses or none; synchronous, so that no network disappears in between. */
export function allocateEndpoints(
  registry: NetworkRegistry,
  attachment: Attachment,
  wanted: readonly EndpointRequest[],
): Attachment {
  const allocated: [EndpointRequest, AllocatedAddresses][] = [];
  try {
    for (const endpoint of wanted) {
      registry.resolve(endpoint.network.record.id);
      allocated.push([endpoint, allocateAddresses(endpoint)]);
    }
  } catch (error) {
    for (const [{ network }, addresses] of allocated) releaseAddresses(network, addresses);
    throw error;
  }
  const endpoints = [...attachment.endpoints];
  const interfaces = [...attachment.interfaces];
  for (const [request, addresses] of allocated) {
    const endpoint = toEndpoint(request, addresses);
    endpoints.push(endpoint);
    const { record } = request.network;
    const prefix = record.bridge ? linkOptions(record).interfacePrefix : 'eth';
    const name = request.interfaceName || freeInterfaceName(interfaces, prefix);
    interfaces.push(toInterface(request, endpoint, name));
  }
  return { ...attachment, endpoints, interfaces: routed(endpoints, interfaces), left: [] };
}

/** What a container has that goes on: its addresses are nobody else's. Returns whose addresses were another's already. */
export function takeBackEndpoints(registry: NetworkRegistry, endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.filter((endpoint) => {
    const addresses = registry.get(endpoint.networkId)?.addresses;
    const taken = addressesOf(endpoint).map(
      (address) => addresses?.[address.family === 4 ? 'ipv4' : 'ipv6']?.take(address) ?? false,
    );
    return taken.includes(false);
  });
}

export function releaseEndpoints(registry: NetworkRegistry, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) {
    const addresses = registry.get(endpoint.networkId)?.addresses;
    for (const address of addressesOf(endpoint)) {
      addresses?.[address.family === 4 ? 'ipv4' : 'ipv6']?.release(address);
    }
  }
}

function addressesOf({ ipv4, ipv6 }: Endpoint): Address[] {
  return [ipv4, ipv6].map(parseAddress).filter((address) => address !== undefined);
}
