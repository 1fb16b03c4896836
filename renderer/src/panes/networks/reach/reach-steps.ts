import type { TFunction } from 'i18next';
import type { ReachHop, ReachReport } from '../../../../../electron/api/types.ts';

export interface ReachStep {
  hop: ReachHop;
  outcome: 'ok' | 'failed' | 'skipped' | 'unknown';
  /** What was found, a line each. */
  facts: string[];
}

/** What the verdict's words need to name. */
export function wordsOf(report: ReachReport) {
  const { source, target, name, port, attempts, listening = [] } = report;
  return {
    source: source.name,
    target: target?.name ?? name.asked,
    asked: name.asked,
    port,
    address: attempts[0]?.address ?? name.addresses[0] ?? name.asked,
    listening: listening.join(', '),
  };
}

/** The way from A to B, each hop with what was found at it. */
export function toSteps(report: ReachReport, t: TFunction): ReachStep[] {
  const { failingHop } = report;
  const facts: Record<ReachHop, string[]> = {
    network: networkFacts(report, t),
    name: nameFacts(report, t),
    route: report.attempts.map((attempt) => routeFact(attempt, t)),
    connection: report.attempts
      .filter(({ routeFailure }) => routeFailure === '')
      .map((attempt) => connectionFact(report, attempt, t)),
    port: portFacts(report, t),
  };
  const hops: ReachHop[] = ['network', 'name', 'route', 'connection', 'port'];
  const failing = failingHop === '' ? hops.length : hops.indexOf(failingHop);
  return hops.map((hop, index) => ({
    hop,
    outcome: outcomeOf(report, hop, index - failing),
    facts: facts[hop],
  }));
}

/** `distance` from the hop that fails. */
function outcomeOf(report: ReachReport, hop: ReachHop, distance: number): ReachStep['outcome'] {
  if (distance === 0) return 'failed';
  if (distance > 0) return 'skipped';
  if (hop === 'network' && report.target === undefined) return 'unknown';
  return hop === 'port' && (report.listening === undefined || report.verdict === 'silent') ? 'unknown' : 'ok';
}

function networkFacts({ shared, source, target }: ReachReport, t: TFunction): string[] {
  const listed = (names: string[]) => names.join(', ') || t('reach.noNetworks');
  if (shared.length > 0) return [t('reach.shared', { networks: listed(shared) })];
  if (!target) return [t('reach.outside', { networks: listed(source.networks) })];
  return [
    t('reach.notShared', {
      source: source.name,
      sourceNetworks: listed(source.networks),
      target: target.name,
      targetNetworks: listed(target.networks),
    }),
  ];
}

function nameFacts({ name }: ReachReport, t: TFunction): string[] {
  const { asked, through, failure } = name;
  const servers = name.servers.join(', ');
  const addresses = name.addresses.join(', ');
  if (through === 'address') return [t('reach.isAddress', { asked })];
  if (through === 'hosts') return [t('reach.byHosts', { asked, addresses })];
  if (through === 'dns' && servers === '') return [t('reach.noServers')];
  if (failure === '') return [t('reach.byDns', { asked, addresses, servers })];
  return [t(`reach.nameFailures.${failure}`, { asked, servers })];
}

function routeFact(attempt: ReachReport['attempts'][number], t: TFunction): string {
  const { address, interfaceName, gateway, routeFailure } = attempt;
  if (routeFailure !== '') return t('reach.routeNone', { address, failure: routeFailure });
  const words = { address, interface: interfaceName, gateway };
  return gateway === '' ? t('reach.routeDirect', words) : t('reach.routeVia', words);
}

function connectionFact(
  { port, verdict }: ReachReport,
  { address, connectionFailure }: ReachReport['attempts'][number],
  t: TFunction,
): string {
  if (connectionFailure === '') return t('reach.connected', { address, port });
  if (connectionFailure === 'ETIMEDOUT' && verdict === 'listening')
    return t('reach.unrefused', { address, port });
  switch (connectionFailure) {
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return t(`reach.failures.${connectionFailure}`, { address, port });
    default:
      return t('reach.failures.other', { address, port, failure: connectionFailure });
  }
}

function portFacts({ listening, target, port, protocol }: ReachReport, t: TFunction): string[] {
  if (!target) return [t('reach.listensUnknown')];
  if (!listening) return [];
  if (listening.length === 0) return [t('reach.listensNot', { protocol: protocol.toUpperCase(), port })];
  return [t('reach.listens', { addresses: listening.join(', ') })];
}
