import type { ReachHop, ReachReply, ReachVerdict } from '../../wire/reach.ts';
import { isLoopback, takes } from './listeners.ts';

export interface Findings extends Omit<ReachReply, 'Verdict' | 'FailingHop'> {
  /** The source is in the host's network. */
  onHost: boolean;
  /** Source and target have one network namespace. */
  sameNamespace: boolean;
  targetStopped: boolean;
  /** Of the shared networks: containers may not talk to each other. */
  iccOff: boolean;
}

const HOPS: Record<Exclude<ReachVerdict, 'reachable' | 'listening' | 'silent'>, ReachHop> = {
  // A stopped container is on no network.
  'target-stopped': 'network',
  'no-network': 'network',
  isolated: 'network',
  'name-on-default-bridge': 'name',
  'name-unknown': 'name',
  'name-server-fails': 'name',
  'no-route': 'route',
  'icc-off': 'connection',
  internal: 'connection',
  'host-missing': 'connection',
  dropped: 'connection',
  'loopback-only': 'port',
  'other-address': 'port',
  'port-closed': 'port',
  refused: 'port',
};

export function hopOf(verdict: ReachVerdict): ReachHop | '' {
  return verdict === 'reachable' || verdict === 'listening' || verdict === 'silent' ? '' : HOPS[verdict];
}

/** Why the way ends where it ends; the first hop that fails is named. */
export function judge(findings: Findings): ReachVerdict {
  const { Source, Target, Name, Attempts, onHost, sameNamespace, targetStopped } = findings;
  if (targetStopped) return 'target-stopped';
  const joined = onHost || sameNamespace;
  if (Source.Networks.length === 0 && !joined && !isLoopback(Name.Addresses[0] ?? '')) return 'no-network';
  if (Name.Addresses.length === 0) return judgeName(findings, joined);
  if (Attempts.some(({ Connection, Route }) => Route.Failure === '' && Connection.Failure === ''))
    return 'reachable';
  const failures = Attempts.map(({ Route, Connection }) => Route.Failure || Connection.Failure);
  // A refusal came from the target itself: it says more than the silence of another address.
  if (failures.includes('ECONNREFUSED')) return judgeRefusal(findings);
  const apart = Target !== null && !joined && findings.Shared.length === 0;
  if (apart) return 'isolated';
  if (Attempts.every(({ Route }) => Route.Failure !== '')) return 'no-route';
  if (findings.Protocol === 'udp' && failures.includes('ETIMEDOUT')) return judgeSilence(findings);
  return judgeLoss(findings, failures);
}

function judgeName({ Name, Target, Shared }: Findings, joined: boolean): ReachVerdict {
  if (Target && !joined) {
    if (Shared.length === 0) return 'isolated';
    if (Shared.every(({ Name }) => Name === 'bridge')) return 'name-on-default-bridge';
  }
  return Name.Failure === 'unknown' ? 'name-unknown' : 'name-server-fails';
}

function judgeRefusal({ Listening, Attempts }: Findings): ReachVerdict {
  if (Listening === null || Listening.length === 0) return 'port-closed';
  const refused = Attempts.filter(({ Connection }) => Connection.Failure === 'ECONNREFUSED');
  if (refused.some(({ Address }) => Listening.some((bound) => takes(bound, Address)))) return 'refused';
  return Listening.every(isLoopback) ? 'loopback-only' : 'other-address';
}

/** A datagram that nobody answered and nobody refused. */
function judgeSilence(findings: Findings): ReachVerdict {
  const { Listening, Attempts, iccOff } = findings;
  if (Listening === null) return 'silent';
  if (iccOff) return 'icc-off';
  return Attempts.some(({ Address }) => Listening.some((bound) => takes(bound, Address)))
    ? 'listening'
    : judgeLoss(findings, []);
}

function judgeLoss({ Source, Target, iccOff }: Findings, failures: string[]): ReachVerdict {
  if (iccOff) return 'icc-off';
  if (failures.includes('EHOSTUNREACH')) return 'host-missing';
  const enclosed = Source.Networks.length > 0 && Source.Networks.every(({ Internal }) => Internal);
  return Target === null && enclosed ? 'internal' : 'dropped';
}
