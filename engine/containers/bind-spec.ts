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
  propagation: string;
  noCopy: boolean;
}

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const CONSISTENCIES = ['consistent', 'cached', 'delegated'];

/** Docker's Linux parser; 400 `invalid volume specification: 'x'…`. */
export function parseBind(specification: string): BindSpecification {
  const parts = specification.split(':');
  if (parts.length > 3 || parts.some((part) => part === '')) throw invalidSpecification(specification);
  const [first = '', second, mode = ''] = parts;
  const source = second === undefined ? '' : first;
  const kind = source.startsWith('/') ? 'bind' : 'volume';
  const destination = cleanDestination(second ?? first, specification, kind);
  const options = parseMode(mode, kind);
  return {
    source: kind === 'bind' ? path.posix.resolve(source) : source,
    kind,
    destination,
    mode: mode === '' && kind === 'volume' && source !== '' ? 'z' : mode,
    ...options,
  };
}

/** `container[:ro|rw|…]` of VolumesFrom. */
export function parseVolumesFrom(specification: string): {
  container: string;
  readonly: boolean | undefined;
} {
  const [container = '', mode, ...rest] = specification.split(':');
  if (container === '' || rest.length > 0) {
    throw invalidArgument(`invalid volumes-from specification: '${specification}'`);
  }
  if (mode === undefined) return { container, readonly: undefined };
  return { container, readonly: parseMode(mode, 'volume').readonly };
}

function parseMode(
  mode: string,
  kind: 'bind' | 'volume',
): { readonly: boolean; propagation: string; noCopy: boolean } {
  const result = { readonly: false, propagation: kind === 'bind' ? 'rprivate' : '', noCopy: false };
  const seen = new Set<string>();
  for (const option of mode === '' ? [] : mode.split(',')) {
    const group = groupOf(option, kind);
    if (group === undefined || seen.has(group)) throw invalidArgument(`invalid mode: ${mode}`);
    seen.add(group);
    if (group === 'access') result.readonly = option === 'ro';
    if (group === 'propagation') result.propagation = option;
    if (group === 'copy') result.noCopy = true;
  }
  return result;
}

/** Options of one group exclude each other. */
function groupOf(option: string, kind: 'bind' | 'volume'): string | undefined {
  if (option === 'ro' || option === 'rw') return 'access';
  if (option === 'z' || option === 'Z') return 'label';
  if (option === 'nocopy') return 'copy';
  if (CONSISTENCIES.includes(option)) return 'consistency';
  if (kind === 'bind' && PROPAGATIONS.includes(option)) return 'propagation';
  return undefined;
}

function cleanDestination(destination: string, specification: string, kind: 'bind' | 'volume'): string {
  const fail = (problem: string): Error =>
    invalidArgument(
      `invalid volume specification: '${specification}': invalid mount config for type "${kind}": ${problem}`,
    );
  if (!destination.startsWith('/')) {
    throw fail(`invalid mount path: '${destination}' mount path must be absolute`);
  }
  const clean = path.posix.resolve(destination);
  if (clean === '/') throw fail("invalid specification: destination can't be '/'");
  return clean;
}

function invalidSpecification(specification: string): Error {
  return invalidArgument(`invalid volume specification: '${specification}'`);
}
