/** "Can A reach B?": `POST /gantry/v1/containers/{id}/reach`, beyond Docker. */

export interface ReachRequest {
  /** The container to reach; absent where only `Host` is known. */
  Container?: string;
  /** A name or an address; default: the name of the container. */
  Host?: string;
  Port?: number;
  /** `tcp` (default) or `udp`. */
  Protocol?: string;
}

/** What a client says in words; each but the first names what fails, and in which hop. */
export type ReachVerdict =
  | 'reachable'
  /** UDP: nobody answered, nobody refused; where the target is known, it listens. */
  | 'listening'
  | 'silent'
  | 'target-stopped'
  | 'no-network'
  | 'isolated'
  | 'name-on-default-bridge'
  | 'name-unknown'
  | 'name-server-fails'
  | 'no-route'
  | 'icc-off'
  | 'internal'
  | 'host-missing'
  | 'dropped'
  | 'loopback-only'
  | 'other-address'
  | 'port-closed'
  | 'refused';

export type ReachHop = 'network' | 'name' | 'route' | 'connection' | 'port';

export interface ReachNetwork {
  Name: string;
  Id: string;
  Internal: boolean;
}

/** `addresses`: none was asked for, the target is one. */
export interface ReachName {
  Asked: string;
  Through: 'address' | 'hosts' | 'dns';
  /** Those of resolv.conf. */
  Servers: string[];
  Addresses: string[];
  /** Of DNS: why there are no addresses. */
  Failure: '' | 'unknown' | 'silent' | 'failed';
}

/** One address tried. `Failure`: the name of an errno, '' for none. */
export interface ReachAttempt {
  Address: string;
  Route: { Interface: string; Gateway: string; Source: string; Failure: string };
  Connection: { Failure: string };
}

export interface ReachReply {
  Source: { Id: string; Name: string; Networks: ReachNetwork[] };
  /** Also found by the address, where no container was named. */
  Target: { Id: string; Name: string; Networks: ReachNetwork[] } | null;
  /** Networks that both are on. */
  Shared: ReachNetwork[];
  Name: ReachName;
  Attempts: ReachAttempt[];
  /** Addresses on which the target listens at the port; null: the target is no running container. */
  Listening: string[] | null;
  Port: number;
  Protocol: 'tcp' | 'udp';
  Verdict: ReachVerdict;
  /** '' when it is reachable. */
  FailingHop: ReachHop | '';
}
