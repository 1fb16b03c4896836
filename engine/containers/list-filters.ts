import type { Image, ImageLookup } from '../images/image-store.ts';
import { invalidArgument } from '../lib/errors.ts';
import { hasLabel } from '../lib/labels.ts';
import { matchesPattern } from '../lib/pattern.ts';
import type { NetworkAttacher } from '../networks/networks.ts';
import type { Container } from './container.ts';
import { networksOf, portSummaries, type PortSummary } from './network-view.ts';
import { isActive, type ContainerStatus } from './record.ts';
import type { ContainerStore } from './store.ts';
import { ZERO_TIME, toEpochMs } from './timestamps.ts';

/** The filters of `GET /containers/json`. `isolation` is of Windows: as in Docker it hides nothing here. */
export const LIST_FILTERS = [
  'ancestor',
  'before',
  'expose',
  'exited',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];

/** What a query's filters look like to this domain. */
export interface FilterValues {
  has(name: string): boolean;
  values(name: string): string[];
}

export interface FilterContext {
  store: ContainerStore;
  images: Pick<ImageLookup, 'get'>;
  resolveNetwork: NetworkAttacher['resolve'];
}

type Predicate = (container: Container) => boolean;

const STATUSES: ContainerStatus[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
];
const HEALTHS = ['starting', 'healthy', 'unhealthy', 'none'];

/** Values of one filter are alternatives, but for labels; filters are united by and. 400 for impossible values. */
export function compileFilters(filters: FilterValues, context: FilterContext): Predicate {
  const predicates: Predicate[] = [];
  const add = (name: string, toPredicate: (value: string) => Predicate): void => {
    if (!filters.has(name)) return;
    const alternatives = filters.values(name).map(toPredicate);
    predicates.push((container) => alternatives.some((matches) => matches(container)));
  };
  add('id', (value) => matchText(value, ({ record }) => [record.id]));
  add('name', (value) => matchText(value, ({ record }) => [record.name, `/${record.name}`]));
  add('status', (value) => {
    if (!STATUSES.includes(value as ContainerStatus)) throw invalidFilter('status', value);
    return ({ record }) => record.state.status === value;
  });
  add('exited', (value) => {
    if (!/^-?\d+$/.test(value)) throw invalidFilter('exited', value);
    return ({ record: { state } }) =>
      !isActive(state.status) && state.startedAt !== ZERO_TIME && state.exitCode === Number(value);
  });
  add('health', (value) => {
    if (!HEALTHS.includes(value)) throw invalidFilter('health', value);
    return ({ record }) => (record.state.health?.Status ?? 'none') === value;
  });
  add('is-task', (value) => {
    if (!['true', 'false', '1', '0'].includes(value)) throw invalidFilter('is-task', value);
    return () => value === 'false' || value === '0';
  });
  add('before', (value) => byCreation(context.store.get(value), (time, other) => time < other));
  add('since', (value) => byCreation(context.store.get(value), (time, other) => time > other));
  add('volume', matchVolume);
  add('network', (value) => matchNetwork(value, context));
  addPorts(predicates, filters);
  add('ancestor', (value) => matchAncestor(value, context.images));
  for (const label of filters.values('label')) predicates.push(matchLabel(label));
  return (container) => predicates.every((matches) => matches(container));
}

/** `key` or `key=value`. */
export function matchLabel(label: string): Predicate {
  return ({ record }) => hasLabel(record.config.Labels ?? {}, label);
}

/** Exactly, or as a regular expression anywhere. */
function matchText(pattern: string, textsOf: (container: Container) => string[]): Predicate {
  const matches = matchesPattern(pattern);
  return (container) => textsOf(container).some(matches);
}

function byCreation(other: Container, compare: (time: number, other: number) => boolean): Predicate {
  return (container) =>
    container !== other && compare(toEpochMs(container.record.createdAt), toEpochMs(other.record.createdAt));
}

function matchVolume(value: string): Predicate {
  return ({ record }) =>
    record.mounts.some(({ name, source, destination }) => [name, source, destination].includes(value));
}

function matchNetwork(value: string, { resolveNetwork }: FilterContext): Predicate {
  return ({ record }) =>
    Object.entries(networksOf(record, resolveNetwork)).some(
      ([name, { NetworkID = '' }]) => name === value || (value.length > 0 && NetworkID.startsWith(value)),
    );
}

type PortTest = (port: PortSummary) => boolean;

/** As in Docker: `publish` is a port of the host, `expose` one of the container, either suffices, and both only run. */
function addPorts(predicates: Predicate[], filters: FilterValues): void {
  const tests: PortTest[] = [
    ...filters.values('publish').map((value) => matchPort('publish', value, 'PublicPort')),
    ...filters.values('expose').map((value) => matchPort('expose', value, 'PrivatePort')),
  ];
  if (tests.length === 0) return;
  predicates.push(({ record }) => portSummaries(record).some((port) => tests.some((test) => test(port))));
}

/** `80`, `80/udp`, `8000-8100/tcp`. */
function matchPort(filter: string, value: string, side: 'PublicPort' | 'PrivatePort'): PortTest {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (!match) throw invalidArgument(`error while looking up for ${filter} ${value}: invalid port`);
  const [, first = '', last = first, protocol = 'tcp'] = match;
  return ({ [side]: port = 0, Type }) => Type === protocol && port >= Number(first) && port <= Number(last);
}

/** The image itself, or one made of it here, by build or commit. An unknown image matches nothing, as in Docker. */
function matchAncestor(reference: string, images: Pick<ImageLookup, 'get'>): Predicate {
  const ancestor = tryGet(images, reference);
  if (!ancestor) return () => false;
  return ({ record }) => {
    for (let id = record.imageId; id !== ''; id = tryGet(images, id)?.parent ?? '') {
      if (id === ancestor.id) return true;
    }
    return false;
  };
}

function tryGet(images: Pick<ImageLookup, 'get'>, reference: string): Image | undefined {
  try {
    return images.get(reference);
  } catch {
    return undefined;
  }
}

function invalidFilter(name: string, value: string): Error {
  return invalidArgument(`invalid filter '${name}=${value}'`);
}
