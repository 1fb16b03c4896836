import type { EventPublisher } from '../events/events.ts';
import { EngineError, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { ResolverPlan } from '../runtime/plan.ts';
import { allocateEndpoints, releaseEndpoints, takeBackEndpoints } from './endpoint-allocation.ts';
import { checkEndpoint, type EndpointRequest } from './endpoint-request.ts';
import { changeBetween, primaryEndpoint, primaryEndpoints, routed } from './endpoints.ts';
import type { Firewall } from './firewall.ts';
import { legacyLinkRules } from './legacy-links.ts';
import { joinBridges, repairLinks } from './link-repair.ts';
import type { NameService } from './name-service.ts';
import { moveHostNames, writeNetworkFiles } from './network-files.ts';
import type { Network, NetworkRegistry } from './network-registry.ts';
import type {
  Attachment,
  AttachRequest,
  ChangeLinks,
  Endpoint,
  NetworkFiles,
  NetworkFilesRequest,
} from './networks.ts';
import { ANY_ADDRESS, type PortReservation } from './port-reservations.ts';
import {
  allowHairpin,
  externalFailure,
  isInTheWay,
  PublishedPorts,
  release,
  type PortsRequest,
} from './published-ports.ts';
import type { LinkRule, PortRule } from './rules.ts';
import type { Uplink } from './uplink.ts';

interface Attached {
  attachment: Attachment;
  reservations: PortReservation[];
  /** Its ports are wanted in the rules. */
  published: boolean;
  /** As are its links, and those to it. */
  linking: boolean;
}

interface AttachedContainersOptions {
  uplink: Uplink | undefined;
  registry: NetworkRegistry;
  firewall: Firewall;
  events: EventPublisher;
  logger: Logger;
  names: NameService;
  /** Makes the bridge of a network when it is not there. */
  ensureLink: (network: Network) => Promise<void>;
  /** Makes sure that nobody else has or gets the addresses asked for; the result is to be called once they are ours. */
  admit: (wanted: readonly EndpointRequest[]) => Promise<() => void>;
}

/** Who is on which network with which address and ports: from start to exit of a container. */
export class AttachedContainers {
  readonly #options: AttachedContainersOptions;
  readonly #containers = new Map<string, Attached>();
  readonly #ports: PublishedPorts;

  constructor(options: AttachedContainersOptions) {
    this.#options = options;
    this.#ports = new PublishedPorts({
      ...options,
      holderOf: (wanted) =>
        [...this.#containers.values()].find(({ attachment }) =>
          attachment.ports.some((port) => isInTheWay(port, wanted)),
        )?.attachment.containerName,
    });
  }

  get count(): number {
    return this.#containers.size;
  }

  on(networkId: string): [containerId: string, attachment: Attachment][] {
    return this.all().filter(([, { endpoints }]) => endpoints.some((e) => e.networkId === networkId));
  }

  anyOn(networkId: string): boolean {
    return this.on(networkId).length > 0;
  }

  async attach(request: AttachRequest): Promise<Attachment> {
    const { registry, ensureLink } = this.#options;
    const wanted = Object.entries(request.endpoints).map(([name, settings]) =>
      checkEndpoint(registry.resolve(name), settings),
    );
    for (const { network } of wanted) await ensureLink(network);
    // What an earlier start that failed badly still holds.
    await this.detach(request.containerId);
    const { containerName, hostname, hostsFile, resolver } = request;
    const empty: Attachment = { containerName, hostname, resolver, endpoints: [], interfaces: [], ports: [] };
    if (hostsFile !== undefined) empty.hostsFile = hostsFile;
    if (request.linkedTo?.length) empty.linkedTo = request.linkedTo;
    const admitted = await this.#options.admit(wanted);
    let attached: Attached;
    try {
      attached = {
        attachment: allocateEndpoints(registry, empty, wanted),
        reservations: [],
        published: false,
        linking: false,
      };
      // Visible from here on: a network in use cannot be removed while the ports are being bound.
      this.#containers.set(request.containerId, attached);
    } finally {
      admitted();
    }
    try {
      await this.#reserve(attached, request);
    } catch (error) {
      await this.#free(request.containerId, attached);
      throw error;
    }
    this.#options.names.update(request.containerId, [], attached.attachment.endpoints);
    this.#tell('connect', request.containerId, attached.attachment.endpoints);
    return attached.attachment;
  }

  /** One more network for a running container. */
  async connect(request: AttachRequest, nameOrId: string, plug: ChangeLinks): Promise<void> {
    const { registry, ensureLink, names } = this.#options;
    const { containerId } = request;
    const attached = this.#attachedOf(containerId);
    const network = registry.resolve(nameOrId);
    const { id, name } = network.record;
    if (attached.attachment.endpoints.some(({ networkId }) => networkId === id)) {
      throw new EngineError(
        'forbidden',
        `endpoint with name ${request.containerName} already exists in network ${name}`,
      );
    }
    const settings = request.endpoints[name] ?? {};
    const wanted = checkEndpoint(network, settings);
    await ensureLink(network);
    const admitted = await this.#options.admit([wanted]);
    const before = attached.attachment;
    let after: Attachment;
    try {
      after = allocateEndpoints(registry, before, [wanted]);
      attached.attachment = after;
    } finally {
      admitted();
    }
    try {
      names.update(containerId, before.endpoints, after.endpoints);
      await plug(after, { ...changeBetween(before, after), resolver: names.planOf(containerId, after) });
    } catch (error) {
      attached.attachment = before;
      names.update(containerId, after.endpoints, before.endpoints);
      releaseEndpoints(this.#options.registry, after.endpoints.slice(before.endpoints.length));
      throw error;
    }
    try {
      await this.#followPrimary(attached, before, request);
    } catch (error) {
      await this.disconnect(containerId, id, plug);
      throw error;
    }
    this.#tell('connect', containerId, after.endpoints.slice(-1));
    await this.#updateHosts(request, before, after);
  }

  /** One network less for a running container. The address is free once the link is gone. */
  async disconnect(containerId: string, networkId: string, unplug: ChangeLinks): Promise<void> {
    const attached = this.#attachedOf(containerId);
    const before = attached.attachment;
    const index = before.endpoints.findIndex((endpoint) => endpoint.networkId === networkId);
    if (index < 0) return;
    const endpoints = before.endpoints.filter((_, at) => at !== index);
    const interfaces = before.interfaces.filter((_, at) => at !== index);
    const after: Attachment = { ...before, endpoints, interfaces: routed(endpoints, interfaces) };
    const change = changeBetween(before, after);
    after.left = change.removed;
    attached.attachment = after;
    try {
      await unplug(after, change);
    } catch (error) {
      attached.attachment = before;
      throw error;
    }
    this.#options.names.update(containerId, before.endpoints, after.endpoints);
    await this.#followPrimary(attached, before, undefined);
    const gone = before.endpoints.slice(index, index + 1);
    releaseEndpoints(this.#options.registry, gone);
    this.#tell('disconnect', containerId, gone);
    await this.#updateHosts({ domainname: '', hostname: before.hostname }, before, after);
  }

  writeFiles(request: NetworkFilesRequest): NetworkFiles {
    const { registry } = this.#options;
    const network = request.attachment?.endpoints[0]?.networkId ?? registry.resolve('bridge').record.id;
    const hostGateway = registry.get(network)?.record.pools.ipv4?.gateway ?? '';
    return writeNetworkFiles(request, hostGateway);
  }

  resolverOf(containerId: string): ResolverPlan | null {
    const attachment = this.#containers.get(containerId)?.attachment;
    return attachment ? this.#options.names.planOf(containerId, attachment) : null;
  }

  async publish(containerId: string): Promise<void> {
    const attached = this.#containers.get(containerId);
    if (!attached) return;
    attached.linking = true;
    if (this.#hasLinkRules(attached)) await this.#options.firewall.apply();
    if (attached.attachment.ports.length === 0) return;
    attached.published = true;
    try {
      await allowHairpin(attached.attachment);
      await this.#options.firewall.publish(this.#rulesOf(attached.attachment));
    } catch (cause) {
      throw new EngineError('internal', `${externalFailure(attached.attachment)}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  async detach(containerId: string): Promise<void> {
    const attached = this.#containers.get(containerId);
    if (!attached) return;
    await this.#free(containerId, attached);
    this.#tell('disconnect', containerId, attached.attachment.endpoints);
  }

  async restore(containerId: string, attachment: Attachment, plug: ChangeLinks): Promise<void> {
    const { registry, logger } = this.#options;
    // Records of 0.1.0 know one family only.
    const older = { ipv6: '', prefixLength6: 0, gateway6: '', links: {}, gatewayPriority: 0 };
    attachment.endpoints = attachment.endpoints.map((endpoint) => ({ ...older, ...endpoint }));
    attachment.interfaces = attachment.interfaces.map((plan) => ({ ...plan, sysctls: plan.sysctls ?? [] }));
    const attached: Attached = { attachment, reservations: [], published: true, linking: true };
    for (const { networkName, ipv4, ipv6 } of takeBackEndpoints(registry, attachment.endpoints)) {
      logger.warn('address not taken back', { container: containerId, network: networkName, ipv4, ipv6 });
    }
    this.#containers.set(containerId, attached);
    attached.reservations = await this.#ports.takeBack(containerId, attachment.ports, addressOf(attached));
    await repairLinks(this.#options, attachment, plug).catch((error: unknown) => {
      logger.error('links of a container stay broken', { container: containerId, error: messageOf(error) });
    });
  }

  /** After the bridge of a network was made: who was on one that somebody deleted is on this one. */
  async rejoin(networkId: string): Promise<void> {
    for (const [, attachment] of this.on(networkId)) {
      await joinBridges(attachment);
    }
  }

  rename(containerId: string, name: string): void {
    const attached = this.#containers.get(containerId);
    if (!attached) return;
    attached.attachment.containerName = name;
    const { endpoints } = attached.attachment;
    this.#options.names.update(containerId, endpoints, endpoints);
  }

  /** What the rule set says about published ports. */
  portRules(): PortRule[] {
    return [...this.#containers.values()]
      .filter(({ published }) => published)
      .flatMap(({ attachment }) => this.#rulesOf(attachment));
  }

  linkRules(): LinkRule[] {
    const running = [...this.#containers].filter(([, { linking }]) => linking);
    return legacyLinkRules(
      new Map(running.map(([id, { attachment }]) => [id, attachment])),
      this.#options.registry,
    );
  }

  /** Whether links from or to a container open anything. */
  #hasLinkRules({ attachment: { endpoints } }: Attached): boolean {
    const own = new Set(endpoints.map(({ ipv4 }) => ipv4));
    return this.linkRules().some(({ sourceIp, targetIp }) => own.has(sourceIp) || own.has(targetIp));
  }

  /** A port of a family that the container has no address of is not translated. */
  #rulesOf({ endpoints, ports }: Attachment): PortRule[] {
    const { ipv4, ipv6 } = primaryEndpoints(endpoints);
    return ports.flatMap((port) => {
      const hostIp = this.#options.uplink ? ANY_ADDRESS : port.hostIp;
      const containerIp = (hostIp.includes(':') ? ipv6?.ipv6 : ipv4?.ipv4) ?? '';
      return containerIp === '' ? [] : [{ ...port, hostIp, containerIp }];
    });
  }

  /** Lets go of the sockets; rules and links stay for the containers that go on. */
  async close(): Promise<void> {
    // An uplink goes on by itself, as do the containers behind it.
    if (this.#options.uplink) return;
    await release([...this.#containers.values()].flatMap((attached) => attached.reservations));
  }

  all(): [containerId: string, attachment: Attachment][] {
    return [...this.#containers].map(([id, { attachment }]) => [id, attachment]);
  }

  #attachedOf(containerId: string): Attached {
    const attached = this.#containers.get(containerId);
    if (!attached) throw new EngineError('internal', `container ${containerId} is on no network`);
    return attached;
  }

  async #reserve(attached: Attached, request: PortsRequest): Promise<void> {
    const { ports, reservations } = await this.#ports.reserve(
      attached.attachment,
      request,
      addressOf(attached),
    );
    attached.attachment.ports = ports;
    attached.reservations = reservations;
  }

  /** The published ports lead to the endpoints with the default routes, wherever those have gone. */
  async #followPrimary(
    attached: Attached,
    before: Attachment,
    request: PortsRequest | undefined,
  ): Promise<void> {
    const had = primaryEndpoints(before.endpoints);
    const has = primaryEndpoints(attached.attachment.endpoints);
    if (had.ipv4?.endpointId === has.ipv4?.endpointId && had.ipv6?.endpointId === has.ipv6?.endpointId)
      return;
    const leadsOut = primaryEndpoint(attached.attachment) !== undefined;
    if (leadsOut && request && attached.attachment.ports.length === 0) await this.#reserve(attached, request);
    if (attached.attachment.ports.length === 0) return;
    attached.published = leadsOut;
    await allowHairpin(attached.attachment);
    await this.#options.firewall.apply();
    if (leadsOut) return;
    await release(attached.reservations);
    attached.reservations = [];
    attached.attachment.ports = [];
  }

  /**
   * The order matters: first the rules go, then the sockets (else another process could bind the port and never see
   * a packet), then the addresses (else a new container could inherit the old one's ports).
   */
  async #free(containerId: string, attached: Attached): Promise<void> {
    await this.#withdraw(containerId, attached);
    // A name goes before its address can be another's.
    this.#containers.delete(containerId);
    this.#options.names.update(containerId, attached.attachment.endpoints, []);
    releaseEndpoints(this.#options.registry, attached.attachment.endpoints);
  }

  async #withdraw(containerId: string, attached: Attached): Promise<void> {
    const { firewall, logger } = this.#options;
    const rules = attached.published ? this.#rulesOf(attached.attachment) : [];
    const linked = attached.linking && this.#hasLinkRules(attached);
    attached.published = false;
    attached.linking = false;
    if (rules.length > 0 || linked) {
      await Promise.all([firewall.withdraw(rules), linked ? firewall.apply() : undefined]).catch(
        (error: unknown) => {
          logger.error('rules of a stopped container stay', {
            container: containerId,
            error: messageOf(error),
          });
        },
      );
    }
    await release(attached.reservations);
    attached.reservations = [];
  }

  /** The container's own names at its new addresses and no longer at the old ones, and whom it asks for others. */
  async #updateHosts(
    own: Pick<AttachRequest, 'hostname' | 'domainname'>,
    before: Attachment,
    after: Attachment,
  ): Promise<void> {
    const { hostsFile } = after;
    if (hostsFile === undefined) return;
    await moveHostNames(hostsFile, own, before.endpoints, after.endpoints).catch((error: unknown) => {
      this.#options.logger.warn('hosts file not updated', { file: hostsFile, error: messageOf(error) });
    });
    await this.#options.names.refreshResolvConf(after);
  }

  #tell(action: 'connect' | 'disconnect', containerId: string, endpoints: readonly Endpoint[]): void {
    for (const { networkId, networkName } of endpoints) {
      const type = this.#options.registry.get(networkId)?.record.driver ?? 'bridge';
      const attributes = { container: containerId, name: networkName, type };
      this.#options.events.publish({ type: 'network', action, actor: { id: networkId, attributes } });
    }
  }
}

/** Where the host reaches the container, now and after its networks changed. */
function addressOf(attached: Attached): () => string | undefined {
  return () => {
    const endpoint = attached.published ? primaryEndpoint(attached.attachment) : undefined;
    return endpoint?.ipv6 || endpoint?.ipv4 || undefined;
  };
}
