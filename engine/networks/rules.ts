import { concatenate, NftBatch, type MapElement } from './nftables/batch.ts';
import {
  ACCEPT,
  comesFrom,
  comesNotFrom,
  DROP,
  goesNotTo,
  goesTo,
  ICMP,
  ICMPV6,
  IPV4,
  IPV6,
  isAmong,
  isAnswer,
  isDecrypted,
  isFamily,
  isFrom,
  isPort,
  isProtocol,
  isTo,
  isToBePlain,
  isToHost,
  isTranslated,
  jump,
  loadAddress,
  loadMeta,
  loadPort,
  lookUp,
  masquerade,
  portBytes,
  SCTP,
  sourceFrom,
  TCP,
  translateTo,
  UDP,
  verdict,
  type Expression,
  type Prefix,
} from './nftables/expressions.ts';
import type { FamilyGateway, GatewayMode } from './bridge-options.ts';
import { encryptedPort, type PeerAddress } from './overlay/overlay-settings.ts';
import { addressBytes, isUnspecified, parseAddress, parseSubnet, type Address } from './subnet.ts';

/** What the rule set of one engine says about one bridge. */
export interface BridgeRules {
  linkName: string;
  /** In CIDR notation, and how packets get out and in. */
  subnets: (Pick<FamilyGateway, 'mode' | 'sourceAddress'> & { subnet: string })[];
  /** Links of the host whose traffic is let in. */
  trustedInterfaces: string[];
  /** No way out and none in. */
  internal: boolean;
  /** Containers on this bridge may talk to each other. */
  icc: boolean;
  masquerade: boolean;
}

export interface PortRule {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** `0.0.0.0` or `::`: every address of the host in that family. */
  hostIp: string;
  /** 0: not on the host, but open at the container's own address. */
  hostPort: number;
  /** Of the same family. */
  containerIp: string;
  containerPort: number;
}

/** Where other engines' frames for our bridges arrive, over UDP. */
export interface TunnelRules {
  own: PeerAddress;
  peers: PeerAddress[];
  /** There are encrypted networks, and the kernel has IPsec. */
  encrypted: boolean;
}

/** From one container to a port of another, where their network lets none pass. IPv4. */
export interface LinkRule {
  sourceIp: string;
  targetIp: string;
  protocol: PortRule['protocol'];
  port: number;
}

type Rule = (Expression | Expression[])[];

/** One nftables table (family inet) holds everything of one engine, so removing it leaves nothing behind. */
export function tableName(bridgeName: string): string {
  return `gantry_${bridgeName}`;
}

/** Replaces the engine's table in one transaction: no packet ever meets half a rule set. */
export function ruleSet(
  table: string,
  bridges: readonly BridgeRules[],
  ports: readonly PortRule[],
  { tunnel, links = [] }: { tunnel?: TunnelRules | undefined; links?: readonly LinkRule[] } = {},
): NftBatch {
  const batch = removeTable(table).addTable();
  for (const family of [IPV4, IPV6] as const) {
    const address = family === IPV4 ? 'ipv4' : 'ipv6';
    const value = [address, 'service'] as const;
    batch.addMap({ name: anyMap(family), key: ['protocol', 'service'], value });
    batch.addMap({ name: addressMap(family), key: [address, 'protocol', 'service'], value });
    batch.addMap({ name: openSet(family), key: [address, 'protocol', 'service'], value: [] });
  }
  for (const [map, elements] of portElements(ports)) batch.addElements(map, elements);
  batch.addMap({ name: LINKS, key: ['ipv4', 'ipv4', 'protocol', 'service'], value: [] });
  batch.addElements(LINKS, links.map(linkElement));
  addChain(batch, 'guard', [GUARD, ...(tunnel ? tunnelRules(tunnel) : [])], 'raw prerouting');
  if (tunnel?.encrypted) addChain(batch, 'tunnel', departureRules(tunnel), 'raw output');
  addChain(batch, 'published', ([IPV4, IPV6] as const).flatMap(publishedRules));
  addChain(batch, 'prerouting', [[isToHost(), jump('published')]], 'nat prerouting');
  addChain(batch, 'output', [[isToHost(), jump('published')]], 'nat output');
  addChain(batch, 'postrouting', bridges.flatMap(sourceRules), 'nat postrouting');
  addChain(batch, 'forward', bridges.flatMap(forwardRules), 'filter forward');
  return batch;
}

/** Valid whether or not the table exists. */
export function removeTable(table: string): NftBatch {
  return new NftBatch(table).addTable().deleteTable();
}

