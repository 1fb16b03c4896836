import type { BuildCache, CacheEntry } from './build-cache.ts';

/** What a step is made of, as far as a user can change it. */
export interface StepInputs {
  /** The instruction as written. */
  source: string;
  /** Digest by path of the files a COPY or ADD takes; undefined: none, or too many to remember. */
  files: Readonly<Record<string, string>> | undefined;
}

const MAX_NAMED = 3;

/** In words, why a step behind `parent` was not found in the cache. */
export function explainMiss(cache: BuildCache, parent: string, { source, files }: StepInputs): string {
  const all = cache.entries().map(([, entry]) => entry);
  const siblings = all.filter((entry) => entry.parent === parent);
  const same = siblings.filter((entry) => entry.source === source).sort(byUse)[0];
  if (same)
    return files && same.files ? changedFiles(same.files, files) : 'arguments, mounts or limits changed';
  const keyword = source.split(/\s/, 1)[0];
  const similar = siblings.filter((entry) => entry.source.split(/\s/, 1)[0] === keyword).sort(byUse)[0];
  if (similar) return `the instruction changed, it was: ${similar.source}`;
  if (all.some((entry) => entry.source === source)) return 'a step before it changed';
  return 'it was not built before';
}

function byUse(a: CacheEntry, b: CacheEntry): number {
  return a.usedAt < b.usedAt ? 1 : -1;
}

function changedFiles(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string {
  const changed = Object.keys(now).filter((path) => path in before && before[path] !== now[path]);
  const added = Object.keys(now).filter((path) => !(path in before));
  const removed = Object.keys(before).filter((path) => !(path in now));
  const parts = [...named('changed', changed), ...named('added', added), ...named('removed', removed)];
  return parts.length > 0 ? parts.join('; ') : 'owner, mode or destination changed';
}

function named(verb: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const rest = paths.length - MAX_NAMED;
  return [`${verb}: ${paths.slice(0, MAX_NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`];
}
