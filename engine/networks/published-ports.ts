import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { primaryEndpoint, primaryEndpoints } from './endpoints.ts';
import { linkOptions } from './bridge-options.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { Attachment, AttachRequest, Endpoint, PublishedPort } from './networks.ts';
import { requestPorts, type PortRequest } from './port-bindings.ts';
import { findPortHolder } from './port-holder.ts';
import {
  ANY_ADDRESS,
  doHostsClash,
  reservePort,
  reserveThrough,
  type PortReservation,
} from './port-reservations.ts';
import { bracketed } from './subnet.ts';
import type { Uplink } from './uplink.ts';

/** What the ports of one container are asked with. */
export type PortsRequest = Pick<AttachRequest, 'exposedPorts' | 'portBindings' | 'publishAllPorts'>;

/** Where the container is reached from the host at this moment. */
type AddressNow = () => string | undefined;

interface PublishedPortsOptions {
  uplink: Uplink | undefined;
  registry: NetworkRegistry;
  logger: Logger;
  /** Name of the container of this engine that has a host port. */
  holderOf: (port: PortRequest) => string | undefined;
}

/** The host's ports that containers have: taken, named in errors, given back. */
export class PublishedPorts {
  readonly #options: PublishedPortsOptions;

  constructor(options: PublishedPortsOptions) {
    this.#options = options;
  }

  /**
   * Takes what is asked for on the network that has the default route; on internal networks alone, nothing is
   * published (as Docker). All or nothing.
   */
  async reserve(
    attachment: Attachment,
    request: PortsRequest,
    addressNow: AddressNow,
  ): Promise<{ ports: PublishedPort[]; reservations: PortReservation[] }> {
    const primary = primaryEndpoint(attachment);
    const network = primary && this.#options.registry.get(primary.networkId);
    const ports: PublishedPort[] = [];
    const reservations: PortReservation[] = [];
    if (!network) return { ports, reservations };
    // The links of the other drivers are on the outer network already: there is nothing to publish, as in Docker.
    if (!network.record.bridge) return { ports, reservations };
    const { hostBindingIp, gateway } = linkOptions(network.record);
    const isRouted = (hostIp: string): boolean =>
      (hostIp.includes(':') ? gateway.ipv6 : gateway.ipv4).mode === 'routed';
    const hostIps = hostBindingIp === '' ? this.#everywhere(attachment) : [hostBindingIp];
    const { portBindings, exposedPorts, publishAllPorts } = request;
    for (const asked of requestPorts(portBindings, exposedPorts, publishAllPorts, hostIps)) {
      const { protocol, containerPort } = asked;
      ports.push(
        ...asked.hostIps.filter(isRouted).map((hostIp) => openPort(protocol, containerPort, hostIp)),
      );
      const port = { ...asked, hostIps: asked.hostIps.filter((hostIp) => !isRouted(hostIp)) };
      if (port.hostIps.length === 0) continue;
      let reservation: PortReservation;
      try {
        reservation = await this.#reserveOne(port, addressNow);
      } catch (error) {
        const failure = await this.#portError(attachment, primary, port, error);
        await release(reservations);
        throw failure;
      }
      reservations.push(reservation);
      const { hostPort } = reservation;
      ports.push(...port.hostIps.map((hostIp) => ({ protocol, containerPort, hostIp, hostPort })));
    }
    return { ports, reservations };
  }

