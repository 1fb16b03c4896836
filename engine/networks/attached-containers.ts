import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { EventPublisher } from '../events/events.ts';
import { EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import {
  allocateAddress,
  checkEndpoint,
  type AllocatedAddress,
  type EndpointRequest,
} from './endpoint-request.ts';
import type { Firewall } from './firewall.ts';
import { formatAddress, parseAddress, parseSubnet } from './ipv4.ts';
import { NeighbourFiles } from './neighbour-files.ts';
import { writeNetworkFiles } from './network-files.ts';
import { bridgeOptions } from './network-record.ts';
import type { Network, NetworkRegistry } from './network-registry.ts';
import type {
  Attachment,
  AttachRequest,
  Endpoint,
  NetworkFiles,
  NetworkFilesRequest,
  PublishedPort,
} from './networks.ts';
import { requestPorts, type PortRequest } from './port-bindings.ts';
import { findPortHolder } from './port-holder.ts';
import { ANY_ADDRESS, reservePort, reserveThrough, type PortReservation } from './port-reservations.ts';
import type { PortRule } from './rules.ts';
import type { Uplink } from './uplink.ts';

interface Attached {
  attachment: Attachment;
  reservations: PortReservation[];
  /** Its ports are wanted in the rules. */
  published: boolean;
}

interface AttachedContainersOptions {
  uplink: Uplink | undefined;
  registry: NetworkRegistry;
  firewall: Firewall;
  events: EventPublisher;
  logger: Logger;
  /** Makes the bridge of a network when it is not there. */
  ensureLink: (network: Network) => Promise<void>;
}

/** Who is on which network with which address and ports: from start to exit of a container. */
export class AttachedContainers {
  readonly #options: AttachedContainersOptions;
  readonly #containers = new Map<string, Attached>();
  readonly #neighbours: NeighbourFiles;

  constructor(options: AttachedContainersOptions) {
    this.#options = options;
    this.#neighbours = new NeighbourFiles(options.logger);
  }

  get count(): number {
    return this.#containers.size;
  }

  on(networkId: string): [containerId: string, attachment: Attachment][] {
    return this.#attachments().filter(([, { endpoints }]) =>
      endpoints.some((e) => e.networkId === networkId),
    );
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
    const attached: Attached = {
      attachment: this.#allocate(request, wanted),
      reservations: [],
      published: false,
    };
    // Visible from here on: a network in use cannot be removed while the ports are being bound.
    this.#containers.set(request.containerId, attached);
    try {
      await this.#reserve(attached, request);
    } catch (error) {
      await this.#free(request.containerId, attached);
      throw error;
    }
    this.#tell('connect', request.containerId, attached.attachment);
    await this.updateNeighbours();
    return attached.attachment;
  }

  writeFiles(request: NetworkFilesRequest): NetworkFiles {
    const { registry } = this.#options;
    const network = request.attachment?.endpoints[0]?.networkId ?? registry.resolve('bridge').record.id;
    const hostGateway = registry.get(network)?.record.bridge?.pool.gateway ?? '';
    const neighbours = request.attachment ? this.#neighbours.of(request.attachment, this.#attachments()) : [];
    return writeNetworkFiles(request, hostGateway, neighbours);
  }

  async publish(containerId: string): Promise<void> {
    const attached = this.#containers.get(containerId);
    if (!attached || attached.attachment.ports.length === 0) return;
    attached.published = true;
    try {
      await allowHairpin(attached.attachment);
      await this.#options.firewall.apply();
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
    this.#tell('disconnect', containerId, attached.attachment);
    await this.updateNeighbours();
  }

  async restore(containerId: string, attachment: Attachment): Promise<void> {
    const { registry, logger } = this.#options;
    const attached: Attached = { attachment, reservations: [], published: true };
    for (const { networkId, networkName, ipv4 } of attachment.endpoints) {
      const taken = registry.get(networkId)?.addresses?.take(parseAddress(ipv4) ?? 0);
      if (!taken)
        logger.warn('address not taken back', { container: containerId, network: networkName, ipv4 });
    }
    this.#containers.set(containerId, attached);
    for (const port of attachment.ports) {
      try {
        attached.reservations.push(
          await this.#reservePort({ ...port, first: port.hostPort, last: port.hostPort }),
        );
      } catch (error) {
        logger.warn('port not reserved again', {
          container: containerId,
          port: describe(port),
          error: messageOf(error),
        });
      }
    }
  }

  async rename(containerId: string, name: string): Promise<void> {
    const attached = this.#containers.get(containerId);
    if (!attached) return;
    attached.attachment.containerName = name;
    await this.updateNeighbours();
  }

  /** What the rule set says about published ports. */
  portRules(): PortRule[] {
    return [...this.#containers.values()]
      .filter(({ published }) => published)
      .flatMap(({ attachment }) =>
        attachment.ports.map((port) => ({
          ...port,
          hostIp: this.#options.uplink ? ANY_ADDRESS : port.hostIp,
          containerIp: primaryEndpoint(attachment)?.ipv4 ?? '',
        })),
      )
      .filter(({ containerIp }) => containerIp !== '');
  }

  /** Brings the hosts files of all containers in line with who is there. */
  updateNeighbours(): Promise<void> {
    return this.#neighbours.update(this.#attachments());
  }

  /** Lets go of the sockets; rules and links stay for the containers that go on. */
  async close(): Promise<void> {
    // An uplink goes on by itself, as do the containers behind it.
    if (this.#options.uplink) return;
    const reservations = [...this.#containers.values()].flatMap((attached) => attached.reservations);
    await Promise.all(reservations.map((reservation) => reservation.close()));
  }

  #reservePort(port: PortRequest): Promise<PortReservation> {
    const { uplink } = this.#options;
    return uplink ? reserveThrough(uplink, port) : reservePort(port);
  }

  #attachments(): [string, Attachment][] {
    return [...this.#containers].map(([id, { attachment }]) => [id, attachment]);
  }

  /** Takes all addresses or none. Synchronous, so that no network disappears in between. */
  #allocate(request: AttachRequest, wanted: readonly EndpointRequest[]): Attachment {
    const allocated: AllocatedAddress[] = [];
    try {
      for (const endpoint of wanted) {
        this.#options.registry.resolve(endpoint.network.record.id);
        allocated.push(allocateAddress(endpoint));
      }
    } catch (error) {
      allocated.forEach(({ address }, index) => wanted[index]?.network.addresses?.release(address));
      throw error;
    }
    const endpoints = wanted.map((endpoint, index) => toEndpoint(endpoint, allocated[index]));
    const primary = choosePrimary(wanted);
    return {
      containerName: request.containerName,
      hostname: request.hostname,
      hostsFile: request.hostsFile,
      endpoints,
      interfaces: wanted.map(({ network: { record } }, index) => {
        const endpoint = endpoints[index] as Endpoint;
        return {
          // IFNAMSIZ: at most 15 characters.
          hostName: `gv${endpoint.endpointId.slice(0, 12)}`,
          bridge: record.bridge?.linkName ?? '',
          containerName: `eth${index}`,
          mac: endpoint.mac,
          mtu: bridgeOptions(record.options).mtu,
          addresses: [`${endpoint.ipv4}/${endpoint.prefixLength4}`],
          gateway4: index === primary ? endpoint.gateway4 : '',
          gateway6: '',
        };
      }),
      ports: [],
    };
  }

  /** Published on the network that has the default route; on internal networks alone, nothing is (as Docker). */
  async #reserve({ attachment, reservations }: Attached, request: AttachRequest): Promise<void> {
    const primary = primaryEndpoint(attachment);
    const network = primary && this.#options.registry.get(primary.networkId);
    if (!network) return;
    const { hostBindingIp } = bridgeOptions(network.record.options);
    const { portBindings, exposedPorts, publishAllPorts } = request;
    for (const port of requestPorts(portBindings, exposedPorts, publishAllPorts, hostBindingIp)) {
      let reservation: PortReservation;
      try {
        reservation = await this.#reservePort(port);
      } catch (error) {
        throw await this.#portError(attachment, primary, port, error);
      }
      reservations.push(reservation);
      const { protocol, containerPort, hostIp } = port;
      attachment.ports.push({ protocol, containerPort, hostIp, hostPort: reservation.hostPort });
    }
  }

  /** Docker's texts, and who has the port. */
  async #portError(
    attachment: Attachment,
    endpoint: Endpoint,
    port: PortRequest,
    cause: unknown,
  ): Promise<EngineError> {
    const failure = externalFailure(attachment);
    const bind = `${port.hostIp}:${port.first}`;
    const target = `${bind}:${endpoint.ipv4}:${port.containerPort}/${port.protocol}`;
    if (errnoOf(cause) !== 'EADDRINUSE') {
      const reason =
        errnoOf(cause) === 'EADDRNOTAVAIL' ? 'cannot assign requested address' : messageOf(cause);
      return new EngineError('internal', `${failure}: failed to bind host port for ${target}: ${reason}`, {
        cause,
      });
    }
    const container = this.#holderOf(port);
    if (container !== undefined) {
      return new EngineError(
        'internal',
        `${failure}: Bind for ${bind} failed: port is already allocated by container ${container}`,
        { hint: `stop container ${container} or publish another port`, cause },
      );
    }
    const holder = await findPortHolder(port.protocol, port.hostIp, port.first);
    const who = holder ? ` (used by ${holder.name}, pid ${holder.pid})` : '';
    return new EngineError(
      'internal',
      `${failure}: failed to bind host port for ${target}: address already in use${who}`,
      { hint: holder ? `end ${holder.name} or publish another port` : 'publish another port', cause },
    );
  }

  /** Name of the container of this engine that has the first port asked for. */
  #holderOf(wanted: PortRequest): string | undefined {
    const held = (port: PublishedPort): boolean =>
      port.protocol === wanted.protocol &&
      port.hostPort === wanted.first &&
      [port.hostIp, '0.0.0.0'].includes(wanted.hostIp === '0.0.0.0' ? port.hostIp : wanted.hostIp);
    return [...this.#containers.values()].find(({ attachment }) => attachment.ports.some(held))?.attachment
      .containerName;
  }

  /**
   * The order matters: first the rules go, then the sockets (else another process could bind the port and never see
   * a packet), then the addresses (else a new container could inherit the old one's ports).
   */
  async #free(containerId: string, attached: Attached): Promise<void> {
    const { firewall, registry, logger } = this.#options;
    const hadRules = attached.published && attached.attachment.ports.length > 0;
    attached.published = false;
    if (hadRules) {
      await firewall.apply().catch((error: unknown) => {
        logger.error('rules of a stopped container stay', {
          container: containerId,
          error: messageOf(error),
        });
      });
    }
    await Promise.all(attached.reservations.map((reservation) => reservation.close()));
    for (const { networkId, ipv4 } of attached.attachment.endpoints) {
      registry.get(networkId)?.addresses?.release(parseAddress(ipv4) ?? 0);
    }
    this.#containers.delete(containerId);
  }

  #tell(action: 'connect' | 'disconnect', containerId: string, attachment: Attachment): void {
    for (const { networkId, networkName } of attachment.endpoints) {
      const type = this.#options.registry.get(networkId)?.record.driver ?? 'bridge';
      const attributes = { container: containerId, name: networkName, type };
      this.#options.events.publish({ type: 'network', action, actor: { id: networkId, attributes } });
    }
  }
}

