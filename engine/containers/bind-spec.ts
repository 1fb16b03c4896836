import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';

/** One `-v` specification, `[source:]destination[:mode]`. */
interface BindSpecification {
  /** Absolute host path, volume name, or '' for an anonymous volume. */
  source: string;
  kind: 'bind' | 'volume';
  destination: string;
  mode: string;
  readonly: boolean;
  /** '': not asked for. */
  propagation: string;
  noCopy: boolean;
}

export const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const CONSISTENCIES = ['consistent', 'cached', 'delegated'];

/** Docker's Linux parser; 400 `invalid volume specification: 'x'…`. */
export function parseBind(specification: string): BindSpecification {
  const parts = specification.split(':');
  const [first = '', second, mode = ''] = parts;
  // `/foo:ro` names no target.
  const isModeOnly = parts.length === 2 && optionsOf(second ?? '') !== undefined;
  if (parts.length > 3 || first === '' || isModeOnly) throw invalidSpecification(specification);
  const source = second === undefined ? '' : first;
  const kind = source.startsWith('/') ? 'bind' : 'volume';
  const options = parseMode(mode);
  const fail = (problem: string): Error => invalidSpecification(specification, kind, problem);
  if (kind === 'volume' && options.propagation) throw fail('field BindOptions must not be specified');
  if (kind === 'bind' && options.noCopy) throw fail('field VolumeOptions must not be specified');
  return {
    source: kind === 'bind' ? path.posix.resolve(source) : source,
    kind,
    destination: cleanDestination(second ?? first, fail),
    mode: mode === '' && kind === 'volume' && source !== '' ? 'z' : mode,
    ...options,
  };
}

/** `container[:ro|rw|…]` of VolumesFrom. */
export function parseVolumesFrom(specification: string): {
  container: string;
  readonly: boolean | undefined;
} {
  if (specification === '') throw invalidArgument('volumes-from specification cannot be an empty string');
  const separator = specification.indexOf(':');
  const [container, mode] =
    separator < 0
      ? [specification, '']
      : [specification.slice(0, separator), specification.slice(separator + 1)];
  if (mode === '') return { container, readonly: undefined };
  const options = parseMode(mode);
  // What is taken over keeps the propagation it has, and is filled already.
  if (options.propagation || options.noCopy) throw invalidArgument(`invalid mode: ${mode}`);
  return { container, readonly: options.readonly };
}

type BindOptions = Pick<BindSpecification, 'readonly' | 'propagation' | 'noCopy'>;

function parseMode(mode: string): BindOptions {
  const options = optionsOf(mode);
  if (!options) throw invalidArgument(`invalid mode: ${mode}`);
  return options;
}

/** undefined for what is no mode. */
function optionsOf(mode: string): BindOptions | undefined {
  const result = { readonly: false, propagation: '', noCopy: false };
  const seen = new Set<string>();
  for (const option of mode === '' ? [] : mode.split(',')) {
    const group = groupOf(option);
    if (group === undefined || seen.has(group)) return undefined;
    seen.add(group);
    if (group === 'access') result.readonly = option === 'ro';
    if (group === 'propagation') result.propagation = option;
    if (group === 'copy') result.noCopy = true;
  }
  return result;
}

/** Options of one group exclude each other. */
function groupOf(option: string): string | undefined {
  if (option === 'ro' || option === 'rw') return 'access';
  if (option === 'z' || option === 'Z') return 'label';
  if (option === 'nocopy') return 'copy';
  if (CONSISTENCIES.includes(option)) return 'consistency';
  if (PROPAGATIONS.includes(option)) return 'propagation';
  return undefined;
}

function cleanDestination(destination: string, fail: (problem: string) => Error): string {
  if (destination === '') throw fail('field Target must not be empty');
  const clean = path.posix.resolve('/', destination);
  if (clean === '/') throw fail("invalid specification: destination can't be '/'");
  if (!destination.startsWith('/')) {
    throw fail(`invalid mount path: '${destination}' mount path must be absolute`);
  }
  return clean;
}

function invalidSpecification(specification: string, kind?: string, problem?: string): Error {
  const reason = problem === undefined ? '' : `: invalid mount config for type "${kind}": ${problem}`;
  return invalidArgument(`invalid volume specification: '${specification}'${reason}`);
}
