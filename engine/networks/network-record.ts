/** `networks/<id>.json`. */
export interface NetworkRecord {
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null' | 'macvlan' | 'ipvlan' | 'overlay';
  createdAt: string;
  internal: boolean;
  attachable: boolean;
  enableIpv4: boolean;
  enableIpv6: boolean;
  labels: Record<string, string>;
  /** As given, Docker's `com.docker.network.…` keys. */
  options: Record<string, string>;
  /** As given; null: none were. */
  ipamOptions: Record<string, string> | null;
  /** Only a template for networks that name it in `configFrom`. */
  configOnly: boolean;
  /** Name of the template, '' for none. */
  configFrom: string;
  /** Where addresses come from; absent for a family that is off, and for host and null. */
  pools: { ipv4?: PoolRecord; ipv6?: PoolRecord };
  /** Drivers bridge and overlay: the link that containers are plugged into. */
  bridge?: { linkName: string };
  /** Driver overlay only. */
  overlay?: OverlayRecord;
  /** Drivers macvlan and ipvlan only. */
  parent?: ParentRecord;
}

/** Addresses and subnets in text form. */
export interface PoolRecord {
  subnet: string;
  /** Where unasked addresses come from; '' is the whole subnet. */
  range: string;
  gateway: string;
  auxiliary: Record<string, string>;
  /** False: the engine chose the subnet, and may choose again while the network has no link. */
  asked: boolean;
}

/** What the links of a macvlan or ipvlan network are stacked on. */
export interface ParentRecord {
  linkName: string;
  /** MACVLAN_MODE_* or IPVLAN_MODE_*. */
  mode: number;
  /** One container at most (passthru). */
  exclusive: boolean;
  /** The link is ours: a VLAN of a link of the host, or a dummy where no parent was named. */
  made: 'vlan' | 'dummy' | '';
}

/** What all engines of an overlay network agree on: fixed when it is made. */
export interface OverlayRecord {
  /** VXLAN network identifier. */
  vni: number;
  /** Address of the engine that made the network, and alone removes it. */
  home: string;
  /** Addresses of the engines that have it; each hands out the addresses of its own slot (`AddressPool`). */
  members: string[];
}

export const PREDEFINED_NETWORKS = ['bridge', 'host', 'none'] as const;

export function isPredefined(name: string): boolean {
  return (PREDEFINED_NETWORKS as readonly string[]).includes(name);
}

type Since = 'enableIpv4' | 'enableIpv6' | 'ipamOptions' | 'configOnly' | 'configFrom' | 'pools';
type OlderRecord = Omit<NetworkRecord, 'bridge' | Since> &
  Partial<Pick<NetworkRecord, Since>> & {
    bridge?: { linkName: string; pool?: Omit<PoolRecord, 'asked'>; subnetAsked?: boolean };
  };

/** Records of 0.1.0 had one IPv4 pool, inside of `bridge`. */
export function upgradeRecord(record: OlderRecord): NetworkRecord {
  const { bridge, ...rest } = record;
  return {
    enableIpv4: true,
    enableIpv6: false,
    ipamOptions: null,
    configOnly: false,
    configFrom: '',
    pools: bridge?.pool ? { ipv4: { ...bridge.pool, asked: bridge.subnetAsked ?? false } } : {},
    ...rest,
    ...(bridge ? { bridge: { linkName: bridge.linkName } } : {}),
  };
}