function toEndpoint({ network, aliases }: EndpointRequest, allocated?: AllocatedAddress): Endpoint {
  const { record } = network;
  const pool = record.bridge?.pool;
  return {
    networkId: record.id,
    networkName: record.name,
    endpointId: randomBytes(32).toString('hex'),
    ipv4: formatAddress(allocated?.address ?? 0),
    prefixLength4: parseSubnet(pool?.subnet ?? '')?.prefixLength ?? 0,
    gateway4: record.internal ? '' : (pool?.gateway ?? ''),
    mac: allocated?.mac ?? '',
    aliases,
  };
}

/** Index of the endpoint with the default route: highest GwPriority, then the first that leads out; -1: none. */
function choosePrimary(wanted: readonly EndpointRequest[]): number {
  let primary = -1;
  wanted.forEach(({ network, gatewayPriority }, index) => {
    if (network.record.internal) return;
    if (primary < 0 || gatewayPriority > (wanted[primary]?.gatewayPriority ?? 0)) primary = index;
  });
  return primary;
}

function primaryEndpoint({ interfaces, endpoints }: Attachment): Endpoint | undefined {
  return endpoints[interfaces.findIndex((plan) => plan.gateway4 !== '')];
}

/**
 * Under br_netfilter a container's connection to its own published port is translated while still being bridged, and
 * a bridge sends nothing back out of the port it came in by unless told to.
 */
async function allowHairpin({ interfaces }: Attachment): Promise<void> {
  const primary = interfaces.find((plan) => plan.gateway4 !== '');
  if (primary) await writeFile(`/sys/class/net/${primary.hostName}/brport/hairpin_mode`, '1');
}

function externalFailure(attachment: Attachment): string {
  const endpointId = primaryEndpoint(attachment)?.endpointId ?? '';
  return `driver failed programming external connectivity on endpoint ${attachment.containerName} (${endpointId})`;
}

function describe(port: PublishedPort): string {
  return `${port.hostIp}:${port.hostPort}/${port.protocol}`;
}
