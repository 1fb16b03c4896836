import { invalidArgument } from '../lib/errors.ts';
import { createdSeconds } from './describe-image.ts';
import type { CatalogImage, ImageCatalog } from './image-catalog.ts';
import { familiarName, formatFamiliar, type Reference } from './reference.ts';

/** The filters of `GET /images/json`; what is empty or undefined does not narrow. */
interface ImageCriteria {
  /** Glob patterns on familiar names, one must match. */
  references: string[];
  /** Only images made before / after this one. */
  before: string | undefined;
  since: string | undefined;
  /** Also images without a name that others were made of. */
  all: boolean;
  dangling: boolean | undefined;
  /** Nanoseconds since the epoch: made before each of these. */
  untils: bigint[];
  matchesLabels: (labels: Readonly<Record<string, string>>) => boolean;
}

/** Images that meet all criteria, newest first. Throws not-found for an unknown `before` or `since`. */
export function selectImages(catalog: ImageCatalog, criteria: ImageCriteria): CatalogImage[] {
  const before = criteria.before === undefined ? Infinity : createdMs(catalog.find(criteria.before));
  const since = criteria.since === undefined ? -Infinity : createdMs(catalog.find(criteria.since));
  const matchesReference = referenceMatcher(criteria.references);
  const matches = (image: CatalogImage): boolean => {
    const references = catalog.referencesOf(image.id);
    const created = createdMs(image);
    return (
      (criteria.all || references.length > 0 || catalog.childrenOf(image.id).length === 0) &&
      (criteria.dangling === undefined || criteria.dangling === isDangling(references)) &&
      (criteria.before === undefined || created < before) &&
      (criteria.since === undefined || created > since) &&
      criteria.untils.every((until) => BigInt(created) * 1_000_000n < until) &&
      criteria.matchesLabels(image.config.config?.Labels ?? {}) &&
      (criteria.references.length === 0 || references.some(matchesReference))
    );
  };
  return catalog
    .all()
    .filter(matches)
    .sort((a, b) => createdSeconds(b) - createdSeconds(a) || a.id.localeCompare(b.id));
}

/** Without a tag; digests alone name nothing that a person would type. */
function isDangling(references: Reference[]): boolean {
  return references.every(({ digest }) => digest !== undefined);
}

function createdMs({ config }: CatalogImage): number {
  return Date.parse(config.created ?? '') || 0;
}

/** Tests references against the patterns of the `reference` filter; without patterns everything matches. */
export function referenceMatcher(globs: string[]): (reference: Reference) => boolean {
  const patterns = globs.map(compileGlob);
  return (reference) => {
    const texts = [formatFamiliar(reference), familiarName(reference.name)];
    return patterns.length === 0 || patterns.some((pattern) => texts.some((text) => pattern.test(text)));
  };
}

/** Go's path.Match: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are sets, `\` quotes. */
export function compileGlob(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = glob.indexOf(']', i + 2);
      if (end < 0) throw invalidArgument(`invalid filter 'reference=[${glob}]': syntax error in pattern`);
      source += `[${glob.slice(i + 1, end).replaceAll(/[\\[&]/g, '\\$&')}]`;
      i = end;
    } else {
      const literal = character === '\\' ? (glob[++i] ?? '\\') : character;
      source += literal.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    }
  }
  return new RegExp(`^${source}$`);
}
