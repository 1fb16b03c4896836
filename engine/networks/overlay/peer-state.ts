import { invalidArgument } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import type { NetworkRecord } from '../network-record.ts';
import { formatAddress, parseAddress } from '../subnet.ts';
import { fromReplica, type Replica } from './replica.ts';

/** A container of another engine on an overlay network. */
export interface RemoteEndpoint {
  networkId: string;
  containerName: string;
  /** Everything that others call it, in lower case. */
  names: string[];
  /** '' where the network has none of this family. */
  ipv4: string;
  ipv6: string;
  mac: string;
}

/** An address of another engine's slots that a container is about to get. */
export interface Claim {
  networkId: string;
  address: string;
}

/** All that an engine tells its peers, always whole: what it no longer says is gone. */
export interface PeerState {
  /** Networks that were made there. */
  networks: Replica[];
  endpoints: RemoteEndpoint[];
  claims: Claim[];
}

export interface LearnedState extends Omit<PeerState, 'networks'> {
  networks: NetworkRecord[];
}

/** SECURITY: addresses and names become arguments of `ip` and lines of name tables. Throws invalid-argument. */
export function checkState(value: unknown): LearnedState {
  const state = isObject(value) ? value : {};
  return {
    networks: list(state['networks']).map(fromReplica),
    endpoints: list(state['endpoints']).map(endpointOf),
    claims: list(state['claims']).map(claimOf),
  };
}

export function claimOf(value: unknown): Claim {
  const { networkId, address } = isObject(value) ? value : {};
  return { networkId: idOf(networkId), address: addressOf(address) };
}

function endpointOf(value: unknown): RemoteEndpoint {
  const { networkId, containerName, names, ipv4, ipv6, mac } = isObject(value) ? value : {};
  if (typeof mac !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) {
    throw invalidArgument('an endpoint without a MAC address');
  }
  return {
    networkId: idOf(networkId),
    containerName: nameOf(containerName),
    names: list(names).map(nameOf),
    ipv4: ipv4 === '' ? '' : addressOf(ipv4),
    ipv6: ipv6 === '' ? '' : addressOf(ipv6),
    mac,
  };
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw invalidArgument('a list is missing');
  return value;
}

export function idOf(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw invalidArgument('an id of a network is missing');
}

function addressOf(value: unknown): string {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (!address) throw invalidArgument('an address is missing');
  return formatAddress(address);
}

function nameOf(value: unknown): string {
  if (typeof value === 'string' && /^[^\s]{1,253}$/.test(value)) return value;
  throw invalidArgument('a name is missing');
}
