/** Network shapes of the Docker Engine API as they travel on the wire (field names are Docker's). */

import type { EndpointSettings } from './container.ts';

export interface IpamPoolConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  /** The API calls them `AuxiliaryAddresses` in requests and `AuxAddress` in old ones. */
  AuxiliaryAddresses?: Record<string, string> | null;
}

export interface NetworkCreateRequest {
  Name?: string;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network?: string } | null;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM?: {
    Driver?: string;
    Config?: IpamPoolConfig[] | null;
    Options?: Record<string, string> | null;
  } | null;
  Options?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
}

/** Of `POST /networks/{id}/connect` and `…/disconnect`. */
export interface NetworkMembershipRequest {
  Container?: string | null;
  EndpointConfig?: EndpointSettings | null;
}

export interface NetworkContainer {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  IPv4Address: string;
  IPv6Address: string;
}

export interface NetworkInspect {
  Name: string;
  Id: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: { Driver: string; Options: Record<string, string> | null; Config: IpamPoolConfig[] };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers: Record<string, NetworkContainer>;
  Options: Record<string, string>;
  Labels: Record<string, string>;
  /** Driver overlay: the engines that have it. */
  Peers?: { Name: string; IP: string }[];
}

/** `GET /gantry/v1/networks/links`: one for each network of each running container. */
export interface NetworkLink {
  NetworkId: string;
  ContainerId: string;
  /** As the container calls it. */
  Interface: string;
}

/** `GET /gantry/v1/networks/parents`. */
export interface HostInterface {
  Name: string;
  Up: boolean;
  MacAddress: string;
}
