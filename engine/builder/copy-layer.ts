import { invalidArgument } from '../lib/errors.ts';
import { paddingOf, type TarEntry } from '../tar/tar-entry.ts';
import { TAR_END, encodeTarHeader } from '../tar/tar-header.ts';
import { membersOf, type CopySource } from './copy-selection.ts';
import { changeMode, type ModeChange } from './file-mode.ts';
import type { SourceNode, SourceTree } from './source-tree.ts';

export interface Owner {
  uid: number;
  gid: number;
}

/** A directory (at last perhaps something else) that the image has on the way to a destination. */
export interface PathComponent {
  /** Where it truly is, links followed: `/usr/lib`; '' is the root. */
  path: string;
  /** st_mode */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since the epoch, with fraction. */
  modifiedAt: number;
}

/** A destination in an image. */
export interface Destination {
  /** What exists, from the root down. */
  existing: readonly PathComponent[];
  /** What does not, `a/b`; '' when all exists. */
  rest: string;
}

/** A destination in an image that has nothing yet. */
export function fromRoot(path: string): Destination {
  return { existing: [], rest: path.replace(/^\/+/, '') };
}

export interface CopyLayerOptions {
  /** Ends with `/`, or several things go there. */
  asDirectory: boolean;
  /** `--chown`: of what is copied and of directories made for it. */
  owner: Owner | undefined;
  chmod: ModeChange | undefined;
  /** Of directories made on the way, seconds since the epoch. */
  now: number;
  /** SOURCE_DATE_EPOCH: no file is younger. */
  latest: number | undefined;
}

interface Member {
  entry: TarEntry;
  content: { tree: SourceTree; node: SourceNode } | undefined;
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const DEFAULT_OWNER: Owner = { uid: 0, gid: 0 };

/**
 * The layer that a COPY makes, as a tar: what is copied, and the directories on the way with the attributes they have,
 * since in an overlay the upper one's count. Nothing is mounted or extracted for it. Throws invalid-argument.
 */
export class CopyLayer {
  readonly #members = new Map<string, Member>();
  /** Where the files of a tree were put last, by their first path. */
  readonly #placed = new Map<SourceTree, Map<string, string>>();
  readonly #options: CopyLayerOptions;
  readonly #base: string;
  readonly #baseIsDirectory: boolean;
  /** The image has a file there. */
  readonly #baseIsOther: boolean;

  constructor(destination: Destination, options: CopyLayerOptions) {
    this.#options = options;
    const deepest = destination.existing.at(-1);
    const isDirectory = deepest === undefined || (deepest.mode & S_IFMT) === S_IFDIR;
    this.#base = joined(deepest?.path.slice(1) ?? '', destination.rest);
    if (!isDirectory && (destination.rest !== '' || options.asDirectory))
      throw invalidArgument(`cannot copy to non-directory: ${deepest.path}`);
    this.#baseIsOther = !isDirectory;
    this.#baseIsDirectory = options.asDirectory || (isDirectory && destination.rest === '');
    for (const component of destination.existing) {
      if (component.path === '' || (component.mode & S_IFMT) !== S_IFDIR) continue;
      const { uid, gid, modifiedAt } = component;
      this.#set(component.path.slice(1), directoryEntry(component.mode & 0o7777, { uid, gid }, modifiedAt));
    }
  }

