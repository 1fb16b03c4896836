import { EngineError, invalidArgument, notFound, notImplemented } from '../lib/errors.ts';
import { checkFields, checkObject, FLAG, isObject, listOf, TEXT, TEXT_MAP } from '../lib/field-types.ts';
import type { IpamPoolConfig, NetworkCreateRequest } from '../wire/network.ts';
import { bridgeNameOf, bridgeOptions, flag } from './bridge-options.ts';
import { isPredefined, type NetworkRecord, type ParentRecord, type PoolRecord } from './network-record.ts';
import { overlayOptions } from './overlay/overlay-options.ts';
import { parentOptions } from './parent-options.ts';
import {
  contains,
  formatAddress,
  formatSubnet,
  hasRoom,
  overlaps,
  parseAddress,
  parseSubnet,
  type Family,
  type Subnet,
} from './subnet.ts';

/** What a create request asks for, checked, before subnets are chosen. */
export interface NetworkSpecification extends Pick<
  NetworkRecord,
  | 'name'
  | 'driver'
  | 'internal'
  | 'attachable'
  | 'enableIpv4'
  | 'enableIpv6'
  | 'labels'
  | 'options'
  | 'ipamOptions'
  | 'configOnly'
  | 'configFrom'
> {
  /** A family that is on and has none: choose from the default pools. */
  pools: NetworkRecord['pools'];
  /** Driver bridge; undefined: derived from the network's ID. */
  bridgeName?: string | undefined;
  parent?: Omit<ParentRecord, 'made'>;
}

const STACKED = ['macvlan', 'ipvlan'] as const;

/** Checks everything that needs no knowledge of other networks. Throws with Docker's texts. */
export function specify(request: NetworkCreateRequest): NetworkSpecification {
  checkTypes(request);
  const name = request.Name ?? '';
  if (name.trim() === '') throw invalidArgument('invalid name: name is empty');
  // `default` is what `--network default` names.
  if (isPredefined(name) || name === 'default') {
    throw new EngineError('forbidden', `operation is not permitted on predefined ${name} network `);
  }
  const driver = driverOf(request);
  refuseUnsupported(request);
  const options = request.Options ?? {};
  const enableIpv4 = request.EnableIPv4 ?? flag(options, 'com.docker.network.enable_ipv4', true);
  const enableIpv6 = request.EnableIPv6 ?? flag(options, 'com.docker.network.enable_ipv6', false);
  if (!enableIpv4 && !enableIpv6) throw invalidArgument('IPv4 or IPv6 must be enabled');
  const pools = specifyPools(request.IPAM?.Config ?? [], { enableIpv4, enableIpv6 });
  if (request.IPAM?.Driver === 'null') throw noAddresses(pools, enableIpv4);
  return {
    name,
    driver,
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIpv4,
    enableIpv6,
    labels: request.Labels ?? {},
    options,
    ipamOptions: request.IPAM?.Options ?? null,
    configOnly: request.ConfigOnly ?? false,
    configFrom: request.ConfigFrom?.Network ?? '',
    pools,
    ...driverSpecification(driver, options, request.Internal ?? false),
  };
}

/** What the driver itself says of its options. */
function driverSpecification(
  driver: NetworkRecord['driver'],
  options: Record<string, string>,
  internal: boolean,
): Pick<NetworkSpecification, 'bridgeName' | 'parent'> {
  const stacked = STACKED.find((one) => one === driver);
  if (stacked) return { parent: parentOptions(stacked, options) };
  if (driver === 'overlay') overlayOptions(options);
  if (driver !== 'bridge') return {};
  const { ipv4, ipv6 } = bridgeOptions(options).gateway;
  if ([ipv4.mode, ipv6.mode].includes('isolated') && !internal) {
    throw invalidArgument("gateway mode 'isolated' can only be used for an internal network");
  }
  return { bridgeName: bridgeNameOf(options) };
}

