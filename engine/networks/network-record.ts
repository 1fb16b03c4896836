import { EngineError, invalidArgument, notFound, notImplemented } from '../lib/errors.ts';
import { checkFields, checkObject, FLAG, isObject, listOf, TEXT, TEXT_MAP } from '../lib/field-types.ts';
import type { IpamPoolConfig, NetworkCreateRequest } from '../wire/network.ts';
import { contains, formatAddress, formatSubnet, parseAddress, parseSubnet, type Subnet } from './ipv4.ts';

/** `networks/<id>.json`. */
export interface NetworkRecord {
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null';
  createdAt: string;
  internal: boolean;
  attachable: boolean;
  labels: Record<string, string>;
  /** As given, Docker's `com.docker.network.…` keys. */
  options: Record<string, string>;
  /** As given; null: none were. */
  ipamOptions?: Record<string, string> | null;
  /** Driver bridge only. */
  bridge?: BridgeRecord;
}

export interface BridgeRecord {
  linkName: string;
  pool: PoolRecord;
  /** False: the engine chose the subnet, and may choose again while the network has no link. */
  subnetAsked: boolean;
}

/** Addresses in dotted decimal, subnets in CIDR notation. */
export interface PoolRecord {
  subnet: string;
  /** Where unasked addresses come from; '' is the whole subnet. */
  range: string;
  gateway: string;
  auxiliary: Record<string, string>;
}

/** The options of the bridge driver that are honoured, with Docker's defaults. */
interface BridgeOptions {
  icc: boolean;
  masquerade: boolean;
  hostBindingIp: string;
  mtu: number;
}

export const PREDEFINED_NETWORKS = ['bridge', 'host', 'none'] as const;

export function isPredefined(name: string): boolean {
  return (PREDEFINED_NETWORKS as readonly string[]).includes(name);
}

const OPTION = 'com.docker.network.';
const BRIDGE_NAME = `${OPTION}bridge.name`;
const KNOWN_OPTIONS = [
  BRIDGE_NAME,
  `${OPTION}bridge.enable_icc`,
  `${OPTION}bridge.enable_ip_masquerade`,
  `${OPTION}bridge.host_binding_ipv4`,
  `${OPTION}bridge.default_bridge`,
  `${OPTION}driver.mtu`,
];

/** Throws invalid-argument for a value that does not parse, not-implemented for an option that would be ignored. */
export function bridgeOptions(options: Record<string, string>): BridgeOptions {
  const unknown = Object.keys(options).find((key) => key.startsWith(OPTION) && !KNOWN_OPTIONS.includes(key));
  if (unknown !== undefined) throw notImplemented(`network option ${unknown}`);
  const mtu = options[`${OPTION}driver.mtu`] ?? '1500';
  if (!/^\d{2,5}$/.test(mtu) || Number(mtu) < 68 || Number(mtu) > 65535) {
    throw invalidArgument(`invalid MTU number: ${mtu}`);
  }
  const hostBindingIp = options[`${OPTION}bridge.host_binding_ipv4`] ?? '0.0.0.0';
  if (parseAddress(hostBindingIp) === undefined) {
    throw invalidArgument(`invalid host binding address: ${hostBindingIp}`);
  }
  return {
    icc: flag(options, `${OPTION}bridge.enable_icc`),
    masquerade: flag(options, `${OPTION}bridge.enable_ip_masquerade`),
    hostBindingIp,
    mtu: Number(mtu),
  };
}

/** The default network shows the options that it has without having been asked, as Docker's does. */
export function shownOptions({ name, options, bridge }: NetworkRecord): Record<string, string> {
  if (name !== 'bridge' || !bridge) return options;
  const { icc, masquerade, hostBindingIp, mtu } = bridgeOptions(options);
  return {
    [`${OPTION}bridge.default_bridge`]: 'true',
    [`${OPTION}bridge.enable_icc`]: String(icc),
    [`${OPTION}bridge.enable_ip_masquerade`]: String(masquerade),
    [`${OPTION}bridge.host_binding_ipv4`]: hostBindingIp,
    [BRIDGE_NAME]: bridge.linkName,
    [`${OPTION}driver.mtu`]: String(mtu),
  };
}

function flag(options: Record<string, string>, key: string): boolean {
  const value = options[key] ?? 'true';
  if (!['true', 'false', '1', '0'].includes(value.toLowerCase())) {
    throw invalidArgument(`invalid value for ${key}: ${value}`);
  }
  return value.toLowerCase() === 'true' || value === '1';
}

/** What a create request asks for, checked, before a subnet is chosen. */
export interface NetworkSpecification {
  name: string;
  internal: boolean;
  attachable: boolean;
  labels: Record<string, string>;
  options: Record<string, string>;
  ipamOptions: Record<string, string> | null;
  /** Undefined: choose from the default pools. */
  pool: PoolRecord | undefined;
  /** Undefined: derived from the network's ID. */
  linkName: string | undefined;
}

