import { conflict, invalidArgument } from '../../lib/errors.ts';
import { checkFields, INTEGER, TEXT } from '../../lib/field-types.ts';
import type { ReachAttempt, ReachNetwork, ReachReply, ReachRequest } from '../../wire/reach.ts';
import { bridgeOptions } from '../bridge-options.ts';
import type { NetworkView, Networks } from '../create-networks.ts';
import { listeningAddresses } from './listeners.ts';
import { lookUp, type LookupFiles } from './lookup.ts';
import { NetworkVisit } from './network-visit.ts';
import { hopOf, judge } from './verdict.ts';

/** Where a container is, as the containers domain knows it. */
export interface NetworkPlace {
  id: string;
  name: string;
  /** A process in its network namespace; undefined: it does not run. */
  pid: number | undefined;
  /** Whose networks it is on: its own ID, or that of the container whose namespace it shares. */
  ownerId: string;
  onHost: boolean;
  /** Host paths of its hosts and resolv.conf. */
  files: LookupFiles;
}

interface ReachDeps {
  binary: string;
  networks: Pick<Networks, 'list'>;
  /** Throws not-found. */
  placeOf: (idOrName: string) => NetworkPlace;
}

/** Tells whether and why not a container reaches a port: nothing has to be installed in it. */
export interface Reach {
  /** Throws invalid-argument, not-found, conflict where the source does not run. */
  test(source: string, request: ReachRequest | undefined, signal: AbortSignal): Promise<ReachReply>;
}

const CONNECT_TIMEOUT_MS = 2500;
/** Of everything together: names of several servers, several addresses. */
const WHOLE_TIMEOUT_MS = 25_000;
const MOST_ADDRESSES = 4;

interface Asked {
  container: string;
  host: string;
  port: number;
  protocol: 'tcp' | 'udp';
}

export function createReach({ binary, networks, placeOf }: ReachDeps): Reach {
  return {
    async test(sourceName, request, signal) {
      const asked = readRequest(request);
      const source = placeOf(sourceName);
      if (source.pid === undefined) throw conflict(`container ${sourceName} is not running`);
      const named = asked.container === '' ? undefined : placeOf(asked.container);
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(WHOLE_TIMEOUT_MS)]);
      const { pid, onHost } = source;
      const visit = await NetworkVisit.open({ binary, pid, onHost, signal: bounded });
      try {
        return await follow(visit, { source, named, asked, views: networks.list(), placeOf });
      } finally {
        await visit.close();
      }
    },
  };
}

/** SECURITY: what is asked becomes words of the helper's requests: a name without white space, a real port. */
function readRequest(request: ReachRequest | undefined): Asked {
  checkFields('', request ?? {}, { Container: TEXT, Host: TEXT, Port: INTEGER, Protocol: TEXT });
  const { Container = '', Host = '', Port = 0, Protocol = 'tcp' } = request ?? {};
  if (Container === '' && Host === '') throw invalidArgument('neither a container nor a host to reach');
  if (!/^[\w.:-]{0,253}$/.test(Host)) throw invalidArgument(`invalid host: ${JSON.stringify(Host)}`);
  if (Port < 1 || Port > 65535) throw invalidArgument(`invalid port: ${Port}`);
  if (Protocol !== 'tcp' && Protocol !== 'udp')
    throw invalidArgument(`invalid protocol: ${JSON.stringify(Protocol)}`);
  return { container: Container, host: Host, port: Port, protocol: Protocol };
}

interface Journey {
  source: NetworkPlace;
  named: NetworkPlace | undefined;
  asked: Asked;
  views: NetworkView[];
  placeOf: ReachDeps['placeOf'];
}

async function follow(visit: NetworkVisit, journey: Journey): Promise<ReachReply> {
  const { source, named, asked, views } = journey;
  const name = await lookUp(visit, source.files, asked.host || (named?.name ?? ''));
  const target = named ?? holderOf(name.Addresses, journey);
  const targetNetworks = target ? networksOf(target, views) : [];
  const shared = sharedBy(networksOf(source, views), targetNetworks);
  // A name that leads nowhere does not say what the address would: both are told.
  const addresses =
    name.Addresses.length > 0 || !target ? name.Addresses : addressesOf(target, views, shared);
  const attempts: ReachAttempt[] = [];
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    const attempt = await tryAddress(visit, address, asked);
    attempts.push(attempt);
    if (attempt.Connection.Failure === '' && attempt.Route.Failure === '') break;
  }
  const findings = {
    Source: { Id: source.id, Name: source.name, Networks: networksOf(source, views).map(toWire) },
    Target: target ? { Id: target.id, Name: target.name, Networks: targetNetworks.map(toWire) } : null,
    Shared: shared.map(toWire),
    Name: name,
    Attempts: attempts,
    Listening:
      target?.pid === undefined ? null : await listeningAddresses(target.pid, asked.protocol, asked.port),
    Port: asked.port,
    Protocol: asked.protocol,
  };
  const verdict = judge({
    ...findings,
    onHost: source.onHost,
    sameNamespace: target !== undefined && target.ownerId === source.ownerId,
    targetStopped: target !== undefined && target.pid === undefined,
    iccOff: shared.length > 0 && shared.every(isIccOff),
  });
  return { ...findings, Verdict: verdict, FailingHop: hopOf(verdict) };
}

async function tryAddress(
  visit: NetworkVisit,
  address: string,
  { protocol, port }: Asked,
): Promise<ReachAttempt> {
  const route = await visit.ask('route', address);
  if ('failure' in route) {
    const none = { Interface: '', Gateway: '', Source: '', Failure: route.failure };
    return { Address: address, Route: none, Connection: { Failure: route.failure } };
  }
  const [link = '', gateway = '', from = ''] = route.values.map((value) => (value === '-' ? '' : value));
  const connection = await visit.ask('connect', protocol, address, port, CONNECT_TIMEOUT_MS);
  return {
    Address: address,
    Route: { Interface: link, Gateway: gateway, Source: from, Failure: '' },
    Connection: { Failure: 'failure' in connection ? connection.failure : '' },
  };
}

const networksOf = ({ ownerId }: NetworkPlace, views: NetworkView[]): NetworkView[] =>
  views.filter(({ attachments }) => attachments.has(ownerId));

const sharedBy = (one: NetworkView[], other: NetworkView[]): NetworkView[] =>
  one.filter((view) => other.includes(view));

const toWire = ({ record: { name, id, internal } }: NetworkView): ReachNetwork => ({
  Name: name,
  Id: id,
  Internal: internal,
});

const isIccOff = ({ record: { driver, options } }: NetworkView): boolean =>
  driver === 'bridge' && !bridgeOptions(options).icc;

/** On the networks that are shared, or on all where there are none. */
function addressesOf(place: NetworkPlace, views: NetworkView[], shared: NetworkView[]): string[] {
  const on = shared.length > 0 ? shared : networksOf(place, views);
  return on.flatMap(({ record, attachments }) => {
    const endpoint = attachments
      .get(place.ownerId)
      ?.endpoints.find(({ networkId }) => networkId === record.id);
    return [endpoint?.ipv4 ?? '', endpoint?.ipv6 ?? ''].filter((address) => address !== '');
  });
}

/** The container that has one of the addresses. */
function holderOf(addresses: readonly string[], { views, placeOf }: Journey): NetworkPlace | undefined {
  for (const { attachments } of views) {
    for (const [id, { endpoints }] of attachments) {
      if (endpoints.some(({ ipv4, ipv6 }) => addresses.some((one) => one === ipv4 || one === ipv6)))
        return placeOf(id);
    }
  }
  return undefined;
}
