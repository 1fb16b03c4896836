import { randomBytes } from 'node:crypto';
import type { InterfacePlan, NetworkChange, RoutePlan } from '../runtime/plan.ts';
import { linkOptions } from './bridge-options.ts';
import type { AllocatedAddresses, EndpointRequest } from './endpoint-request.ts';
import type { NetworkRecord, PoolRecord } from './network-record.ts';
import type { Attachment, Endpoint } from './networks.ts';
import { formatAddress, parseSubnet, type Address } from './subnet.ts';

export function toEndpoint(request: EndpointRequest, allocated: AllocatedAddresses): Endpoint {
  const { record } = request.network;
  const { ipv4, ipv6 } = record.pools;
  return {
    networkId: record.id,
    networkName: record.name,
    endpointId: randomBytes(32).toString('hex'),
    ipv4: textOf(allocated.ipv4),
    prefixLength4: prefixLengthOf(ipv4),
    gateway4: gatewayOf(record, ipv4),
    ipv6: textOf(allocated.ipv6),
    prefixLength6: prefixLengthOf(ipv6),
    gateway6: gatewayOf(record, ipv6),
    mac: allocated.mac,
    aliases: request.aliases,
    links: request.links,
    gatewayPriority: request.gatewayPriority,
  };
}

const textOf = (address: Address | undefined): string => (address ? formatAddress(address) : '');
const prefixLengthOf = (pool: PoolRecord | undefined): number =>
  parseSubnet(pool?.subnet ?? '')?.prefixLength ?? 0;

/** IPVLAN_MODE_L2; in the others the kernel routes by itself, without a neighbour to send to. */
const L2 = 0;

function gatewayOf(record: NetworkRecord, pool: PoolRecord | undefined): string {
  if (record.internal || !pool) return '';
  return record.driver === 'ipvlan' && record.parent?.mode !== L2 ? 'dev' : pool.gateway;
}

/** Docker gives link-local addresses the prefix of their whole block. */
const linkLocalText = (address: Address): string =>
  `${formatAddress(address)}/${address.family === 4 ? 16 : 64}`;

export function toInterface(
  { network: { record }, linkLocal, sysctls }: EndpointRequest,
  endpoint: Endpoint,
  containerName: string,
): InterfacePlan {
  const isVeth = record.bridge !== undefined;
  const { ipv4, prefixLength4, ipv6, prefixLength6 } = endpoint;
  return {
    kind: record.driver === 'macvlan' || record.driver === 'ipvlan' ? record.driver : 'veth',
    mode: record.parent?.mode ?? 0,
    // IFNAMSIZ: at most 15 characters.
    hostName: isVeth ? `gv${endpoint.endpointId.slice(0, 12)}` : '',
    link: record.bridge?.linkName ?? record.parent?.linkName ?? '',
    containerName,
    mac: endpoint.mac,
    mtu: isVeth ? linkOptions(record).mtu : Number(record.options['com.docker.network.driver.mtu'] ?? 0),
    addresses: [
      ...(ipv4 === '' ? [] : [`${ipv4}/${prefixLength4}`]),
      ...(ipv6 === '' ? [] : [`${ipv6}/${prefixLength6}`]),
      ...linkLocal.map(linkLocalText),
    ],
    gateway4: '',
    gateway6: '',
    // A dot in a name is a slash in that of a sysctl.
    sysctls: sysctls.map(({ name, value }) => ({
      name: name.replace('IFNAME', containerName.replaceAll('.', '/')),
      value,
    })),
  };
}

/** The lowest `ethN` that no interface has, as Docker names them. */
export function freeInterfaceName(interfaces: readonly InterfacePlan[], prefix = 'eth'): string {
  const taken = new Set(interfaces.map(({ containerName }) => containerName));
  let index = 0;
  while (taken.has(`${prefix}${index}`)) index += 1;
  return `${prefix}${index}`;
}

/** Docker's order of candidates for the default route: priority, both families before one, the network's name. */
export function byGatewayPreference(a: Endpoint, b: Endpoint): number {
  const ways = (endpoint: Endpoint): number =>
    Number(endpoint.gateway4 !== '') + Number(endpoint.gateway6 !== '');
  return (
    b.gatewayPriority - a.gatewayPriority || ways(b) - ways(a) || (a.networkName < b.networkName ? -1 : 1)
  );
}

/** The endpoints with the default routes, and with the published ports. None on internal networks alone. */
export function primaryEndpoints(endpoints: readonly Endpoint[]): {
  ipv4: Endpoint | undefined;
  ipv6: Endpoint | undefined;
} {
  const ordered = endpoints.toSorted(byGatewayPreference);
  return {
    ipv4: ordered.find(({ gateway4 }) => gateway4 !== ''),
    ipv6: ordered.find(({ gateway6 }) => gateway6 !== ''),
  };
}

/** The first of them: whose network decides about published ports. */
export function primaryEndpoint({ endpoints }: Pick<Attachment, 'endpoints'>): Endpoint | undefined {
  const { ipv4, ipv6 } = primaryEndpoints(endpoints);
  return ipv4 ?? ipv6;
}

/** `interfaces` with the default routes where they belong. */
export function routed(
  endpoints: readonly Endpoint[],
  interfaces: readonly InterfacePlan[],
): InterfacePlan[] {
  const { ipv4, ipv6 } = primaryEndpoints(endpoints);
  return interfaces.map((plan, index) => ({
    ...plan,
    gateway4: endpoints[index] === ipv4 ? (ipv4?.gateway4 ?? '') : '',
    gateway6: endpoints[index] === ipv6 ? (ipv6?.gateway6 ?? '') : '',
  }));
}

/** What a running container's links have to change from one attachment to the next. */
export function changeBetween(before: Attachment, after: Attachment): NetworkChange {
  const had = new Map(before.interfaces.map((plan) => [plan.containerName, plan]));
  const has = new Map(after.interfaces.map((plan) => [plan.containerName, plan]));
  const moved = (a: InterfacePlan, b: InterfacePlan | undefined): boolean =>
    a.gateway4 !== b?.gateway4 || a.gateway6 !== b.gateway6;
  return {
    oldRoutes: routesOf(before.interfaces.filter((plan) => moved(plan, has.get(plan.containerName)))),
    removed: before.interfaces
      .filter((plan) => !has.has(plan.containerName))
      .map(({ hostName, containerName }) => ({ hostName, containerName })),
    added: after.interfaces.filter((plan) => !had.has(plan.containerName)),
    newRoutes: routesOf(
      after.interfaces.filter(
        (plan) => had.has(plan.containerName) && moved(plan, had.get(plan.containerName)),
      ),
    ),
    resolver: null,
  };
}

/** The default routes through these interfaces. */
export function routesOf(interfaces: readonly InterfacePlan[]): RoutePlan[] {
  return interfaces
    .map(({ containerName, gateway4, gateway6 }) => ({ containerName, gateway4, gateway6 }))
    .filter(({ gateway4, gateway6 }) => gateway4 !== '' || gateway6 !== '');
}
