import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ResolverPlan } from '../runtime/plan.ts';
import { NftBatch } from './nftables/batch.ts';
import {
  IPV4,
  isFamily,
  isPort,
  isProtocol,
  isSourcePort,
  isWithin,
  setPort,
  TCP,
  UDP,
} from './nftables/expressions.ts';
import { isPredefined } from './network-record.ts';
import type { Attachment } from './networks.ts';
import type { RemoteEndpoint } from './overlay/peer-state.ts';

/** Where every container on a user-defined network finds its DNS server, as in Docker. */
export const RESOLVER_ADDRESS = '127.0.0.11';
const RESOLVER_BYTES = Buffer.from([127, 0, 0, 11]);
/** Above what the kernel hands out by itself and servers are usually given. */
const RESOLVER_PORT = 65_453;
const DNS_PORT = 53;

/** A nameserver that the container's DNS server asks. */
export interface Upstream {
  address: string;
  /** Asked from the host's network: its loopback is no container's. */
  onHost: boolean;
}

/** What one container's DNS server is told besides who is on its networks. */
export interface ContainerView {
  /** In order of preference. */
  networks: { id: string; name: string; subnets: string[]; links: Record<string, string> }[];
  upstreams: Upstream[];
}

/**
 * The tables that the DNS servers of containers read (`native/dns_names.h`): one for each network, one for each
 * container. They lie on a tmpfs and are replaced whole, so a change is seen by the next query, whether or not the
 * engine is there. Synchronous: written before PID 1 executes, in some microseconds.
 */
export class NameTables {
  readonly #directory: string;
  /** Last content, so that nothing is written that is there. */
  readonly #written = new Map<string, string>();

  constructor(runRoot: string) {
    this.#directory = path.join(runRoot, 'dns');
  }

  /** Forgets the tables of containers and networks that are gone. */
  clear(keep: ReadonlySet<string>): void {
    this.#makeDirectory();
    for (const name of readdirSync(this.#directory)) if (!keep.has(name)) this.remove(name);
  }

  writeNetwork(
    networkId: string,
    attachments: readonly [containerId: string, attachment: Attachment][],
    elsewhere: readonly RemoteEndpoint[] = [],
  ): void {
    this.#write(networkId, networkTable(networkId, attachments, elsewhere));
  }

  writeContainer(containerId: string, view: ContainerView): void {
    this.#write(containerId, containerTable(view));
  }

  remove(id: string): void {
    this.#written.delete(id);
    rmSync(path.join(this.#directory, id), { force: true });
  }

  planOf(containerId: string): ResolverPlan {
    return { directory: this.#directory, id: containerId, port: RESOLVER_PORT, rules: resolverRules() };
  }

  /** SECURITY: readable by the unprivileged DNS servers, which have it for their root. */
  #makeDirectory(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
  }

  #write(id: string, content: string): void {
    if (this.#written.get(id) === content) return;
    this.#makeDirectory();
    const file = path.join(this.#directory, id);
    writeFileSync(`${file}.tmp`, content, { mode: 0o644 });
    renameSync(`${file}.tmp`, file);
    this.#written.set(id, content);
  }
}

/** A name that could end a line or a word of a table is left out. */
const NAME = /^[^\s]{1,253}$/;

/** Everything that others call a container on the network, in lower case: DNS does not tell case apart. */
export function namesOn(containerId: string, attachment: Attachment, networkId: string): string[] {
  const endpoint = attachment.endpoints.find((candidate) => candidate.networkId === networkId);
  if (!endpoint) return [];
  const names = [
    attachment.containerName,
    ...endpoint.aliases,
    containerId.slice(0, 12),
    attachment.hostname,
  ];
  return [...new Set(names.map((name) => name.toLowerCase()))].filter((name) => NAME.test(name));
}

/** `elsewhere`: containers of other engines. */
export function networkTable(
  networkId: string,
  attachments: readonly [containerId: string, attachment: Attachment][],
  elsewhere: readonly RemoteEndpoint[] = [],
): string {
  const lines: string[] = [];
  let suffix = '';
  for (const [containerId, attachment] of attachments) {
    const endpoint = attachment.endpoints.find((candidate) => candidate.networkId === networkId);
    if (!endpoint) continue;
    suffix = endpoint.networkName;
    const names = namesOn(containerId, attachment, networkId);
    lines.push(...linesOf(names, `${attachment.containerName}.${suffix}`, endpoint));
  }
  // Only who is on the network reads its table.
  if (suffix === '') return '';
  lines.push(
    ...elsewhere.flatMap((remote) => linesOf(remote.names, `${remote.containerName}.${suffix}`, remote)),
  );
  return lines.map((line) => `${line}\n`).join('');
}

function linesOf(
  names: readonly string[],
  fullName: string,
  { ipv4, ipv6 }: Pick<RemoteEndpoint, 'ipv4' | 'ipv6'>,
): string[] {
  const addresses = [ipv4, ipv6].filter((address) => address !== '');
  return [
    ...names.flatMap((name) => addresses.map((address) => `A ${name} ${address}`)),
    ...addresses.map((address) => `P ${address} ${fullName.toLowerCase()}`),
  ];
}

export function containerTable({ networks, upstreams }: ContainerView): string {
  const lines = networks.flatMap(({ id, name, subnets, links }) => [
    ...(NAME.test(name) ? [`N ${id} ${name.toLowerCase()}`] : [`N ${id} `]),
    ...subnets.map((subnet) => `S ${subnet.replace('/', ' ')}`),
    ...Object.entries(links).map(
      ([alias, target]) => `L ${id} ${alias.toLowerCase()} ${target.toLowerCase()}`,
    ),
  ]);
  const servers = upstreams.map(({ address, onHost }) => `U ${address} ${onHost ? 'h' : 'c'}`);
  return [...lines, ...servers].map((line) => `${line}\n`).join('');
}

export function hasUserDefined({ endpoints }: Pick<Attachment, 'endpoints'>): boolean {
  return endpoints.some(({ networkName }) => !isPredefined(networkName));
}

let rules: Buffer | undefined;

/**
 * In a container's namespace: port 53 of the address is the server's other port, there and back, so that a DNS server
 * in the container can have port 53 of all addresses. Without connection tracking, which would cost all its traffic.
 */
function resolverRules(): Buffer {
  if (rules) return rules;
  const batch = new NftBatch('gantry_dns').addTable().addChain('output', 'raw output');
  for (const protocol of [UDP, TCP]) {
    batch.addRule(
      'output',
      isFamily(IPV4),
      isWithin(IPV4, 'daddr', RESOLVER_BYTES),
      isProtocol(protocol),
      isPort(DNS_PORT),
      setPort(protocol, 'destination', RESOLVER_PORT),
    );
    batch.addRule(
      'output',
      isFamily(IPV4),
      isWithin(IPV4, 'saddr', RESOLVER_BYTES),
      isProtocol(protocol),
      isSourcePort(RESOLVER_PORT),
      setPort(protocol, 'source', DNS_PORT),
    );
  }
  rules = batch.encode();
  return rules;
}
