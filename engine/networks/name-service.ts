import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { ResolverPlan } from '../runtime/plan.ts';
import { byGatewayPreference, primaryEndpoints } from './endpoints.ts';
import { hasUserDefined, NameTables, namesOn, type Upstream } from './name-tables.ts';
import { isPredefined } from './network-record.ts';
import { FAMILIES } from './network-specification.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { Attachment, Endpoint } from './networks.ts';
import type { RemoteEndpoint } from './overlay/peer-state.ts';
import {
  FALLBACK_NAMESERVERS,
  hostNameservers,
  readHostResolvConf,
  refreshResolvConf,
} from './resolv-conf.ts';

interface NameServiceOptions {
  runRoot: string;
  registry: NetworkRegistry;
  logger: Logger;
  /** Everybody who is attached now. */
  attachments: () => [containerId: string, attachment: Attachment][];
  /** Containers of other engines on a network. */
  elsewhere: (networkId: string) => RemoteEndpoint[];
  /** Somebody here came, went or changed. */
  changed: () => void;
}

/** The host's resolv.conf is written in several steps by some. */
const SETTLE_MS = 200;

/** Keeps in line with who is where what the containers' DNS servers and resolv.conf files say. */
export class NameService {
  readonly #options: NameServiceOptions;
  readonly #tables: NameTables;
  readonly #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NameServiceOptions) {
    this.#options = options;
    this.#tables = new NameTables(options.runRoot);
  }

  /** Null on predefined networks alone: there nobody is found by name, as in Docker. */
  planOf(containerId: string, attachment: Attachment): ResolverPlan | null {
    return hasUserDefined(attachment) ? this.#tables.planOf(containerId) : null;
  }

  /** A container came, went or changed: its own table, and those of the networks it was or is on. */
  update(containerId: string, before: readonly Endpoint[], after: readonly Endpoint[]): void {
    const all = this.#options.attachments();
    const networks = new Set([...before, ...after].filter(isUserDefined).map(({ networkId }) => networkId));
    if (networks.size === 0) return;
    for (const networkId of networks) this.#writeNetwork(networkId, all);
    const attachment = all.find(([id]) => id === containerId)?.[1];
    if (attachment && hasUserDefined(attachment)) this.#writeView(containerId, attachment);
    else this.#tables.remove(containerId);
    // Links of others may mean it by another name than it has.
    for (const [id, other] of all) if (id !== containerId && hasLinks(other)) this.#writeView(id, other);
    this.#options.changed();
  }

  /** Somebody elsewhere came, went or changed. */
  updateNetworks(networkIds: ReadonlySet<string>): void {
    const all = this.#options.attachments();
    for (const networkId of networkIds) {
      const isUsed = all.some(([, { endpoints }]) => endpoints.some((one) => one.networkId === networkId));
      if (isUsed) this.#writeNetwork(networkId, all);
    }
  }

  forgetNetwork(networkId: string): void {
    this.#tables.remove(networkId);
  }

  /** Everything anew, after an engine restart or a change of the host's resolv.conf. */
  async rewrite(): Promise<void> {
    const all = this.#options.attachments();
    const users = all.filter(([, attachment]) => hasUserDefined(attachment));
    const networks = new Set(
      users.flatMap(([, { endpoints }]) => endpoints.filter(isUserDefined).map(({ networkId }) => networkId)),
    );
    this.#tables.clear(new Set([...networks, ...users.map(([id]) => id)]));
    for (const networkId of networks) this.#writeNetwork(networkId, all);
    for (const [id, attachment] of users) this.#writeView(id, attachment);
    for (const [, attachment] of all) await this.refreshResolvConf(attachment);
  }

  /** A file that the container changed is its own from then on. */
  async refreshResolvConf(attachment: Attachment): Promise<void> {
    const { hostsFile, resolver } = attachment;
    if (hostsFile === undefined) return;
    const file = path.join(path.dirname(hostsFile), 'resolv.conf');
    await refreshResolvConf(file, resolver, hasUserDefined(attachment)).catch((error: unknown) => {
      this.#options.logger.warn('resolv.conf not updated', { file, error: messageOf(error) });
    });
  }

  /** The file itself or what a link leads to: both may be replaced at any time. */
  async start(): Promise<void> {
    const file = '/etc/resolv.conf';
    const target = await realpath(file).catch(() => file);
    for (const directory of new Set([path.dirname(file), path.dirname(target)])) {
      try {
        const watcher = watch(directory, { persistent: false }, (_event, name) => {
          if (name === null || name.includes('resolv')) this.#hostChanged();
        });
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch (error) {
        this.#options.logger.warn('changes of resolv.conf are not seen', {
          directory,
          error: messageOf(error),
        });
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #hostChanged(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.rewrite().catch((error: unknown) => {
        this.#options.logger.warn('name tables not updated', { error: messageOf(error) });
      });
    }, SETTLE_MS);
    this.#timer.unref();
  }

  #writeNetwork(networkId: string, all: [containerId: string, attachment: Attachment][]): void {
    this.#tables.writeNetwork(networkId, all, this.#options.elsewhere(networkId));
  }

  #writeView(containerId: string, attachment: Attachment): void {
    const endpoints = attachment.endpoints.filter(isUserDefined).toSorted(byGatewayPreference);
    this.#tables.writeContainer(containerId, {
      networks: endpoints.map(({ networkId, networkName, links }) => ({
        id: networkId,
        name: networkName,
        subnets: this.#subnetsOf(networkId),
        links: this.#resolveLinks(networkId, links),
      })),
      upstreams: upstreamsOf(attachment),
    });
  }

  #subnetsOf(networkId: string): string[] {
    const pools = this.#options.registry.get(networkId)?.record.pools ?? {};
    return FAMILIES.map(({ key }) => pools[key]?.subnet).filter((subnet) => subnet !== undefined);
  }

  /** A link may name its target by ID; the tables know the short one. */
  #resolveLinks(networkId: string, links: Record<string, string>): Record<string, string> {
    const resolved: Record<string, string> = {};
    for (const [alias, target] of Object.entries(links)) {
      const found = this.#options
        .attachments()
        .find(
          ([id, { containerName }]) =>
            containerName === target || (target.length >= 12 && id.startsWith(target)),
        );
      resolved[alias] = (found && namesOn(...found, networkId)[0]) ?? target;
    }
    return resolved;
  }
}

function isUserDefined({ networkName }: Endpoint): boolean {
  return !isPredefined(networkName);
}

function hasLinks({ endpoints }: Attachment): boolean {
  return endpoints.some(({ links }) => Object.keys(links).length > 0);
}

/**
 * Whom the container's DNS server asks: what the container was given, from its own network, or the host's nameservers.
 * Nobody, where the container has no way out: an internal network leaks nothing by names either (2024-29018).
 */
export function upstreamsOf({ endpoints, resolver }: Attachment, host = readHostResolvConf()): Upstream[] {
  const { ipv4, ipv6 } = primaryEndpoints(endpoints);
  if (!ipv4 && !ipv6) return [];
  if (resolver.dns.length > 0) return resolver.dns.map((address) => ({ address, onHost: false }));
  const servers = hostNameservers(host)
    .filter((address) => (address.includes(':') ? ipv6 !== undefined && address !== '::1' : true))
    .map((address) => ({ address, onHost: address.startsWith('127.') }));
  return servers.length > 0 ? servers : FALLBACK_NAMESERVERS.map((address) => ({ address, onHost: false }));
}