/** Only these elements come or go: a few hundred bytes, whatever else is published. */
export function addPorts(table: string, ports: readonly PortRule[]): NftBatch {
  const batch = new NftBatch(table);
  for (const [map, elements] of portElements(ports)) batch.addElements(map, elements);
  return batch;
}

export function removePorts(table: string, ports: readonly PortRule[]): NftBatch {
  const batch = new NftBatch(table);
  for (const [map, elements] of portElements(ports)) batch.deleteElements(map, elements);
  return batch;
}

function addChain(
  batch: NftBatch,
  name: string,
  rules: readonly Rule[],
  hook?: Parameters<NftBatch['addChain']>[1],
): void {
  batch.addChain(name, hook);
  for (const rule of rules) batch.addRule(name, ...rule);
}

const familyName = (family: number): string => (family === IPV4 ? '4' : '6');
/** Published on every address of the host. */
const anyMap = (family: number): string => `ports${familyName(family)}`;
/** Published on one. */
const addressMap = (family: number): string => `host_ports${familyName(family)}`;

/** Open at the container's own address. */
const openSet = (family: number): string => `open${familyName(family)}`;

/** Source, destination, protocol and port that may pass between containers that may not talk to each other. */
const LINKS = 'links';

const PROTOCOL_NUMBERS = { tcp: TCP, udp: UDP, sctp: SCTP };

function portElements(ports: readonly PortRule[]): Map<string, MapElement[]> {
  const maps = new Map<string, MapElement[]>();
  for (const port of ports) {
    const [map, element] = portElement(port);
    maps.set(map, [...(maps.get(map) ?? []), element]);
  }
  return maps;
}

function portElement({
  protocol,
  hostIp,
  hostPort,
  containerIp,
  containerPort,
}: PortRule): [string, MapElement] {
  const host = known(hostIp);
  const family = host.family === 4 ? IPV4 : IPV6;
  const container = addressBytes(known(containerIp));
  const service = (port: number) => [Buffer.from([PROTOCOL_NUMBERS[protocol]]), portBytes(port)];
  if (hostPort === 0) return [openSet(family), { key: concatenate(container, ...service(containerPort)) }];
  const value = concatenate(container, portBytes(containerPort));
  if (isUnspecified(hostIp)) return [anyMap(family), { key: concatenate(...service(hostPort)), value }];
  return [addressMap(family), { key: concatenate(addressBytes(host), ...service(hostPort)), value }];
}

function linkElement({ sourceIp, targetIp, protocol, port }: LinkRule): MapElement {
  const addresses = [sourceIp, targetIp].map((text) => addressBytes(known(text)));
  return { key: concatenate(...addresses, Buffer.from([PROTOCOL_NUMBERS[protocol]]), portBytes(port)) };
}

function known(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`not an address: ${text}`);
  return address;
}

const LOOPBACK: Prefix = { family: IPV4, address: Buffer.from([127, 0, 0, 0]), length: 8 };

/**
 * SECURITY: CVE-2020-8558 class. Destination NAT happens before the kernel drops martians, so a neighbour on the
 * link (or a container, where route_localnet is on) could otherwise reach what is bound to or published on
 * 127.0.0.1. Replies to our own loopback traffic are still addressed to the bridge at this hook.
 */
const GUARD: Rule = [comesNotFrom('lo'), isTo(LOOPBACK), verdict(DROP)];

/**
 * SECURITY: VXLAN has no authentication, so a stranger could put frames onto the bridges of overlay networks. What
 * comes to the port of encrypted networks came out of ESP, also when somebody removes the kernel's policies.
 */
function tunnelRules({ own, peers, encrypted }: TunnelRules): Rule[] {
  const comesTo = (port: number): Rule => [isToHost(), isProtocol(UDP), isPort(port)];
  const sentBy = ({ address }: PeerAddress): Expression[] => isFrom(prefixOf(`${address}/32`));
  const [plain, sealed] = [comesTo(own.port), comesTo(encryptedPort(own))];
  return [
    ...peers.map((peer): Rule => [sentBy(peer), ...plain, verdict(ACCEPT)]),
    [...plain, verdict(DROP)],
    ...(encrypted ? peers : []).map((peer): Rule => [
      sentBy(peer),
      ...sealed,
      isDecrypted(),
      verdict(ACCEPT),
    ]),
    [...sealed, verdict(DROP)],
  ];
}

