import { randomBytes } from 'node:crypto';
import { EngineError, invalidArgument, notImplemented } from '../lib/errors.ts';
import type { Sysctl } from '../runtime/plan.ts';
import type { EndpointSettings } from '../wire/container.ts';
import { checkSettings, SYSCTL, SYSCTLS } from './endpoint-settings.ts';
import type { Network } from './network-registry.ts';
import { formatAddress, macOf, parseAddress, type Address, type Family } from './subnet.ts';

/** What a container asked of one network, checked. */
export interface EndpointRequest {
  network: Network;
  ipv4: Address | undefined;
  ipv6: Address | undefined;
  /** More addresses of the interface, which nobody manages. */
  linkLocal: Address[];
  mac: string | undefined;
  aliases: string[];
  /** Names by which this container alone knows others: alias → name or ID. */
  links: Record<string, string>;
  gatewayPriority: number;
  /** '': the next free one. */
  interfaceName: string;
  /** With `IFNAME` in place of the interface's name. */
  sysctls: Sysctl[];
}

const INTERFACE_NAME = 'com.docker.network.endpoint.ifname';

/** Throws with Docker's texts; not-implemented for what would otherwise be ignored. */
export function checkEndpoint(network: Network, settings: EndpointSettings): EndpointRequest {
  const { record } = network;
  if (record.configOnly)
    throw new EngineError('forbidden', `cannot create endpoint on configuration-only network`);
  if (record.driver === 'host' || record.driver === 'null') {
    throw invalidArgument(`network ${record.name} cannot be combined with other networks`);
  }
  if (record.driver === 'overlay' && !record.attachable) {
    throw new EngineError(
      'forbidden',
      `Could not attach to network ${record.name}: rpc error: code = PermissionDenied desc = network ${record.name} not manually attachable`,
      { hint: 'create it with --attachable' },
    );
  }
  const aliases = settings.Aliases ?? [];
  const ipam = settings.IPAMConfig ?? {};
  checkSettings(record.name, record, settings);
  // They become names in the tables of the resolver: one that is no name could forge lines there.
  const bad = aliases.find((alias) => !isName(alias));
  if (bad !== undefined) throw invalidArgument(`invalid network alias: ${JSON.stringify(bad)}`);
  return {
    network,
    ipv4: askedAddress(network, ipam.IPv4Address ?? '', 4),
    ipv6: askedAddress(network, ipam.IPv6Address ?? '', 6),
    linkLocal: (ipam.LinkLocalIPs ?? []).map(parseAddress).filter((address) => address !== undefined),
    mac: settings.MacAddress?.toLowerCase() || undefined,
    aliases,
    links: parseLinks(settings.Links ?? []),
    gatewayPriority: settings.GwPriority ?? 0,
    interfaceName: askedInterface(settings.DriverOpts ?? {}),
    sysctls: askedSysctls(settings.DriverOpts?.[SYSCTLS] ?? ''),
  };
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(text);
}

/** `container:alias`, or `container` for both. */
function parseLinks(links: readonly string[]): Record<string, string> {
  const parsed: Record<string, string> = {};
  for (const link of links) {
    const [container = '', alias = container, ...rest] = link.split(':');
    if (rest.length > 0 || !isName(container) || !isName(alias)) {
      throw invalidArgument(`bad format for links: ${link}`);
    }
    parsed[alias] = container;
  }
  return parsed;
}

function askedInterface(options: Record<string, string>): string {
  // Options of other drivers are carried and not looked at, as by Docker's bridge driver.
  const unknown = Object.keys(options).find(
    (name) => name.startsWith('com.docker.network.') && name !== INTERFACE_NAME && name !== SYSCTLS,
  );
  if (unknown !== undefined) throw notImplemented(`endpoint option ${unknown}`);
  const name = options[INTERFACE_NAME] ?? '';
  // dev_valid_name() of the kernel.
  if (name !== '' && (!/^[^\s/:]{1,15}$/.test(name) || name === '.' || name === '..')) {
    throw invalidArgument(`invalid ${INTERFACE_NAME}: ${JSON.stringify(name)}`);
  }
  return name;
}

/** `net.ipv4.conf.IFNAME.log_martians=1,…`. SECURITY: 2025-52881: the name becomes a path below /proc/sys. */
function askedSysctls(text: string): Sysctl[] {
  return text.split(',').flatMap((sysctl) => {
    const [, name, value] = SYSCTL.exec(sysctl) ?? [];
    if (name === undefined || value === undefined) return [];
    return [{ name: name.replace('.ifname.', '.IFNAME.'), value }];
  });
}

/** One that is in a subnet of the network. */
function askedAddress({ record }: Network, text: string, family: Family): Address | undefined {
  if (text === '') return undefined;
  const pool = family === 4 ? record.pools.ipv4 : record.pools.ipv6;
  if (!pool?.asked) {
    throw invalidArgument(
      'user specified IP address is supported only when connecting to networks with user configured subnets',
    );
  }
  return parseAddress(text);
}

/** Of the families that the network has. */
export interface AllocatedAddresses {
  ipv4?: Address;
  ipv6?: Address;
  mac: string;
}

/** Takes the addresses asked for, or the next free ones: all or none. Throws as Docker when there is none. */
export function allocateAddresses({ network, ipv4, ipv6, mac }: EndpointRequest): AllocatedAddresses {
  const allocated: Omit<AllocatedAddresses, 'mac'> = {};
  try {
    if (network.addresses.ipv4) allocated.ipv4 = allocate(network, 4, ipv4);
    if (network.addresses.ipv6) allocated.ipv6 = allocate(network, 6, ipv6);
  } catch (error) {
    releaseAddresses(network, allocated);
    throw error;
  }
  return { ...allocated, mac: mac ?? (allocated.ipv4 ? macOf(allocated.ipv4) : randomMac()) };
}

export function releaseAddresses(network: Network, { ipv4, ipv6 }: Omit<AllocatedAddresses, 'mac'>): void {
  if (ipv4) network.addresses.ipv4?.release(ipv4);
  if (ipv6) network.addresses.ipv6?.release(ipv6);
}

function allocate({ addresses, record }: Network, family: Family, asked: Address | undefined): Address {
  const pool = family === 4 ? addresses.ipv4 : addresses.ipv6;
  if (asked !== undefined && !pool?.take(asked)) {
    throw new EngineError('forbidden', 'Address already in use', {
      hint: `${formatAddress(asked)} belongs to another container or the gateway of ${record.name}`,
    });
  }
  const address = asked ?? pool?.allocate();
  if (address) return address;
  throw new EngineError(
    'forbidden',
    `no available IPv${family} addresses on this network's address pools: ${record.name} (${record.id})`,
  );
}

/** Locally administered, for a network without IPv4. */
function randomMac(): string {
  return ['02', '42', ...[...randomBytes(4)].map((octet) => octet.toString(16).padStart(2, '0'))].join(':');
}