/** A network that takes its configuration from another has none of its own but that it may be attached to. */
export function configuredFrom(
  specification: NetworkSpecification,
  template: NetworkRecord | undefined,
): NetworkSpecification {
  const { configFrom, options, ipamOptions, pools, labels, internal, driver } = specification;
  if (!template) throw notFound(`configuration network ${JSON.stringify(configFrom)} not found`);
  if (!template.configOnly)
    throw invalidArgument(
      `configuration network ${JSON.stringify(configFrom)} is not a configuration network`,
    );
  const own = [options, ipamOptions ?? {}, pools, labels].some((part) => Object.keys(part).length > 0);
  if (own || internal) {
    throw new EngineError(
      'forbidden',
      'user specified configurations are not supported if the network depends on a configuration network',
    );
  }
  return {
    ...specification,
    enableIpv4: template.enableIpv4,
    enableIpv6: template.enableIpv6,
    labels: template.labels,
    options: template.options,
    ipamOptions: template.ipamOptions,
    internal: template.internal,
    pools: template.pools,
    ...driverSpecification(driver, template.options, template.internal),
  };
}

function checkTypes(request: NetworkCreateRequest): void {
  checkFields('', request, {
    Name: TEXT,
    Driver: TEXT,
    Scope: TEXT,
    Internal: FLAG,
    Attachable: FLAG,
    EnableIPv4: FLAG,
    EnableIPv6: FLAG,
    ConfigOnly: FLAG,
    Options: TEXT_MAP,
    Labels: TEXT_MAP,
  });
  checkObject('ConfigFrom', request.ConfigFrom, { Network: TEXT });
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

function driverOf(request: NetworkCreateRequest): NetworkRecord['driver'] {
  const driver = request.Driver || 'bridge';
  // A template has no links of its own.
  if (request.ConfigOnly) return 'null';
  if (driver === 'host' || driver === 'null') {
    throw new EngineError('forbidden', `only one instance of "${driver}" network is allowed`);
  }
  if (driver !== 'bridge' && driver !== 'macvlan' && driver !== 'ipvlan' && driver !== 'overlay') {
    throw notFound(`could not find plugin ${driver} in v1 plugin registry: plugin not found`);
  }
  return driver;
}

function refuseUnsupported(request: NetworkCreateRequest): void {
  const ipam = request.IPAM?.Driver || 'default';
  if (ipam !== 'default' && ipam !== 'null')
    throw notFound(`could not find plugin ${ipam} in v1 plugin registry: plugin not found`);
  if (request.Ingress) throw notImplemented('an ingress network');
  if (request.Scope && request.Scope !== scopeOf(request.Driver))
    throw notImplemented(`network scope ${request.Scope}`);
}

/** Docker has the IPAM driver null, but no driver of networks that goes without addresses. */
function noAddresses(pools: NetworkRecord['pools'], enableIpv4: boolean): EngineError {
  if (Object.keys(pools).length > 0) {
    return invalidArgument('null ipam driver does not handle specific address pool requests');
  }
  return invalidArgument(`${enableIpv4 ? 'ipv4' : 'ipv6'} pool is empty`);
}

/** Docker's word for networks that reach beyond one engine is that of its swarms. */
export function scopeOf(driver: string | undefined): 'local' | 'swarm' {
  return driver === 'overlay' ? 'swarm' : 'local';
}

/** At most one subnet of each family. A pool of a family that is off is not looked at, as in Docker. */
function specifyPools(
  configs: readonly IpamPoolConfig[],
  { enableIpv4, enableIpv6 }: Pick<NetworkRecord, 'enableIpv4' | 'enableIpv6'>,
): NetworkRecord['pools'] {
  const pools: NetworkRecord['pools'] = {};
  const errors: string[] = [];
  for (const config of configs) {
    const pool = specifyPool(config, enableIpv6, errors);
    const key = pool?.subnet.includes(':') ? 'ipv6' : 'ipv4';
    if (!pool || (key === 'ipv6' ? !enableIpv6 : !enableIpv4)) continue;
    if (pools[key]) throw new EngineError('forbidden', "bridge driver doesn't support multiple subnets");
    pools[key] = pool;
  }
  if (errors.length > 0) throw invalidArgument(`invalid network config:\n${errors.join('\n')}`);
  return pools;
}

function specifyPool(config: IpamPoolConfig, enableIpv6: boolean, errors: string[]): PoolRecord | undefined {
  if (!config.Subnet) {
    if (config.IPRange || config.Gateway) errors.push('invalid subnet : invalid CIDR block notation');
    return undefined;
  }
  const subnet = parseSubnet(config.Subnet);
  if (subnet === undefined) {
    errors.push(`invalid subnet ${config.Subnet}: invalid CIDR block notation`);
    return undefined;
  }
  if (subnet.family === 6 && !enableIpv6) return undefined;
  if (parseAddress(config.Subnet.split('/')[0] ?? '')?.value !== subnet.base) {
    errors.push(`invalid subnet ${config.Subnet}: it should be ${formatSubnet(subnet)}`);
  }
  if (!hasRoom(subnet)) throw invalidArgument(`invalid subnet ${config.Subnet}: no room for containers`);
  const range = config.IPRange ? memberRange(subnet, config.IPRange, errors) : '';
  const auxiliary: Record<string, string> = {};
  for (const [host, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
    auxiliary[host] = member(subnet, address, `auxiliary address ${host}`, errors);
  }
  const gateway = config.Gateway
    ? member(subnet, config.Gateway, `gateway ${config.Gateway}`, errors)
    : gatewayOf(subnet);
  return { subnet: formatSubnet(subnet), range, gateway, auxiliary, asked: true };
}

function memberRange(subnet: Subnet, text: string, errors: string[]): string {
  const range = parseSubnet(text);
  const problem = rangeProblem(subnet, range, text);
  if (problem !== undefined) errors.push(`invalid ip-range ${text}: ${problem}`);
  return range ? formatSubnet(range) : '';
}

function rangeProblem(subnet: Subnet, range: Subnet | undefined, text: string): string | undefined {
  if (range === undefined) return 'invalid CIDR block notation';
  if (range.family !== subnet.family) return `parent subnet is an IPv${subnet.family} block`;
  if (range.prefixLength < subnet.prefixLength) {
    return `CIDR block is bigger than its parent subnet ${formatSubnet(subnet)}`;
  }
  if (parseAddress(text.split('/')[0] ?? '')?.value !== range.base)
    return `it should be ${formatSubnet(range)}`;
  return overlaps(subnet, range)
    ? undefined
    : `parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`;
}

function member(subnet: Subnet, text: string, what: string, errors: string[]): string {
  const address = parseAddress(text);
  if (address === undefined) {
    errors.push(`invalid ${what}: invalid address`);
    return '';
  }
  if (address.family !== subnet.family)
    errors.push(`invalid ${what}: parent subnet is an IPv${subnet.family} block`);
  else if (!contains(subnet, address)) {
    errors.push(`invalid ${what}: parent subnet ${formatSubnet(subnet)} doesn't contain this address`);
  }
  return formatAddress(address);
}

/** The first host address, where Docker puts the gateway. */
function gatewayOf({ family, base }: Subnet): string {
  return formatAddress({ family, value: base + 1n });
}

/** The pool of a subnet that the engine chose. */
export function poolOf(subnet: Subnet, asked = false): PoolRecord {
  return { subnet: formatSubnet(subnet), range: '', gateway: gatewayOf(subnet), auxiliary: {}, asked };
}

export const FAMILIES: readonly { key: 'ipv4' | 'ipv6'; family: Family }[] = [
  { key: 'ipv4', family: 4 },
  { key: 'ipv6', family: 6 },
];
