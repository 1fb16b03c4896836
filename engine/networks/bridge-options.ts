import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { NetworkRecord } from './network-record.ts';
import { overlayOptions, VNI } from './overlay/overlay-options.ts';
import { parseAddress } from './subnet.ts';

/** The options of the bridge driver that are honoured, with Docker's defaults. */
export interface BridgeOptions {
  icc: boolean;
  masquerade: boolean;
  /** '': every address of the host, of both families. */
  hostBindingIp: string;
  mtu: number;
  gateway: { ipv4: FamilyGateway; ipv6: FamilyGateway };
  /** Links of the host whose traffic to containers is let in. */
  trustedInterfaces: string[];
  /** Names of interfaces in containers, without the number. */
  interfacePrefix: string;
}

/**
 * How packets of one family get out of a bridge and into it, in Docker's words: behind the host's address and in by
 * published ports only (nat), the same with every port open to those who route here (nat-unprotected), with addresses
 * of their own and published ports open (routed), not at all (isolated).
 */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

export interface FamilyGateway {
  mode: GatewayMode;
  /** The bridge has an address, which is the containers' gateway. */
  hasAddress: boolean;
  /** What packets leave with in place of the address of the link that they leave by; '': that. */
  sourceAddress: string;
}

const OPTION = 'com.docker.network.';
const BRIDGE_NAME = `${OPTION}bridge.name`;
export const ICC = `${OPTION}bridge.enable_icc`;
const MASQUERADE = `${OPTION}bridge.enable_ip_masquerade`;
const HOST_BINDING = `${OPTION}bridge.host_binding_ipv4`;
const INHIBIT_IPV4 = `${OPTION}bridge.inhibit_ipv4`;
const TRUSTED = `${OPTION}bridge.trusted_host_interfaces`;
const FAMILY_OPTIONS = {
  ipv4: { mode: `${OPTION}bridge.gateway_mode_ipv4`, source: `${OPTION}host_ipv4`, family: 4 },
  ipv6: { mode: `${OPTION}bridge.gateway_mode_ipv6`, source: `${OPTION}host_ipv6`, family: 6 },
} as const;
const INTERFACE_PREFIX = `${OPTION}container_iface_prefix`;
const MTU = `${OPTION}driver.mtu`;
const KNOWN = [
  BRIDGE_NAME,
  ICC,
  MASQUERADE,
  HOST_BINDING,
  INHIBIT_IPV4,
  INTERFACE_PREFIX,
  MTU,
  TRUSTED,
  ...Object.values(FAMILY_OPTIONS).flatMap(({ mode, source }) => [mode, source]),
  `${OPTION}bridge.default_bridge`,
  `${OPTION}enable_ipv4`,
  `${OPTION}enable_ipv6`,
];
const DEFAULT_MTU = 1500;

/** Throws invalid-argument for a value that does not parse, not-implemented for an option that would be ignored. */
export function bridgeOptions(options: Record<string, string>): BridgeOptions {
  const unknown = Object.keys(options).find((key) => key.startsWith(OPTION) && !KNOWN.includes(key));
  if (unknown !== undefined) throw notImplemented(`network option ${unknown}`);
  const hostBindingIp = options[HOST_BINDING] ?? '';
  if (hostBindingIp !== '' && parseAddress(hostBindingIp) === undefined) {
    throw invalidArgument(`failed to parse ${HOST_BINDING} value: ${hostBindingIp} (nil ip)`);
  }
  const interfacePrefix = options[INTERFACE_PREFIX] ?? 'eth';
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,11}$/.test(interfacePrefix)) {
    throw invalidArgument(`invalid interface prefix: ${JSON.stringify(interfacePrefix)}`);
  }
  return {
    icc: flag(options, ICC, true),
    masquerade: flag(options, MASQUERADE, true),
    hostBindingIp: hostBindingIp === '0.0.0.0' ? '' : hostBindingIp,
    mtu: parseMtu(options[MTU] ?? ''),
    gateway: { ipv4: gatewayOf(options, 'ipv4'), ipv6: gatewayOf(options, 'ipv6') },
    trustedInterfaces: trustedInterfaces(options[TRUSTED] ?? ''),
    interfacePrefix,
  };
}

/** What the links of a network are made with: those of an overlay network differ in size only. */
export function linkOptions({ driver, options }: Pick<NetworkRecord, 'driver' | 'options'>): BridgeOptions {
  return driver === 'overlay'
    ? { ...bridgeOptions({}), mtu: overlayOptions(options).mtu }
    : bridgeOptions(options);
}

function parseMtu(text: string): number {
  if (text === '' || text === '0') return DEFAULT_MTU;
  if (!/^\d{1,5}$/.test(text)) {
    throw invalidArgument(`failed to parse ${MTU} value: ${text} (invalid syntax)`);
  }
  if (Number(text) < 68 || Number(text) > 65535) throw invalidArgument(`invalid MTU number: ${text}`);
  return Number(text);
}

function gatewayOf(options: Record<string, string>, key: 'ipv4' | 'ipv6'): FamilyGateway {
  const { mode: modeOption, source, family } = FAMILY_OPTIONS[key];
  const text = options[modeOption] || 'nat';
  const mode = MODES.find((known) => known === text);
  if (mode === undefined) throw invalidArgument(`unknown gateway mode ${text}`);
  const sourceAddress = options[source] ?? '';
  if (sourceAddress !== '' && parseAddress(sourceAddress)?.family !== family) {
    throw invalidArgument(`failed to parse ${source} value: ${sourceAddress} (nil ip)`);
  }
  const inhibited = flag(options, INHIBIT_IPV4, false) && family === 4;
  return { mode, hasAddress: mode !== 'isolated' && !inhibited, sourceAddress };
}

const MODES: readonly GatewayMode[] = ['nat', 'nat-unprotected', 'routed', 'isolated'];

/** As Docker: separated by colons, which no name of a link has. */
function trustedInterfaces(text: string): string[] {
  const names = text.split(':').filter((name) => name !== '');
  const bad = names.find((name) => !/^[^\s/]{1,15}$/.test(name));
  if (bad !== undefined)
    throw invalidArgument(`invalid interface name in ${TRUSTED}: ${JSON.stringify(bad)}`);
  return names;
}

/** As Go's strconv.ParseBool. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

export function flag(options: Record<string, string>, key: string, otherwise: boolean): boolean {
  const value = options[key];
  if (value === undefined) return otherwise;
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw invalidArgument(
    `failed to parse ${key} value: ${value} (strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax)`,
  );
}

/** Undefined: derived from the network's ID. */
export function bridgeNameOf(options: Record<string, string>): string | undefined {
  const name = options[BRIDGE_NAME];
  // The kernel's limit is IFNAMSIZ - 1; the name is also written into ip batch lines.
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw invalidArgument(`invalid bridge name: ${JSON.stringify(name)}`);
  }
  return name;
}

/** The default network and overlay networks show what they have without having been asked, as Docker's do. */
export function shownOptions({ name, options, bridge, overlay }: NetworkRecord): Record<string, string> {
  if (overlay) return { ...options, [VNI]: String(overlay.vni) };
  if (name !== 'bridge' || !bridge) return options;
  const { icc, masquerade, hostBindingIp, mtu } = bridgeOptions(options);
  return {
    [`${OPTION}bridge.default_bridge`]: 'true',
    [ICC]: String(icc),
    [MASQUERADE]: String(masquerade),
    [HOST_BINDING]: hostBindingIp || '0.0.0.0',
    [BRIDGE_NAME]: bridge.linkName,
    [MTU]: String(mtu),
  };
}
