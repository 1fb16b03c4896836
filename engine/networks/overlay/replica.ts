import { invalidArgument } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import type { IpamPoolConfig, NetworkCreateRequest } from '../../wire/network.ts';
import type { NetworkRecord, OverlayRecord, PoolRecord } from '../network-record.ts';
import { specify } from '../network-specification.ts';
import { formatAddress, parseAddress } from '../subnet.ts';
import { isVni } from './overlay-options.ts';

/** What other engines are told of a network that was made here. */
export interface Replica {
  id: string;
  createdAt: string;
  overlay: OverlayRecord;
  /** As a client asked for it, with the subnets that were chosen. */
  request: NetworkCreateRequest;
}

export function toReplica(record: NetworkRecord, overlay: OverlayRecord): Replica {
  const { pools } = record;
  return {
    id: record.id,
    createdAt: record.createdAt,
    overlay,
    request: {
      Name: record.name,
      Driver: record.driver,
      Internal: record.internal,
      Attachable: record.attachable,
      EnableIPv4: record.enableIpv4,
      EnableIPv6: record.enableIpv6,
      Labels: record.labels,
      Options: record.options,
      IPAM: {
        Options: record.ipamOptions,
        Config: [pools.ipv4, pools.ipv6].filter((pool) => pool !== undefined).map(toConfig),
      },
    },
  };
}

function toConfig({ subnet, range, gateway, auxiliary }: PoolRecord): IpamPoolConfig {
  return { Subnet: subnet, IPRange: range, Gateway: gateway, AuxiliaryAddresses: auxiliary };
}

/** SECURITY: what a peer says is checked like what a client asks. Throws invalid-argument. */
export function fromReplica(value: unknown): NetworkRecord {
  const replica = isObject(value) ? value : {};
  const { id, createdAt, overlay, request } = replica;
  if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(id)) throw invalidArgument('a network without an id');
  if (typeof createdAt !== 'string' || Number.isNaN(Date.parse(createdAt))) {
    throw invalidArgument(`network ${id} without a date`);
  }
  if (!isObject(request) || request['Driver'] !== 'overlay')
    throw invalidArgument(`network ${id} is no overlay`);
  const { pools, bridgeName: _, parent: __, ...specification } = specify(request);
  return { id, createdAt, ...specification, pools, overlay: overlayOf(overlay, id), bridge: bridgeOf(id) };
}

export function bridgeOf(id: string): { linkName: string } {
  return { linkName: `gb-${id.slice(0, 10)}` };
}

function overlayOf(value: unknown, id: string): OverlayRecord {
  const { vni, home, members } = isObject(value) ? value : {};
  const addresses = Array.isArray(members) ? members.map(canonical) : [];
  const at = canonical(home);
  if (typeof vni !== 'number' || !isVni(vni) || !addresses.includes(at)) {
    throw invalidArgument(`network ${id} has no VXLAN, home or members`);
  }
  return { vni, home: at, members: addresses };
}

function canonical(value: unknown): string {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (!address) throw invalidArgument('a member that is no address');
  return formatAddress(address);
}
