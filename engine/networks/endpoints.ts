import { randomBytes } from 'node:crypto';
import type { InterfacePlan, NetworkChange, RoutePlan } from '../runtime/plan.ts';
import type { AllocatedAddress, EndpointRequest } from './endpoint-request.ts';
import { formatAddress, parseSubnet } from './ipv4.ts';
import { bridgeOptions } from './network-record.ts';
import type { Attachment, Endpoint } from './networks.ts';

export function toEndpoint(request: EndpointRequest, allocated: AllocatedAddress): Endpoint {
  const { record } = request.network;
  const pool = record.bridge?.pool;
  return {
    networkId: record.id,
    networkName: record.name,
    endpointId: randomBytes(32).toString('hex'),
    ipv4: formatAddress(allocated.address),
    prefixLength4: parseSubnet(pool?.subnet ?? '')?.prefixLength ?? 0,
    gateway4: record.internal ? '' : (pool?.gateway ?? ''),
    mac: allocated.mac,
    aliases: request.aliases,
    gatewayPriority: request.gatewayPriority,
  };
}

export function toInterface(
  { network: { record } }: EndpointRequest,
  endpoint: Endpoint,
  containerName: string,
): InterfacePlan {
  return {
    kind: 'veth',
    mode: 0,
    // IFNAMSIZ: at most 15 characters.
    hostName: `gv${endpoint.endpointId.slice(0, 12)}`,
    link: record.bridge?.linkName ?? '',
    containerName,
    mac: endpoint.mac,
    mtu: bridgeOptions(record.options).mtu,
    addresses: [`${endpoint.ipv4}/${endpoint.prefixLength4}`],
    gateway4: '',
    gateway6: '',
  };
}

/** The lowest `ethN` that no interface has, as Docker names them. */
export function freeInterfaceName(interfaces: readonly InterfacePlan[]): string {
  const taken = new Set(interfaces.map(({ containerName }) => containerName));
  let index = 0;
  while (taken.has(`eth${index}`)) index += 1;
  return `eth${index}`;
}

/** Docker's order of candidates for the default route: priority, then the network's name. */
function byGatewayPreference(a: Endpoint, b: Endpoint): number {
  return b.gatewayPriority - a.gatewayPriority || (a.networkName < b.networkName ? -1 : 1);
}

/** The endpoint with the default route and the published ports; on internal networks alone there is none. */
export function primaryEndpoint({ endpoints }: Pick<Attachment, 'endpoints'>): Endpoint | undefined {
  return endpoints.filter(({ gateway4 }) => gateway4 !== '').toSorted(byGatewayPreference)[0];
}

/** `interfaces` with the default routes where they belong. */
export function routed(
  endpoints: readonly Endpoint[],
  interfaces: readonly InterfacePlan[],
): InterfacePlan[] {
  const primary = primaryEndpoint({ endpoints: [...endpoints] });
  return interfaces.map((plan, index) => ({
    ...plan,
    gateway4: endpoints[index] === primary ? (primary?.gateway4 ?? '') : '',
  }));
}

/** What a running container's links have to change from one attachment to the next. */
export function changeBetween(before: Attachment, after: Attachment): NetworkChange {
  const had = new Map(before.interfaces.map((plan) => [plan.containerName, plan]));
  const has = new Map(after.interfaces.map((plan) => [plan.containerName, plan]));
  const kept = (plan: InterfacePlan): boolean => had.has(plan.containerName) && has.has(plan.containerName);
  const moved = (a: InterfacePlan, b: InterfacePlan | undefined): boolean =>
    a.gateway4 !== b?.gateway4 || a.gateway6 !== b.gateway6;
  return {
    oldRoutes: before.interfaces
      .filter((plan) => moved(plan, has.get(plan.containerName)))
      .map(toRoute)
      .filter(leads),
    removed: before.interfaces
      .filter((plan) => !has.has(plan.containerName))
      .map(({ hostName, containerName }) => ({ hostName, containerName })),
    added: after.interfaces.filter((plan) => !had.has(plan.containerName)),
    newRoutes: after.interfaces
      .filter((plan) => kept(plan) && moved(plan, had.get(plan.containerName)))
      .map(toRoute)
      .filter(leads),
  };
}

function toRoute({ containerName, gateway4, gateway6 }: InterfacePlan): RoutePlan {
  return { containerName, gateway4, gateway6 };
}

function leads({ gateway4, gateway6 }: RoutePlan): boolean {
  return gateway4 !== '' || gateway6 !== '';
}
