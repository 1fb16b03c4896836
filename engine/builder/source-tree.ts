import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { invalidArgument } from '../lib/errors.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import { TarParser } from '../tar/tar-parser.ts';

/** A file, directory, link or device that COPY, ADD or a bind mount can take. */
export interface SourceNode {
  /** Clean and relative, `/` between names; '' is the root. */
  path: string;
  type: Exclude<TarEntry['type'], 'link'>;
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since the epoch, with fraction. */
  modifiedAt: number;
  /** Target of a symbolic link. */
  link: string;
  /** Of a file, bytes. */
  size: number;
  /** Hex sha256 of a file's content. */
  digest: string;
  xattrs: TarEntry['xattrs'];
  major: number;
  minor: number;
  /** Where a file's content is in the spool. */
  offset: number;
  /** The first path of a file that is hard-linked; undefined: this is the first, or the only one. */
  linkOf: string | undefined;
}

export interface ReadOptions {
  /** Members for which this is true are left out; given clean paths. */
  isIgnored?: (path: string) => boolean;
}

const EMPTY_DIGEST = createHash('sha256').digest('hex');
/** As Linux follows links (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The files of a build context, an image or an unpacked archive, held as an index in memory and one spool file of
 * contents. SECURITY (GHSA-wr4f, 2024-23651/52, 2026-33747): no name of the archive ever becomes a path on the host, so
 * there is nothing to escape from; links are followed within the index.
 */
export class SourceTree {
  readonly #spool: FileHandle;
  readonly #spoolPath: string;
  readonly #nodes = new Map<string, SourceNode>();
  readonly #children = new Map<string, Set<string>>();

  private constructor(spool: FileHandle, spoolPath: string) {
    this.#spool = spool;
    this.#spoolPath = spoolPath;
    this.#nodes.set('', directoryNode(''));
    this.#children.set('', new Set());
  }

  /** Reads an uncompressed tar; contents go to `spoolPath`, a new file. Throws invalid-argument for a damaged one. */
  static async read(
    source: AsyncIterable<Uint8Array>,
    spoolPath: string,
    options: ReadOptions = {},
  ): Promise<SourceTree> {
    const tree = new SourceTree(await open(spoolPath, 'wx+', 0o600), spoolPath);
    try {
      await tree.#fill(source, options);
      return tree;
    } catch (error) {
      await tree.close();
      throw error;
    }
  }