  add(source: CopySource): void {
    const { node, name, parent } = source;
    if (node.type === 'directory') {
      if (this.#baseIsOther || (!this.#baseIsDirectory && this.#members.has(this.#base)))
        throw invalidArgument(`cannot copy to non-directory: /${this.#base}`);
      const place = this.#makeParents(source);
      this.#makeDirectory(parentOf(place), DEFAULT_OWNER);
      this.#makeDirectory(place, this.#ownerOf(source));
      for (const member of membersOf(source)) this.#put(joined(place, member.path), source, member.node);
      return;
    }
    const isInside = this.#baseIsDirectory || parent !== '';
    const place = isInside ? joined(this.#makeParents(source), name) : this.#base;
    for (const member of membersOf(source)) {
      this.#makeDirectory(parentOf(place), this.#ownerOf(source));
      this.#put(place, source, member.node);
    }
  }

  /** WORKDIR: only the directory itself. */
  addDirectory(): void {
    this.#makeDirectory(this.#base, DEFAULT_OWNER);
  }

  async *tar(): AsyncGenerator<Uint8Array> {
    let pending: Uint8Array[] = [];
    for (const { entry, content } of this.#members.values()) {
      pending.push(encodeTarHeader(entry));
      if (content) {
        for await (const chunk of content.tree.content(content.node)) pending.push(chunk);
        pending.push(Buffer.alloc(paddingOf(entry.size)));
      }
      if (pending.length < BATCH) continue;
      yield Buffer.concat(pending);
      pending = [];
    }
    yield Buffer.concat([...pending, TAR_END]);
  }

  /** With `--parents`, directories on the way get what they are in the source. Answers where they end. */
  #makeParents(source: CopySource): string {
    const { tree, node, parent } = source;
    if (parent === '') return this.#base;
    const sourceDirectory = node.type === 'directory' ? node.path : parentOf(node.path);
    const origins = sourceDirectory.split('/');
    const names = parent.split('/');
    this.#makeDirectory(this.#base, this.#ownerOf(source));
    let place = this.#base;
    for (const [index, name] of names.entries()) {
      place = joined(place, name);
      const origin = tree.find(origins.slice(0, origins.length - names.length + index + 1).join('/'));
      if (origin?.type === 'directory') this.#put(place, source, origin);
      else this.#makeDirectory(place, this.#ownerOf(source));
    }
    return place;
  }

  /** Of directories made for a source. */
  #ownerOf({ ownership }: CopySource): Owner {
    return (ownership === 'archived' ? undefined : this.#options.owner) ?? DEFAULT_OWNER;
  }

  #makeDirectory(path: string, owner: Owner): void {
    if (path === '' || this.#members.has(path)) return;
    this.#makeDirectory(parentOf(path), owner);
    const { now, latest } = this.#options;
    this.#set(path, directoryEntry(0o755, owner, Math.min(now, latest ?? now)));
  }

  #put(path: string, source: CopySource, node: SourceNode): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    // In a layer such a name means a deletion, OCI image-spec "Whiteouts".
    if (name.startsWith('.wh.'))
      throw invalidArgument(`cannot copy ${node.path}: names that begin with .wh. are reserved`);
    const { chmod, latest } = this.#options;
    const isDirectory = node.type === 'directory';
    const first = this.#firstOf(path, source, node);
    const entry: TarEntry = {
      ...node,
      type: first === undefined ? node.type : 'link',
      link: first ?? node.link,
      size: first === undefined ? node.size : 0,
      name: path,
      mode: chmod && node.type !== 'symlink' ? changeMode(chmod, node.mode, isDirectory) : node.mode,
      ...this.#memberOwner(source, node),
      modifiedAt: Math.min(node.modifiedAt, latest ?? node.modifiedAt),
    };
    const hasContent = node.type === 'file' && first === undefined;
    this.#set(path, entry, hasContent ? { tree: source.tree, node } : undefined);
  }

  #memberOwner({ ownership }: CopySource, { uid, gid }: SourceNode): Owner {
    const { owner } = this.#options;
    if (ownership === 'archived') return { uid, gid };
    return owner ?? (ownership === 'kept' ? { uid, gid } : DEFAULT_OWNER);
  }

  /** Where a hard-linked file was put already, by this source; undefined: it is to be written. */
  #firstOf(path: string, { tree }: CopySource, node: SourceNode): string | undefined {
    if (node.type !== 'file') return undefined;
    const identity = node.linkOf ?? node.path;
    const placed = this.#placed.get(tree) ?? new Map<string, string>();
    this.#placed.set(tree, placed);
    const first = placed.get(identity);
    if (first !== undefined && node.linkOf !== undefined && this.#members.get(first)?.content) return first;
    placed.set(identity, path);
    return undefined;
  }

  /** In the order of the first mention, so that parents come first; the last content wins. */
  #set(path: string, entry: TarEntry, content?: Member['content']): void {
    this.#members.set(path, {
      entry: { ...entry, name: entry.type === 'directory' ? `${path}/` : path },
      content,
    });
  }
}

/** Members that are written together. */
const BATCH = 256;

function directoryEntry(mode: number, { uid, gid }: Owner, modifiedAt: number): TarEntry {
  const none = { size: 0, link: '', major: 0, minor: 0, xattrs: new Map<string, Buffer>() };
  return { name: '', type: 'directory', mode, uid, gid, modifiedAt, ...none };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function joined(directory: string, name: string): string {
  if (directory === '') return name;
  return name === '' ? directory : `${directory}/${name}`;
}