/** SECURITY: frames of encrypted networks do not leave plain, also when somebody removes the kernel's policies. */
function departureRules({ peers }: TunnelRules): Rule[] {
  return peers.map((peer) => [
    isTo(prefixOf(`${peer.address}/32`)),
    isProtocol(UDP),
    isPort(encryptedPort(peer)),
    isToBePlain(),
    verdict(DROP),
  ]);
}

/** First what is published on the very address, then what is on all. */
function publishedRules(family: typeof IPV4 | typeof IPV6): Rule[] {
  const words = family === IPV4 ? 1 : 4;
  return [
    [
      isFamily(family),
      loadAddress(family, 'daddr', 0),
      loadMeta('l4proto', words),
      loadPort(words + 1),
      lookUp(addressMap(family), 0),
      translateTo(family, 0),
    ],
    [
      isFamily(family),
      loadMeta('l4proto', 0),
      loadPort(1),
      lookUp(anyMap(family), 0),
      translateTo(family, 0),
    ],
  ];
}

function prefixOf(subnet: string): Prefix {
  const parsed = parseSubnet(subnet);
  if (!parsed) throw new Error(`not a subnet: ${subnet}`);
  const { family, base, prefixLength } = parsed;
  return {
    family: family === 4 ? IPV4 : IPV6,
    address: addressBytes({ family, value: base }),
    length: prefixLength,
  };
}

function sourceRules({ linkName, subnets, internal, masquerade: hides }: BridgeRules): Rule[] {
  // The host through 127.0.0.1, and a container through a port published by its own network (else the answer would go
  // to it directly, from an address it never asked).
  const rules: Rule[] = [[goesTo(linkName), isFrom(LOOPBACK), masquerade()]];
  for (const { subnet, mode, sourceAddress } of subnets) {
    const prefix = prefixOf(subnet);
    rules.push([goesTo(linkName), isFrom(prefix), isTranslated(), masquerade()]);
    if (!hides || internal || mode === 'routed') continue;
    const source =
      sourceAddress === '' ? masquerade() : sourceFrom(prefix.family, addressBytes(known(sourceAddress)));
    rules.push([goesNotTo(linkName), isFrom(prefix), source].flat());
  }
  return rules;
}

/**
 * Into a bridge comes only what its containers asked for and what was published: not other bridges, not a neighbour
 * of the host that routes to the container's address. Traffic inside a bridge comes here under br_netfilter.
 */
function forwardRules({ linkName, internal, icc, subnets, trustedInterfaces }: BridgeRules): Rule[] {
  const inside = [comesFrom(linkName), goesTo(linkName)].flat();
  const into = goesTo(linkName);
  return [
    [inside, isTranslated(), verdict(ACCEPT)],
    ...(icc ? [] : linkRules(inside)),
    [inside, verdict(icc ? ACCEPT : DROP)],
    ...(internal
      ? [
          [comesFrom(linkName), verdict(DROP)],
          [into, verdict(DROP)],
        ]
      : []),
    [into, isAnswer(), verdict(ACCEPT)],
    [into, isTranslated(), verdict(ACCEPT)],
    ...trustedInterfaces.map((name): Rule => [comesFrom(name), into, verdict(ACCEPT)]),
    ...subnets.flatMap(({ mode, subnet }) => openingRules(into, mode, prefixOf(subnet))),
    [into, verdict(DROP)],
  ];
}

/** What else comes in, from those who route here. */
function openingRules(into: Expression[], mode: GatewayMode, { family }: Prefix): Rule[] {
  if (mode === 'nat-unprotected') return [[into, isFamily(family), verdict(ACCEPT)]];
  if (mode !== 'routed') return [];
  const words = family === IPV4 ? 1 : 4;
  return [
    [into, isFamily(family), isProtocol(family === IPV4 ? ICMP : ICMPV6), verdict(ACCEPT)],
    [
      into,
      isFamily(family),
      loadAddress(family, 'daddr', 0),
      loadMeta('l4proto', words),
      loadPort(words + 1),
      isAmong(openSet(family)),
      verdict(ACCEPT),
    ],
  ];
}

/** What legacy links let pass, and its answers. */
function linkRules(inside: Expression[]): Rule[] {
  return [
    [inside, isAnswer(), verdict(ACCEPT)],
    [
      inside,
      isFamily(IPV4),
      loadAddress(IPV4, 'saddr', 0),
      loadAddress(IPV4, 'daddr', 1),
      loadMeta('l4proto', 2),
      loadPort(3),
      isAmong(LINKS),
      verdict(ACCEPT),
    ],
  ];
}