  /** After an engine restart. A port that cannot be taken is logged: the rules lead to the container all the same. */
  async takeBack(
    containerId: string,
    ports: readonly PublishedPort[],
    addressNow: AddressNow,
  ): Promise<PortReservation[]> {
    const reservations: PortReservation[] = [];
    for (const port of ports.filter(({ hostPort }) => hostPort !== 0)) {
      try {
        const { hostPort, hostIp } = port;
        reservations.push(
          await this.#reserveOne({ ...port, hostIps: [hostIp], first: hostPort, last: hostPort }, addressNow),
        );
      } catch (error) {
        this.#options.logger.warn('port not reserved again', {
          container: containerId,
          port: `${port.hostIp}:${port.hostPort}/${port.protocol}`,
          error: messageOf(error),
        });
      }
    }
    return reservations;
  }

  /** Every address of the host: of IPv4 where the container has it, of IPv6 where the host has it, as Docker. */
  #everywhere(attachment: Attachment): string[] {
    const { ipv4 } = primaryEndpoints(attachment.endpoints);
    const hasIpv6 = !this.#options.uplink && existsSync('/proc/net/if_inet6');
    return [...(ipv4 ? ['0.0.0.0'] : []), ...(hasIpv6 ? ['::'] : [])];
  }

  async #reserveOne(port: PortRequest, addressNow: AddressNow): Promise<PortReservation> {
    const { uplink } = this.#options;
    if (uplink) return reserveThrough(uplink, port);
    return reservePort(port, { address: addressNow, port: port.containerPort });
  }

  /** Docker's texts, and who has the port. */
  async #portError(
    attachment: Attachment,
    endpoint: Endpoint,
    port: PortRequest,
    cause: unknown,
  ): Promise<EngineError> {
    const failure = externalFailure(attachment);
    const hostIp = port.hostIps[0] ?? '';
    const bind = `${bracketed(hostIp)}:${port.first}`;
    const address = bracketed(hostIp.includes(':') ? endpoint.ipv6 : endpoint.ipv4);
    const target = `${bind}:${address}:${port.containerPort}/${port.protocol}`;
    if (errnoOf(cause) !== 'EADDRINUSE') {
      const reason =
        errnoOf(cause) === 'EADDRNOTAVAIL' ? 'cannot assign requested address' : messageOf(cause);
      return new EngineError('internal', `${failure}: failed to bind host port for ${target}: ${reason}`, {
        cause,
      });
    }
    const container = this.#options.holderOf(port);
    if (container !== undefined) {
      return new EngineError(
        'internal',
        `${failure}: Bind for ${bind} failed: port is already allocated by container ${container}`,
        { hint: `stop container ${container} or publish another port`, cause },
      );
    }
    const holder = await findPortHolder(port.protocol, hostIp, port.first);
    const who = holder ? ` (used by ${holder.name}, pid ${holder.pid})` : '';
    return new EngineError(
      'internal',
      `${failure}: failed to bind host port for ${target}: address already in use${who}`,
      { hint: holder ? `end ${holder.name} or publish another port` : 'publish another port', cause },
    );
  }
}

export async function release(reservations: readonly PortReservation[]): Promise<void> {
  await Promise.all(reservations.map((reservation) => reservation.close()));
}

/** Where nothing is translated, the host's address and port do not matter, as in Docker. */
function openPort(protocol: PublishedPort['protocol'], containerPort: number, hostIp: string): PublishedPort {
  return { protocol, containerPort, hostIp: hostIp.includes(':') ? '::' : ANY_ADDRESS, hostPort: 0 };
}

/** Whether a container with this port stands in the way of `wanted`. */
export function isInTheWay(port: PublishedPort, wanted: PortRequest): boolean {
  const isSame = port.protocol === wanted.protocol && port.hostPort === wanted.first;
  return isSame && wanted.hostIps.some((hostIp) => doHostsClash(hostIp, port.hostIp));
}

/**
 * Under br_netfilter a container's connection to its own published port is translated while still being bridged, and
 * a bridge sends nothing back out of the port it came in by unless told to.
 */
export async function allowHairpin({ interfaces }: Pick<Attachment, 'interfaces'>): Promise<void> {
  const primary = interfaces.find(({ gateway4, gateway6 }) => gateway4 !== '' || gateway6 !== '');
  if (primary?.kind === 'veth')
    await writeFile(`/sys/class/net/${primary.hostName}/brport/hairpin_mode`, '1');
}

/** The head of Docker's messages about ports. */
export function externalFailure(attachment: Attachment): string {
  const endpointId = primaryEndpoint(attachment)?.endpointId ?? '';
  return `driver failed programming external connectivity on endpoint ${attachment.containerName} (${endpointId})`;
}
