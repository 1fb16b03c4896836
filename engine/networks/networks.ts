import type { EndpointSettings, PortMap } from '../wire/container.ts';
import type { InterfacePlan, NetworkChange, ResolverPlan } from '../runtime/plan.ts';

/** One published port as it really is: the host port is known. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  containerPort: number;
  hostIp: string;
  /** 0: on no port of the host, but open at the container's own address. */
  hostPort: number;
}

/** A container's endpoint on one network: allocated at start, freed at stop (addresses asked for are kept). */
export interface Endpoint {
  networkId: string;
  networkName: string;
  endpointId: string;
  /** '' where the network has none of this family. */
  ipv4: string;
  prefixLength4: number;
  gateway4: string;
  ipv6: string;
  prefixLength6: number;
  gateway6: string;
  mac: string;
  aliases: string[];
  /** Names by which this container alone knows others of the network: alias → name or ID. */
  links: Record<string, string>;
  /** Who has the highest gets the default route. */
  gatewayPriority: number;
}

/** A container that another is linked to in the legacy manner, and the ports that it exposes (`80/tcp`). */
export interface LinkTarget {
  containerId: string;
  ports: string[];
}

export interface AttachRequest {
  containerId: string;
  containerName: string;
  hostname: string;
  domainname: string;
  /** Network name or ID → what the client asked for. */
  endpoints: Record<string, EndpointSettings>;
  resolver: ResolverSettings;
  exposedPorts: string[];
  portBindings: PortMap;
  publishAllPorts: boolean;
  /** May be reached where containers of a network may not talk to each other. */
  linkedTo?: LinkTarget[];
  /** Host path of the container's hosts file; resolv.conf lies beside it. */
  hostsFile?: string;
}

/** HostConfig.Dns, DnsSearch, DnsOptions. */
export interface ResolverSettings {
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
}

/** Plain data: the container's record keeps it whole, `restore` takes it back. */
export interface Attachment {
  /** As in the request: what neighbours on user-defined networks know the container by. */
  containerName: string;
  hostname: string;
  resolver: ResolverSettings;
  hostsFile?: string;
  interfaces: InterfacePlan[];
  linkedTo?: LinkTarget[];
  /** What the last disconnect took away: still there when the engine died before it came to that. */
  left?: NetworkChange['removed'];
  endpoints: Endpoint[];
  ports: PublishedPort[];
}

/**
 * Makes a change of a running container true, on disk and in its namespace: what it has from now on, and how its links
 * get there. Rejects with nothing changed.
 */
export type ChangeLinks = (attachment: Attachment, change: NetworkChange) => Promise<void>;

export interface HostLine {
  address: string;
  names: string[];
}

/** What containers ask of networks. */
export interface NetworkAttacher {
  /** Throws not-found `network X not found`. Returns the canonical name and ID. */
  resolve(nameOrId: string): { id: string; name: string; driver: string };
  /**
   * What can be told before a container starts; the network may be yet to come. Throws invalid-argument, with all that
   * is wrong.
   */
  checkSettings(nameOrId: string, settings: EndpointSettings): void;
  /**
   * Allocates addresses and host ports (bind-tested and kept). Throws
   * `driver failed programming external connectivity … port is already allocated` naming the holder.
   */
  attach(request: AttachRequest): Promise<Attachment>;
  /**
   * Writes `hosts`, `hostname` and `resolv.conf` into the container's directory (in place: they are bind-mounted
   * files, a rename would leave the container with the old inode). Call it between `attach` and the plan.
   */
  writeFiles(request: NetworkFilesRequest): NetworkFiles;
  /** Between `attach` and the plan: the DNS server of a container on a user-defined network. */
  resolverOf(containerId: string): ResolverPlan | null;
  /** A container that a running one links to has this address from now on. */
  rewriteLink(attachment: Attachment, line: HostLine): Promise<void>;
  /** Publishes the ports (nft, one batch). Called when the namespace exists, before PID 1 executes. */
  publish(containerId: string): Promise<void>;
  /**
   * Adds a network to a running container (`request.endpoints` has it) by way of `plug`, and publishes its ports where
   * the default route is. Throws forbidden when it is on the network already.
   */
  connect(request: AttachRequest, network: string, plug: ChangeLinks): Promise<void>;
  /** Takes a network from a running container by way of `unplug`, and frees what it had there. */
  disconnect(containerId: string, networkId: string, unplug: ChangeLinks): Promise<void>;
  /** Frees addresses, ports and rules; never touches links (the kernel drops them with the namespace). */
  detach(containerId: string): Promise<void>;
  /** The neighbours of a running container know it by its new name. */
  rename(containerId: string, name: string): Promise<void>;
  /**
   * After an engine restart: takes back what a still running container has, and plugs in again by way of `plug` what
   * somebody removed meanwhile.
   */
  restore(containerId: string, attachment: Attachment, plug: ChangeLinks): Promise<void>;
}

export interface NetworkFilesRequest extends ResolverSettings {
  /** The container's own directory; must exist. */
  directory: string;
  hostname: string;
  domainname: string;
  /** `host`: the host's own files plus what was asked; `none`: loopback names only. */
  mode: 'bridge' | 'host' | 'none';
  /** What `attach` returned, for mode `bridge`. */
  attachment?: Attachment;
  /** Of legacy links, behind the extra hosts. */
  links: HostLine[];
  /** HostConfig.ExtraHosts, `name:address` or `name:host-gateway`. */
  extraHosts: string[];
}

/** Host paths of a container's network files, to be bind-mounted at /etc/hosts, /etc/resolv.conf, /etc/hostname. */
export interface NetworkFiles {
  hosts: string;
  resolvConf: string;
  hostname: string;
}
