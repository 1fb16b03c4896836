import { createHash } from 'node:crypto';
import { invalidArgument } from '../lib/errors.ts';
import { compilePattern, type IgnorePatterns } from './ignore-patterns.ts';
import type { SourceNode, SourceTree } from './source-tree.ts';

/**
 * Whose the copies are: from the context, root's unless `--chown` says otherwise; from an image, as they are unless
 * `--chown` says otherwise; from an archive, as they are.
 */
export type Ownership = 'root' | 'kept' | 'archived';

/** One source of COPY or ADD, found in its tree. */
export interface CopySource {
  tree: SourceTree;
  node: SourceNode;
  /** What it is called at the destination. */
  name: string;
  /** With `--parents`: directories to make below the destination, '' for none. */
  parent: string;
  ownership: Ownership;
  /** `--exclude`: of a directory, what is left out, by the path below it. */
  excludes: IgnorePatterns | undefined;
}

/** A file, directory or link of a source, with its path below it ('' for a single file). */
export interface CopyMember {
  node: SourceNode;
  path: string;
}

export function* membersOf({ tree, node, name, excludes }: CopySource): Generator<CopyMember> {
  if (node.type !== 'directory') {
    if (!excludes?.ignores(name)) yield { node, path: '' };
    return;
  }
  for (const below of tree.below(node)) {
    const path = below.path.slice(node.path === '' ? 0 : node.path.length + 1);
    if (!excludes?.ignores(path)) yield { node: below, path };
  }
}

export interface SelectionOptions {
  /** `--parents`: keep the directories of the source's path, those behind `/./` if it has that. */
  parents: boolean;
  /** `root`: it is the context, so that .dockerignore may have left it out. */
  ownership: Ownership;
  excludes?: IgnorePatterns | undefined;
}

/** Finds one source as written, with wildcards, in order of the names. Throws invalid-argument with Docker's texts. */
export function selectSources(tree: SourceTree, text: string, options: SelectionOptions): CopySource[] {
  const [pivot, path] = splitPivot(cleanPath(text), text);
  if (!/[*?[\\]/.test(path)) {
    const node = tree.find(path);
    if (!node) throw missing(path, options);
    return [toSource(tree, node, path, pivot, options)];
  }
  const matched = matchingPaths(tree, path.split('/'));
  return matched.flatMap((found) => {
    // A link that leads out of what was read of an image is copied as a link.
    const node = tree.find(found) ?? tree.find(found, { follow: false });
    return node ? [toSource(tree, node, found, pivot, options)] : [];
  });
}

function toSource(
  tree: SourceTree,
  node: SourceNode,
  path: string,
  pivot: string,
  { parents, ownership, excludes }: SelectionOptions,
): CopySource {
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, Math.max(slash, 0));
  const kept = node.type === 'directory' ? path : directory;
  const below = pivot === '' ? kept : kept.slice(pivot.length + 1);
  return {
    tree,
    node,
    name: path.slice(slash + 1),
    parent: parents ? below : '',
    ownership,
    excludes,
  };
}

/** `a/./b` with `--parents`: only `b` is kept of the path. */
function splitPivot(path: string, text: string): [pivot: string, path: string] {
  const at = text.indexOf('/./');
  return [at < 0 ? '' : cleanPath(text.slice(0, at)), path];
}

/** Matches each name on its own, going into directories only; links in the way are followed. */
function matchingPaths(tree: SourceTree, patterns: readonly string[]): string[] {
  let found = [''];
  for (const pattern of patterns) {
    const expression = compilePattern(pattern.replaceAll('**', '*'));
    found = found.flatMap((path) => {
      const directory = tree.find(path);
      if (directory?.type !== 'directory') return [];
      return tree
        .namesIn(directory)
        .filter((name) => expression.test(name))
        .map((name) => (path === '' ? name : `${path}/${name}`));
    });
  }
  return found;
}

/** `/a/../b/./c/` → `b/c`: a source cannot leave its tree, as in Docker. */
function cleanPath(text: string): string {
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function missing(path: string, { ownership }: SelectionOptions): Error {
  const where = ownership === 'root' ? 'file not found in build context or excluded by .dockerignore: ' : '';
  return invalidArgument(`${where}stat ${path}: file does not exist`);
}

/**
 * What the copied files are, as hex sha256: names, types, permissions, owners that are kept, contents and links, not
 * times, so that a checkout made anew hits the cache.
 */
export function hashSources(sources: readonly CopySource[]): string {
  const hash = createHash('sha256');
  for (const source of sources) {
    const { node, name, parent, ownership } = source;
    hash.update(`${JSON.stringify([parent, node.type === 'directory' ? '' : name])}\n`);
    for (const { node: member, path } of membersOf(source)) {
      const owner = ownership === 'root' ? [] : [member.uid, member.gid];
      const xattrs = [...member.xattrs].map(([key, value]) => `${key}=${value.toString('hex')}`).sort();
      const { type, mode, digest, link, major, minor } = member;
      hash.update(`${JSON.stringify([path, type, mode, digest, link, major, minor, owner, xattrs])}\n`);
    }
  }
  return hash.digest('hex');
}
