import type { NetworkAttacher } from '../networks/networks.ts';
import type { EndpointSettings, PortBinding } from '../wire/container.ts';
import { networkModeOf } from './modes.ts';
import type { ContainerRecord } from './record.ts';

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** A network by the name or ID in a record; throws, or answers undefined, for one that is gone. */
type ResolveNetwork = (key: string) => ReturnType<NetworkAttacher['resolve']> | undefined;

/** NetworkSettings.Networks: live endpoints of a running container, what it asked for otherwise. */
export function networksOf(
  record: ContainerRecord,
  resolve: ResolveNetwork,
): Record<string, EndpointSettings> {
  const mode = networkModeOf(record.hostConfig);
  if (mode.kind === 'container') return {};
  const requested = mode.kind === 'network' ? record.endpoints : { [mode.kind]: {} };
  const networks: Record<string, EndpointSettings> = {};
  for (const [key, settings] of Object.entries(requested)) {
    const network = tryResolve(resolve, key);
    const live = record.attachment?.endpoints.find(
      (endpoint) => endpoint.networkId === network?.id || endpoint.networkName === key,
    );
    networks[live?.networkName ?? network?.name ?? key] = {
      IPAMConfig: settings.IPAMConfig ?? null,
      Links: settings.Links ?? null,
      Aliases: settings.Aliases ?? null,
      MacAddress: live?.mac ?? settings.MacAddress ?? '',
      DriverOpts: settings.DriverOpts ?? null,
      GwPriority: settings.GwPriority ?? 0,
      NetworkID: live?.networkId ?? network?.id ?? '',
      EndpointID: live?.endpointId ?? '',
      Gateway: live?.gateway4 ?? '',
      IPAddress: live?.ipv4 ?? '',
      IPPrefixLen: live?.prefixLength4 ?? 0,
      IPv6Gateway: live?.gateway6 ?? '',
      GlobalIPv6Address: live?.ipv6 ?? '',
      GlobalIPv6PrefixLen: live?.prefixLength6 ?? 0,
      DNSNames: live ? dnsNamesOf(record, live.aliases) : null,
    };
  }
  return networks;
}

/** The PORTS column: published ports, then those only exposed. */
export function portSummaries(record: ContainerRecord): PortSummary[] {
  if (record.state.pid === 0) return [];
  const published = (record.attachment?.ports ?? []).map((port) => ({
    IP: port.hostIp,
    PrivatePort: port.containerPort,
    ...(port.hostPort === 0 ? {} : { PublicPort: port.hostPort }),
    Type: port.protocol,
  }));
  const exposed = Object.keys(record.config.ExposedPorts ?? {})
    .map((key) => ({ PrivatePort: Number.parseInt(key, 10), Type: key.split('/')[1] ?? 'tcp' }))
    .filter(
      (port) => !published.some((one) => one.PrivatePort === port.PrivatePort && one.Type === port.Type),
    );
  return [...exposed, ...published];
}

/** NetworkSettings.Ports: bindings as they are, null for a port only exposed, nothing for a stopped container. */
export function portMapOf(record: ContainerRecord): Record<string, PortBinding[] | null> {
  const ports: Record<string, PortBinding[] | null> = {};
  if (record.state.pid === 0) return ports;
  for (const key of Object.keys(record.config.ExposedPorts ?? {})) ports[key] = null;
  for (const port of record.attachment?.ports ?? []) {
    const bindings = (ports[`${port.containerPort}/${port.protocol}`] ??= []);
    bindings.push({ HostIp: port.hostIp, HostPort: port.hostPort === 0 ? '' : String(port.hostPort) });
  }
  return ports;
}

function dnsNamesOf({ name, id, config }: ContainerRecord, aliases: string[]): string[] {
  return [...new Set([name, ...aliases, id.slice(0, 12), config.Hostname ?? ''])].filter(
    (entry) => entry !== '',
  );
}

/** A stopped container may name a network that is gone. */
function tryResolve(resolve: ResolveNetwork, key: string): ReturnType<ResolveNetwork> {
  try {
    return resolve(key);
  } catch {
    return undefined;
  }
}
