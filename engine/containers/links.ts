import { EngineError, invalidArgument, messageOf } from '../lib/errors.ts';
import type { Attachment, HostLine, LinkTarget } from '../networks/networks.ts';
import type { Container } from './container.ts';
import { save, type ContainersContext } from './context.ts';
import { joinTarget, networkModeOf } from './modes.ts';
import type { ContainerRecord } from './record.ts';

/** Of the default network, where containers do not find each other by name. */
const DEFAULT_NETWORK = 'bridge';

interface Link {
  target: string;
  alias: string;
}

/** `container:alias`, or `container` for both; inspect shows `/container:/own/alias`, which is taken back. */
function parseLink(text: string): Link {
  const [target = '', alias = target, ...rest] = text.split(':');
  if (target === '' || alias === '' || rest.length > 0)
    throw invalidArgument(`bad format for links: ${text}`);
  return { target: target.replace(/^\//, ''), alias: alias.split('/').at(-1) ?? alias };
}

/** Legacy links, as `--link` on the default network; elsewhere they belong to the endpoint. */
function linksOf({ hostConfig }: ContainerRecord): Link[] {
  const mode = networkModeOf(hostConfig);
  const isDefault = mode.kind === 'network' && ['default', DEFAULT_NETWORK].includes(mode.name);
  return isDefault ? (hostConfig.Links ?? []).map(parseLink) : [];
}

/** As inspect shows them: `/container:/own/alias`, without those to containers that are gone. */
export function linksView({ store }: ContainersContext, record: ContainerRecord): string[] | null {
  const links = linksOf(record).filter(({ target }) => store.has(target));
  if (links.length === 0) return null;
  return links.map(({ target, alias }) => `/${store.get(target).record.name}:/${record.name}/${alias}`);
}

/** The names that links give to containers, `/own/alias`, by the ID of the container that is linked to. */
export function linkNames({ store }: ContainersContext): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { record } of store.list()) {
    if (!record.hostConfig.Links?.length) continue;
    for (const { target, alias } of linksOf(record)) {
      names.set(target, [...(names.get(target) ?? []), `/${record.name}/${alias}`]);
    }
  }
  return names;
}

