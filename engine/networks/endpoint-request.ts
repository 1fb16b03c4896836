import { EngineError, invalidArgument, notImplemented } from '../lib/errors.ts';
import { checkFields, checkObject, INTEGER, TEXT, TEXT_MAP, TEXTS } from '../lib/field-types.ts';
import type { EndpointSettings } from '../wire/container.ts';
import { contains, formatAddress, macOf, parseAddress, parseSubnet } from './ipv4.ts';
import { isPredefined } from './network-record.ts';
import type { Network } from './network-registry.ts';

/** What a container asked of one network, checked. */
export interface EndpointRequest {
  network: Network;
  address: number | undefined;
  mac: string | undefined;
  aliases: string[];
  gatewayPriority: number;
}

/** Throws with Docker's texts; not-implemented for what would otherwise be ignored. */
export function checkEndpoint(network: Network, settings: EndpointSettings): EndpointRequest {
  const { record } = network;
  checkTypes(settings);
  if (!record.bridge) throw invalidArgument(`network ${record.name} cannot be combined with other networks`);
  if (settings.IPAMConfig?.IPv6Address) throw notImplemented('IPv6 on networks');
  if (settings.IPAMConfig?.LinkLocalIPs?.length) throw notImplemented('link-local addresses of endpoints');
  if (settings.Links?.length) throw notImplemented('links between containers');
  // Options of other drivers are carried and not looked at, as by Docker's bridge driver.
  const option = Object.keys(settings.DriverOpts ?? {}).find((name) =>
    name.startsWith('com.docker.network.'),
  );
  if (option !== undefined) throw notImplemented(`endpoint option ${option}`);
  const aliases = settings.Aliases ?? [];
  if (aliases.length > 0 && isPredefined(record.name)) {
    throw invalidArgument('network-scoped alias is supported only for containers in user defined networks');
  }
  // Aliases are written into the hosts files of the neighbours: one that is no name could forge lines there.
  const bad = aliases.find((alias) => !/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(alias));
  if (bad !== undefined) throw invalidArgument(`invalid network alias: ${JSON.stringify(bad)}`);
  return {
    network,
    address: askedAddress(network, settings.IPAMConfig?.IPv4Address ?? ''),
    mac: askedMac(settings.MacAddress ?? ''),
    aliases,
    gatewayPriority: settings.GwPriority ?? 0,
  };
}

function checkTypes(settings: EndpointSettings): void {
  checkFields('EndpointsConfig.', settings, {
    Aliases: TEXTS,
    Links: TEXTS,
    MacAddress: TEXT,
    DriverOpts: TEXT_MAP,
    GwPriority: INTEGER,
  });
  checkObject('EndpointsConfig.IPAMConfig', settings.IPAMConfig, {
    IPv4Address: TEXT,
    IPv6Address: TEXT,
    LinkLocalIPs: TEXTS,
  });
}

function askedAddress({ record }: Network, text: string): number | undefined {
  if (text === '') return undefined;
  if (isPredefined(record.name)) {
    throw invalidArgument('user specified IP address is supported on user defined networks only');
  }
  if (!record.bridge?.subnetAsked) {
    throw invalidArgument(
      'user specified IP address is supported only when connecting to networks with user configured subnets',
    );
  }
  const address = parseAddress(text);
  if (address === undefined) throw invalidArgument(`invalid IPv4 address: ${text}`);
  const subnet = parseSubnet(record.bridge.pool.subnet);
  if (!subnet || !contains(subnet, address)) {
    throw invalidArgument(`invalid address ${text}: It does not belong to any of this network's subnets`);
  }
  return address;
}

function askedMac(text: string): string | undefined {
  if (text === '') return undefined;
  // Bit 0 of the first octet: a multicast address cannot be an interface's own.
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text)) {
    throw invalidArgument(`invalid MAC address ${JSON.stringify(text)}`);
  }
  return text.toLowerCase();
}

export interface AllocatedAddress {
  address: number;
  mac: string;
}

/** Takes the address asked for, or the next free one. Throws forbidden as Docker when there is none. */
export function allocateAddress({ network, address, mac }: EndpointRequest): AllocatedAddress {
  const { addresses, record } = network;
  if (address !== undefined && !addresses?.take(address)) {
    throw new EngineError('forbidden', 'Address already in use', {
      hint: `${formatAddress(address)} belongs to another container or the gateway of ${record.name}`,
    });
  }
  const allocated = address ?? addresses?.allocate();
  if (allocated === undefined) {
    throw new EngineError(
      'forbidden',
      `no available IPv4 addresses on this network's address pools: ${record.name} (${record.id})`,
    );
  }
  return { address: allocated, mac: mac ?? macOf(allocated) };
}
