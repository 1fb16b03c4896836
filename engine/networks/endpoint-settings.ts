import { invalidArgument, joinMessages } from '../lib/errors.ts';
import { checkFields, checkObject, INTEGER, TEXT, TEXT_MAP, TEXTS } from '../lib/field-types.ts';
import type { EndpointSettings } from '../wire/container.ts';
import { isPredefined, type NetworkRecord } from './network-record.ts';
import { contains, parseAddress, parseSubnet, type Family } from './subnet.ts';

export const SYSCTLS = 'com.docker.network.endpoint.sysctls';

/** Option → name and value, whose name has `IFNAME` in the place of the interface; the CLI makes it lower case. */
export const SYSCTL = /^(net\.(?:ipv4|ipv6|mpls)\.\w+\.(?:IFNAME|ifname)\.\w+)=(.*)$/;

/**
 * What a create refuses already, and every attach again. `record` is undefined for a network that is not there yet.
 * Throws all that is wrong in Docker's texts.
 */
export function checkSettings(
  name: string,
  record: Pick<NetworkRecord, 'pools'> | undefined,
  settings: EndpointSettings,
): void {
  checkTypes(settings);
  const errors = [
    ...misplaced(name, settings),
    ...wrongAddresses(record, settings),
    ...wrongSysctls(settings.DriverOpts?.[SYSCTLS] ?? ''),
  ];
  if (errors.length > 0) throw invalidArgument(`invalid endpoint settings:\n${joinMessages(errors)}`);
  checkMac(settings.MacAddress ?? '');
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

/** What only networks that users made can give. */
function misplaced(name: string, { Aliases, IPAMConfig }: EndpointSettings): string[] {
  if (!isPredefined(name) && name !== 'default' && !name.startsWith('container:')) return [];
  const errors: string[] = [];
  if (IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address) {
    errors.push('user-specified IP address is supported on user-defined networks only');
  }
  if (Aliases && Aliases.length > 0) {
    errors.push('network-scoped aliases are only supported for user-defined networks');
  }
  return errors;
}

function wrongAddresses(
  record: Pick<NetworkRecord, 'pools'> | undefined,
  { IPAMConfig }: EndpointSettings,
): string[] {
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs } = IPAMConfig ?? {};
  const errors: string[] = [];
  const check = (text: string, family: Family): void => {
    if (text === '') return;
    const address = parseAddress(text);
    if (address?.family !== family || address.value === 0n) {
      errors.push(`invalid IPv${family} address: ${text}`);
      return;
    }
    if (!record) return;
    const { ipv4, ipv6 } = record.pools;
    const subnet = parseSubnet((family === 4 ? ipv4 : ipv6)?.subnet ?? '');
    if (!subnet || !contains(subnet, address)) {
      errors.push(`no configured subnet contains IP address ${text}`);
    }
  };
  check(IPv4Address, 4);
  check(IPv6Address, 6);
  for (const text of LinkLocalIPs ?? []) {
    if ((parseAddress(text)?.value ?? 0n) === 0n) errors.push(`invalid link-local IP address: ${text}`);
  }
  return errors;
}

function wrongSysctls(text: string): string[] {
  if (text === '') return [];
  return text
    .split(',')
    .filter((sysctl) => !SYSCTL.test(sysctl))
    .map(
      (sysctl) =>
        `unrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );
}

function checkMac(text: string): void {
  // Bit 0 of the first octet: a multicast address cannot be an interface's own.
  if (text === '' || /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(text)) return;
  throw invalidArgument(`address ${text}: invalid MAC address`);
}