/** `own/alias` → the container that has the link, and the one behind it; undefined for any other name. */
function findLink({ store }: ContainersContext, name: string): (Link & { owner: Container }) | undefined {
  const [own = '', alias, ...rest] = name.replace(/^\//, '').split('/');
  if (alias === undefined || rest.length > 0 || !store.isNameTaken(own)) return undefined;
  const owner = store.get(own);
  const link = linksOf(owner.record).find((one) => one.alias === alias && store.has(one.target));
  return link && { ...link, owner };
}

/** The container behind a name, which may be that of a link. 404 otherwise. */
export function findByName(context: ContainersContext, name: string): Container {
  const link = name.includes('/') ? findLink(context, name) : undefined;
  return context.store.get(link ? link.target : name);
}

/** `docker rm --link own/alias`: the link goes, both containers stay. */
export async function unlink(context: ContainersContext, name: string): Promise<void> {
  const link = findLink(context, name);
  if (!link) {
    context.store.get(name);
    throw new EngineError('internal', 'Conflict, cannot remove the default link name of the container');
  }
  const { owner, alias } = link;
  await owner.mutex.run(async () => {
    const { hostConfig } = owner.record;
    hostConfig.Links = (hostConfig.Links ?? []).filter((text) => parseLink(text).alias !== alias);
    await save(owner);
  });
}

/**
 * Replaces the names in the links by IDs, which no rename makes untrue. Throws invalid-argument for a link that can
 * never work, as Docker does at create.
 */
export function fixLinks(context: ContainersContext, record: ContainerRecord): void {
  const links = linksOf(record).map(({ target, alias }) => {
    let host = find(context, target);
    for (let next = joinTarget(host.record.hostConfig.NetworkMode); next !== undefined;) {
      host = find(context, next);
      next = joinTarget(host.record.hostConfig.NetworkMode);
    }
    if (host.record.hostConfig.NetworkMode === 'host') {
      throw invalidArgument(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    }
    return `${host.record.id}:${alias}`;
  });
  if (links.length > 0) record.hostConfig.Links = links;
}

function find(context: ContainersContext, name: string): Container {
  try {
    return context.store.get(name);
  } catch (error) {
    // 400, not 404: to clients a 404 of create means that the image is missing.
    throw invalidArgument(`could not get container for ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** What a linked container adds at the start of the one that links to it. */
export interface LinkedContainers {
  hosts: HostLine[];
  environment: string[];
  targets: LinkTarget[];
}

/** Throws when a linked container does not run, or not on the default network. */
export function resolveLinks(context: ContainersContext, record: ContainerRecord): LinkedContainers {
  const hosts: HostLine[] = [];
  const environment: string[] = [];
  const targets: LinkTarget[] = [];
  for (const { target, alias } of linksOf(record)) {
    // A link ends with the container behind it.
    if (!context.store.has(target)) continue;
    const { record: child, shim } = context.store.get(target);
    const name = `/${record.name}/${alias}`;
    if (!shim) {
      throw new EngineError('internal', `Cannot link to a non running container: /${child.name} AS ${name}`);
    }
    const address = defaultAddress(child);
    if (address === '') {
      throw new EngineError(
        'internal',
        `Cannot link to /${child.name}, as it does not belong to the default network`,
      );
    }
    hosts.push({ address, names: namesOf(alias, child) });
    environment.push(...linkEnvironment(name, alias, address, child));
    targets.push({ containerId: child.id, ports: Object.keys(child.config.ExposedPorts ?? {}) });
  }
  return { hosts, environment, targets };
}

function namesOf(alias: string, { config, name }: ContainerRecord): string[] {
  return [...new Set([alias, config.Hostname ?? '', name])].filter((one) => one !== '');
}

function defaultAddress({ attachment }: Pick<ContainerRecord, 'attachment'>): string {
  return attachment?.endpoints.find(({ networkName }) => networkName === DEFAULT_NETWORK)?.ipv4 ?? '';
}

interface LinkPort {
  number: number;
  protocol: string;
}

/** Docker's variables: where each exposed port is, ranges of ports, the name, and the variables of the linked one. */
export function linkEnvironment(
  name: string,
  alias: string,
  address: string,
  { config }: Pick<ContainerRecord, 'config'>,
): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const ports = Object.keys(config.ExposedPorts ?? {})
    .map((key): LinkPort => ({ number: Number.parseInt(key, 10), protocol: key.split('/')[1] ?? 'tcp' }))
    .toSorted(tcpFirst);
  const [first] = ports;
  return [
    ...(first ? [`${prefix}_PORT=${first.protocol}://${address}:${first.number}`] : []),
    ...ports.flatMap((port) => portVariables(prefix, address, port)),
    ...rangesOf(ports).flatMap(([start, end]) => rangeVariables(prefix, address, start, end)),
    `${prefix}_NAME=${name}`,
    ...(config.Env ?? [])
      .filter((entry) => /^(?!HOME=|PATH=)[^=]+=/.test(entry))
      .map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

function tcpFirst(a: LinkPort, b: LinkPort): number {
  if (a.protocol === b.protocol) return a.number - b.number;
  if (a.protocol === 'tcp') return -1;
  return b.protocol === 'tcp' ? 1 : a.protocol.localeCompare(b.protocol);
}

function portPrefix(prefix: string, { number, protocol }: LinkPort): string {
  return `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
}

function portVariables(prefix: string, address: string, port: LinkPort): string[] {
  const head = portPrefix(prefix, port);
  return [
    `${head}=${port.protocol}://${address}:${port.number}`,
    `${head}_ADDR=${address}`,
    `${head}_PORT=${port.number}`,
    `${head}_PROTO=${port.protocol}`,
  ];
}

/** Runs of at least two consecutive ports of one protocol, of sorted ports. */
function rangesOf(ports: readonly LinkPort[]): [LinkPort, LinkPort][] {
  const ranges: [LinkPort, LinkPort][] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last && last[1].protocol === port.protocol && last[1].number + 1 === port.number) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.filter(([start, end]) => start !== end);
}

function rangeVariables(prefix: string, address: string, start: LinkPort, end: LinkPort): string[] {
  const head = portPrefix(prefix, start);
  return [
    `${head}_START=${start.protocol}://${address}:${start.number}`,
    `${head}_PORT_START=${start.number}`,
    `${head}_END=${end.protocol}://${address}:${end.number}`,
    `${head}_PORT_END=${end.number}`,
  ];
}

/** A container that others link to has started: it may have another address now. */
export async function tellLinking(
  context: ContainersContext,
  record: ContainerRecord,
  attachment: Attachment,
): Promise<void> {
  const address = defaultAddress({ attachment });
  if (address === '') return;
  for (const { record: other, shim } of context.store.list()) {
    if (!shim || !other.attachment || !other.hostConfig.Links?.length) continue;
    const link = linksOf(other).find(({ target }) => target === record.id);
    if (link)
      await context.networks.rewriteLink(other.attachment, { address, names: namesOf(link.alias, record) });
  }
}
