import type { Containers } from '../../containers/containers.ts';
import type { Networks, NetworkView } from '../../networks/create-networks.ts';
import { shownOptions } from '../../networks/bridge-options.ts';
import { isPredefined, type NetworkRecord, type PoolRecord } from '../../networks/network-record.ts';
import { scopeOf } from '../../networks/network-specification.ts';
import { invalidArgument, notFound } from '../../lib/errors.ts';
import { checkFields, checkObject, TEXT } from '../../lib/field-types.ts';
import { matchesPattern } from '../../lib/pattern.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import type { EndpointSettings } from '../../wire/container.ts';
import type {
  IpamPoolConfig,
  NetworkContainer,
  NetworkCreateRequest,
  NetworkInspect,
  NetworkMembershipRequest,
} from '../../wire/network.ts';
import { asksTrue, matchesAny, matchesLabels } from '../object-filters.ts';
import type { Filters, Route } from '../route.ts';

const LIST_FILTERS = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];

export interface NetworkRoutesDeps {
  networks: Networks;
  containers: Pick<Containers, 'connectNetwork' | 'disconnectNetwork'>;
}

export function networkRoutes({ networks, containers }: NetworkRoutesDeps): Route[] {
  const list: Route['handler'] = ({ query, reply }) => {
    const filters = query.filters(LIST_FILTERS);
    const matching = networks.list().filter((view) => matchesFilters(view, filters));
    // As in Docker, only inspect tells who is on a network.
    reply.json(
      200,
      matching.map(({ record }) => toWire({ record, attachments: new Map() })),
    );
  };
  return [
    { method: 'GET', path: '/networks', handler: list },
    // Docker answers both.
    { method: 'GET', path: '/networks/', handler: list },
    {
      method: 'POST',
      path: '/networks/create',
      async handler(context) {
        const body = await context.jsonBody<NetworkCreateRequest>();
        if (!body) throw invalidArgument('invalid JSON: got EOF while reading request body');
        const { id } = await networks.create(body);
        context.reply.json(201, { Id: id, Warning: '' });
      },
    },
    {
      method: 'GET',
      path: '/networks/{id}',
      handler({ params, query, reply }) {
        const scope = query.string('scope');
        const id = params['id'] ?? '';
        const view = networks.inspect(id);
        if (scope && scope !== scopeOf(view.record.driver)) throw notFound(`network ${id} not found`);
        reply.json(200, toWire(view));
      },
    },
    {
      method: 'DELETE',
      path: '/networks/{id}',
      async handler({ params, reply }) {
        await networks.remove(params['id'] ?? '');
        reply.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/networks/prune',
      async handler({ query, reply }) {
        const filters = query.filters(['label', 'label!', 'until']);
        const untils = filters.values('until').map((until) => parseTimestamp(until) ?? 0n);
        const names = await networks.prune(
          (record) =>
            matchesLabels(filters, record.labels) && untils.every((until) => madeBefore(record, until)),
        );
        reply.json(200, { NetworksDeleted: names.length > 0 ? names : null });
      },
    },
    {
      method: 'POST',
      path: '/networks/{id}/connect',
      async handler(context) {
        const { container, settings } = membershipOf(await context.jsonBody<NetworkMembershipRequest>());
        await containers.connectNetwork(container, context.params['id'] ?? '', settings);
        context.reply.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/networks/{id}/disconnect',
      async handler(context) {
        const { container } = membershipOf(await context.jsonBody<NetworkMembershipRequest>());
        await containers.disconnectNetwork(container, context.params['id'] ?? '');
        context.reply.empty(200);
      },
    },
  ];
}

function membershipOf(body: NetworkMembershipRequest | undefined): {
  container: string;
  settings: EndpointSettings;
} {
  if (!body) throw invalidArgument('invalid JSON: got EOF while reading request body');
  checkFields('', body, { Container: TEXT });
  checkObject('EndpointConfig', body.EndpointConfig, {});
  return { container: body.Container ?? '', settings: body.EndpointConfig ?? {} };
}

function matchesFilters({ record, attachments }: NetworkView, filters: Filters): boolean {
  const predefined = isPredefined(record.name);
  if (filters.has('dangling')) {
    const dangling = !predefined && attachments.size === 0;
    if (dangling !== asksTrue(filters, 'dangling')) return false;
  }
  const isOfType = (type: string): boolean => {
    if (type !== 'builtin' && type !== 'custom') throw invalidArgument(`invalid filter: 'type'='${type}'`);
    return (type === 'builtin') === predefined;
  };
  return (
    matchesAny(filters, 'driver', (driver) => record.driver === driver) &&
    matchesAny(filters, 'id', (id) => matchesPattern(id)(record.id)) &&
    matchesAny(filters, 'name', (name) => matchesPattern(name)(record.name)) &&
    matchesAny(filters, 'scope', (scope) => scope === scopeOf(record.driver)) &&
    matchesAny(filters, 'type', isOfType) &&
    matchesLabels(filters, record.labels)
  );
}

function madeBefore(record: NetworkRecord, untilNs: bigint): boolean {
  return BigInt(Date.parse(record.createdAt)) * 1_000_000n < untilNs;
}

function toWire({ record, attachments }: NetworkView): NetworkInspect {
  return {
    Name: record.name,
    Id: record.id,
    Created: record.createdAt,
    Scope: scopeOf(record.driver),
    Driver: record.driver,
    EnableIPv4: record.enableIpv4,
    EnableIPv6: record.enableIpv6,
    IPAM: {
      Driver: 'default',
      Options: record.ipamOptions,
      Config: [record.pools.ipv4, record.pools.ipv6].filter((pool) => pool !== undefined).map(poolToWire),
    },
    Internal: record.internal,
    Attachable: record.attachable,
    Ingress: false,
    ConfigFrom: { Network: record.configFrom },
    ConfigOnly: record.configOnly,
    Containers: containersToWire(record.id, attachments),
    Options: shownOptions(record),
    Labels: record.labels,
    ...(record.overlay ? { Peers: record.overlay.members.map((IP) => ({ Name: IP, IP })) } : {}),
  };
}

function poolToWire({ subnet, range, gateway, auxiliary }: PoolRecord): IpamPoolConfig {
  return {
    Subnet: subnet,
    ...(range === '' ? {} : { IPRange: range }),
    Gateway: gateway,
    ...(Object.keys(auxiliary).length === 0 ? {} : { AuxiliaryAddresses: auxiliary }),
  };
}

function containersToWire(
  networkId: string,
  attachments: NetworkView['attachments'],
): Record<string, NetworkContainer> {
  const containers: Record<string, NetworkContainer> = {};
  for (const [containerId, { containerName, endpoints }] of attachments) {
    const endpoint = endpoints.find((candidate) => candidate.networkId === networkId);
    if (!endpoint) continue;
    containers[containerId] = {
      Name: containerName,
      EndpointID: endpoint.endpointId,
      MacAddress: endpoint.mac,
      IPv4Address: endpoint.ipv4 === '' ? '' : `${endpoint.ipv4}/${endpoint.prefixLength4}`,
      IPv6Address: endpoint.ipv6 === '' ? '' : `${endpoint.ipv6}/${endpoint.prefixLength6}`,
    };
  }
  return containers;
}