/** Checks everything that needs no knowledge of other networks. Throws with Docker's texts. */
export function specify(request: NetworkCreateRequest): NetworkSpecification {
  checkTypes(request);
  const name = request.Name ?? '';
  if (name.trim() === '') throw invalidArgument('invalid name: name is empty');
  if (isPredefined(name)) {
    throw new EngineError('forbidden', `operation is not permitted on predefined ${name} network `);
  }
  refuseUnsupported(request);
  const options = request.Options ?? {};
  bridgeOptions(options);
  const linkName = options[BRIDGE_NAME];
  // The kernel's limit is IFNAMSIZ - 1; the name is also written into nft and ip batch lines.
  if (linkName !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(linkName)) {
    throw invalidArgument(`invalid bridge name: ${JSON.stringify(linkName)}`);
  }
  const configs = request.IPAM?.Config ?? [];
  if (configs.length > 1) throw notImplemented('a network with more than one subnet');
  return {
    name,
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    labels: request.Labels ?? {},
    options,
    ipamOptions: request.IPAM?.Options ?? null,
    pool: configs[0] === undefined ? undefined : specifyPool(configs[0]),
    linkName,
  };
}

function checkTypes(request: NetworkCreateRequest): void {
  checkFields('', request, {
    Name: TEXT,
    Driver: TEXT,
    Scope: TEXT,
    Internal: FLAG,
    Attachable: FLAG,
    Options: TEXT_MAP,
    Labels: TEXT_MAP,
  });
  checkObject('IPAM', request.IPAM, {
    Driver: TEXT,
    Options: TEXT_MAP,
    Config: { expected: 'a list of objects', holds: (value) => listOf(value, isObject) },
  });
  for (const config of request.IPAM?.Config ?? []) {
    checkFields('IPAM.Config.', config, {
      Subnet: TEXT,
      IPRange: TEXT,
      Gateway: TEXT,
      AuxiliaryAddresses: TEXT_MAP,
    });
  }
}

function refuseUnsupported(request: NetworkCreateRequest): void {
  const driver = request.Driver || 'bridge';
  if (driver === 'host' || driver === 'null') {
    throw new EngineError('forbidden', `only one instance of "${driver}" network is allowed`);
  }
  if (['macvlan', 'ipvlan', 'overlay'].includes(driver)) throw notImplemented(`network driver ${driver}`);
  if (driver !== 'bridge') {
    throw notFound(`could not find plugin ${driver} in v1 plugin registry: plugin not found`);
  }
  const ipam = request.IPAM?.Driver || 'default';
  if (ipam === 'null') throw notImplemented('IPAM driver null');
  if (ipam !== 'default')
    throw notFound(`could not find plugin ${ipam} in v1 plugin registry: plugin not found`);
  if (request.EnableIPv6) throw notImplemented('IPv6 on networks');
  if (request.EnableIPv4 === false) throw notImplemented('a network without IPv4');
  if (request.Ingress) throw notImplemented('an ingress network');
  if (request.ConfigOnly || request.ConfigFrom?.Network) throw notImplemented('a config-only network');
  if (request.Scope && request.Scope !== 'local') throw notImplemented(`network scope ${request.Scope}`);
}

function specifyPool(config: IpamPoolConfig): PoolRecord | undefined {
  if (!config.Subnet) {
    if (config.IPRange || config.Gateway) {
      throw invalidArgument('invalid network config:\ninvalid subnet : invalid CIDR block notation');
    }
    return undefined;
  }
  if (config.Subnet.includes(':')) throw notImplemented('IPv6 on networks');
  const subnet = parseSubnet(config.Subnet);
  if (subnet === undefined) {
    throw invalidArgument(
      `invalid network config:\ninvalid subnet ${config.Subnet}: invalid CIDR block notation`,
    );
  }
  if (formatSubnet(subnet) !== config.Subnet) {
    throw invalidArgument(
      `invalid network config:\ninvalid subnet ${config.Subnet}: it should be ${formatSubnet(subnet)}`,
    );
  }
  if (subnet.prefixLength > 30)
    throw invalidArgument(`invalid subnet ${config.Subnet}: no room for containers`);
  const range = config.IPRange ? memberRange(subnet, config.IPRange) : '';
  const gateway = config.Gateway ? member(subnet, config.Gateway, 'gateway') : gatewayOf(subnet);
  const auxiliary: Record<string, string> = {};
  for (const [host, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
    auxiliary[host] = member(subnet, address, 'auxiliary address');
  }
  return { subnet: formatSubnet(subnet), range, gateway, auxiliary };
}

function memberRange(subnet: Subnet, text: string): string {
  const range = parseSubnet(text);
  if (range === undefined || !contains(subnet, range.base) || range.prefixLength < subnet.prefixLength) {
    throw invalidArgument(
      `invalid network config:\ninvalid ip-range ${text}: parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`,
    );
  }
  return formatSubnet(range);
}

function member(subnet: Subnet, text: string, what: string): string {
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw invalidArgument(
      `invalid network config:\ninvalid ${what} ${text}: parent subnet ${formatSubnet(subnet)} doesn't contain this address`,
    );
  }
  return text;
}

/** The first host address, where Docker puts the gateway. */
function gatewayOf(subnet: Subnet): string {
  return formatAddress(subnet.base + 1);
}

/** The pool of a subnet that the engine chose. */
export function poolOf(subnet: Subnet): PoolRecord {
  return { subnet: formatSubnet(subnet), range: '', gateway: gatewayOf(subnet), auxiliary: {} };
}
