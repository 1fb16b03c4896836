import type {
  ContainerSummary,
  NetworkDetails,
  NetworkLink,
  NetworkSummary,
  ReachQuestion,
  ReachReport,
} from '../../electron/api/types.ts';

const hour = 3_600_000;

/** The networks that the containers name, the built-in ones, and `extra` without anybody. */
export function fakeNetworks(containers: readonly ContainerSummary[], extra: number): NetworkSummary[] {
  const names = new Set(['bridge', 'host', 'none', ...containers.flatMap(({ networks }) => networks)]);
  for (let index = 1; index <= extra; index += 1) names.add(`spare-${String(index).padStart(4, '0')}`);
  return [...names].map((name, index) => {
    const driver = name === 'none' ? 'null' : name === 'host' ? 'host' : 'bridge';
    const subnet = `172.${17 + (index % 200)}.0`;
    return {
      id: Buffer.from(name).toString('hex').padEnd(64, '0'),
      name,
      driver,
      scope: 'local',
      internal: index % 5 === 4,
      subnets: driver === 'bridge' ? [{ subnet: `${subnet}.0/16`, gateway: `${subnet}.1` }] : [],
      containers: containers
        .filter(({ networks }) => networks.includes(name))
        .map(({ id, name, state }, at) => ({
          id,
          name,
          ip: state === 'running' ? `${subnet}.${at + 2}` : '',
        })),
      labels: toLabels(name),
      createdAt: Date.now() - index * hour,
      predefined: ['bridge', 'host', 'none'].includes(name),
    };
  });
}

function toLabels(name: string): Record<string, string> {
  return name === 'shop_default' ? { 'com.docker.compose.project': 'shop' } : {};
}

export function fakeNetworkDetails(
  { subnets, containers: on, ...network }: NetworkSummary,
  containers: readonly ContainerSummary[],
): NetworkDetails {
  return {
    ...network,
    attachable: false,
    ipv4: true,
    ipv6: false,
    pools: subnets.map(({ subnet, gateway }) => ({ subnet, gateway, ipRange: '', auxiliary: {} })),
    options: network.driver === 'bridge' ? { 'com.docker.network.driver.mtu': '1450' } : {},
    endpoints: on.map(({ id, name, ip }, index) => ({
      containerId: id,
      name,
      state: containers.find((container) => container.id === id)?.state ?? 'running',
      ipv4: ip,
      ipv6: '',
      mac: ip === '' ? '' : `02:42:ac:11:00:${(index + 2).toString(16).padStart(2, '0')}`,
      aliases: index === 0 ? ['web', 'a-long-alias-that-somebody-gave-to-it'] : [],
      gatewayPriority: 0,
    })),
    raw: { Name: network.name, Id: network.id },
  };
}

export function fakeNetworkLinks(networks: readonly NetworkSummary[]): NetworkLink[] {
  return networks.flatMap(({ id, containers }) =>
    containers.map((container) => ({ networkId: id, containerId: container.id, interfaceName: 'eth0' })),
  );
}

export function fakeReach(
  { source, container, host, port, protocol }: ReachQuestion,
  nameOf: (id: string) => string,
): ReachReport {
  const target = nameOf(container ?? '');
  return {
    verdict: port === 81 ? 'loopback-only' : port === 80 ? 'reachable' : 'port-closed',
    failingHop: port === 80 ? '' : 'port',
    source: { name: nameOf(source), networks: ['shop_default'] },
    target: { name: target, networks: ['shop_default', 'bridge'] },
    shared: ['shop_default'],
    name: {
      asked: host ?? target,
      through: 'dns',
      servers: ['127.0.0.11'],
      addresses: ['172.20.0.3'],
      failure: '',
    },
    attempts: [
      {
        address: '172.20.0.3',
        interfaceName: 'eth0',
        gateway: '',
        routeFailure: '',
        connectionFailure: port === 80 ? '' : 'ECONNREFUSED',
      },
    ],
    listening: port === 81 ? ['127.0.0.1'] : port === 80 ? ['0.0.0.0'] : [],
    port,
    protocol,
  };
}