  /** Removes the spool. */
  async close(): Promise<void> {
    await this.#spool.close();
    await rm(this.#spoolPath, { force: true });
  }

  /** Links in the way are followed, inside the tree; the last name only with `follow`. */
  find(path: string, { follow = true } = {}): SourceNode | undefined {
    const left = path.split('/').reverse();
    let at = '';
    for (let links = 0; left.length > 0;) {
      const name = left.pop() ?? '';
      if (name === '' || name === '.') continue;
      if (name === '..') {
        at = parentOf(at);
        continue;
      }
      const next = at === '' ? name : `${at}/${name}`;
      const node = this.#nodes.get(next);
      if (!node) return undefined;
      const isLast = left.every((rest) => rest === '' || rest === '.');
      if (node.type === 'symlink' && (follow || !isLast)) {
        links += 1;
        if (links > MAX_LINKS) return undefined;
        if (node.link.startsWith('/')) at = '';
        left.push(...node.link.split('/').reverse());
        continue;
      }
      if (node.type !== 'directory' && !isLast) return undefined;
      at = next;
    }
    return this.#nodes.get(at);
  }

  /** Names in a directory, in order. */
  namesIn(directory: SourceNode): string[] {
    return [...(this.#children.get(directory.path) ?? [])].sort();
  }

  /** What is in a directory, parents first, in order of the names; links are not followed. */
  *below(directory: SourceNode): Generator<SourceNode> {
    for (const name of this.namesIn(directory)) {
      const node = this.#nodes.get(directory.path === '' ? name : `${directory.path}/${name}`);
      if (!node) continue;
      yield node;
      if (node.type === 'directory') yield* this.below(node);
    }
  }

  async *content(node: SourceNode): AsyncGenerator<Uint8Array> {
    for (let done = 0; done < node.size;) {
      const chunk = Buffer.allocUnsafe(Math.min(1024 * 1024, node.size - done));
      const { bytesRead } = await this.#spool.read(chunk, 0, chunk.length, node.offset + done);
      if (bytesRead === 0) throw new Error(`the spooled content of ${node.path} is cut off`);
      done += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  /** A whole small file, such as the Dockerfile; undefined where there is none. Throws invalid-argument. */
  async readFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
    const node = this.find(path);
    if (node?.type !== 'file') return undefined;
    if (node.size > maxBytes) throw invalidArgument(`${path} is larger than ${maxBytes} bytes`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.content(node)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** What is below something removed goes with it. */
  removeWhere(isUnwanted: (path: string) => boolean): void {
    for (const path of Array.from(this.#nodes.keys())) {
      // A directory stays for what a later pattern took back in.
      const node = this.#nodes.get(path);
      if (node && path !== '' && isUnwanted(path) && node.type !== 'directory') this.remove(path);
    }
    const directories = [...this.#nodes.values()].filter(({ type }) => type === 'directory').reverse();
    for (const { path } of directories.sort((a, b) => b.path.length - a.path.length))
      if (path !== '' && isUnwanted(path) && this.#children.get(path)?.size === 0) this.remove(path);
  }

  remove(path: string): void {
    const node = this.#nodes.get(path);
    if (!node || path === '') return;
    for (const name of this.namesIn(node)) this.remove(`${path}/${name}`);
    this.#nodes.delete(path);
    this.#children.delete(path);
    this.#children.get(parentOf(path))?.delete(path.slice(path.lastIndexOf('/') + 1));
  }

  /** One write a chunk: what the parser hands over of it goes to the spool together. */
  async #fill(source: AsyncIterable<Uint8Array>, options: ReadOptions): Promise<void> {
    const writer = { at: 0, pieces: [] as Uint8Array[] };
    let current: { node: SourceNode; hash: Hash } | undefined;
    const endFile = (): void => {
      if (current) current.node.digest = current.hash.digest('hex');
      current = undefined;
    };
    const parser = new TarParser({
      entry: (entry) => {
        endFile();
        const node = this.#add(entry, options);
        if (node?.type !== 'file' || entry.type !== 'file' || entry.size === 0) return;
        node.offset = writer.at;
        current = { node, hash: createHash('sha256') };
      },
      data(chunk) {
        if (!current) return;
        current.hash.update(chunk);
        writer.pieces.push(chunk);
        writer.at += chunk.length;
      },
    });
    for await (const chunk of source) {
      parser.push(chunk);
      const pieces = writer.pieces.splice(0);
      if (pieces.length > 0) await this.#write(pieces);
    }
    parser.end();
    endFile();
  }

  async #write(pieces: Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { bytesWritten } = await this.#spool.writev(pieces);
    if (bytesWritten !== length) await this.#spool.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
  }

  /** undefined: ignored. */
  #add(entry: TarEntry, { isIgnored }: ReadOptions): SourceNode | undefined {
    const path = cleanMemberName(entry.name);
    if (path !== '' && isIgnored?.(path)) return undefined;
    const node = this.#toNode(entry, path);
    if (path !== '') this.#put(node);
    else if (node.type === 'directory') this.#nodes.set('', node);
    return node;
  }

  #toNode(entry: TarEntry, path: string): SourceNode {
    const { mode, uid, gid, modifiedAt, link, xattrs, major, minor } = entry;
    if (entry.type === 'link') {
      const target = this.#nodes.get(cleanMemberName(link));
      if (!target || target.type === 'directory')
        throw invalidArgument(`invalid tar: ${entry.name} is a hard link to ${link}, which is not there`);
      return { ...target, path, linkOf: target.linkOf ?? target.path };
    }
    const digest = entry.type === 'file' ? EMPTY_DIGEST : '';
    const { type, size } = entry;
    return {
      path,
      type,
      mode,
      uid,
      gid,
      modifiedAt,
      link,
      size,
      digest,
      xattrs,
      major,
      minor,
      offset: 0,
      linkOf: undefined,
    };
  }

  /** Missing parents are made; what stood there before is replaced, a directory keeps its children. */
  #put(node: SourceNode): void {
    const before = this.#nodes.get(node.path);
    if (before && (before.type !== 'directory' || node.type !== 'directory')) this.remove(node.path);
    this.#makeParent(node.path);
    this.#nodes.set(node.path, node);
    if (node.type === 'directory' && !this.#children.has(node.path)) this.#children.set(node.path, new Set());
  }

  #makeParent(path: string): void {
    const parent = parentOf(path);
    const known = this.#nodes.get(parent);
    if (known && known.type !== 'directory')
      throw invalidArgument(`invalid tar: ${path} is below ${parent}, which is no directory`);
    if (!known) this.#put(directoryNode(parent));
    this.#children.get(parent)?.add(path.slice(parent === '' ? 0 : parent.length + 1));
  }
}

function directoryNode(path: string): SourceNode {
  return {
    path,
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    modifiedAt: 0,
    link: '',
    size: 0,
    digest: '',
    xattrs: new Map(),
    major: 0,
    minor: 0,
    offset: 0,
    linkOf: undefined,
  };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** `./a//b/` → `a/b`. Throws invalid-argument for a name that would leave the tree. */
function cleanMemberName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    throw invalidArgument(`invalid tar: the name ${name} leaves the archive`);
  return parts.join('/');
}
