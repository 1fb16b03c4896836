import type { BuildCache, CacheEntry } from './build-cache.ts';

/** What a step is made of, as far as a user can change it. */
export interface StepInputs {
  /** The instruction as written. */
  source: string;
  /** Digest by path of the files a COPY or ADD takes; undefined: none, or too many to remember. */
  files: Readonly<Record<string, string>> | undefined;
}

/** Some paths, and how many there are beside them. */
interface NamedPaths {
  paths: string[];
  more: number;
}

/** Why a step was not found in the cache; whoever shows it finds the words. */
export type MissReason =
  | {
      kind: 'cache-not-asked' | 'arguments-changed' | 'attributes-changed' | 'parent-changed' | 'never-built';
    }
  | { kind: 'files-changed'; changed: NamedPaths; added: NamedPaths; removed: NamedPaths }
  /** `before`: what it was. */
  | { kind: 'instruction-changed'; before: string };

const MAX_NAMED = 3;

/**
 * Why a step behind `parent` was not found in the cache. `current`: the instructions of the Dockerfile, none of which
 * became another one of it.
 */
export function explainMiss(
  cache: BuildCache,
  parent: string,
  { source, files }: StepInputs,
  current: ReadonlySet<string>,
): MissReason {
  const all = cache.entries().map(([, entry]) => entry);
  const siblings = all.filter((entry) => entry.parent === parent);
  const same = siblings.filter((entry) => entry.source === source).sort(byUse)[0];
  if (same) return files && same.files ? changedFiles(same.files, files) : { kind: 'arguments-changed' };
  const keyword = source.split(/\s/, 1)[0];
  const similar = siblings
    .filter((entry) => entry.source.split(/\s/, 1)[0] === keyword && !current.has(entry.source))
    .sort(byUse)[0];
  if (similar) return { kind: 'instruction-changed', before: similar.source };
  return { kind: all.some((entry) => entry.source === source) ? 'parent-changed' : 'never-built' };
}

function byUse(a: CacheEntry, b: CacheEntry): number {
  return a.usedAt < b.usedAt ? 1 : -1;
}

function changedFiles(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): MissReason {
  const changed = Object.keys(now).filter((path) => path in before && before[path] !== now[path]);
  const added = Object.keys(now).filter((path) => !(path in before));
  const removed = Object.keys(before).filter((path) => !(path in now));
  if (changed.length + added.length + removed.length === 0) return { kind: 'attributes-changed' };
  return { kind: 'files-changed', changed: named(changed), added: named(added), removed: named(removed) };
}

function named(paths: readonly string[]): NamedPaths {
  return { paths: paths.slice(0, MAX_NAMED), more: Math.max(0, paths.length - MAX_NAMED) };
}
