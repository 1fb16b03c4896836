import type { Writable } from 'node:stream';
import { EngineError, conflict, invalidArgument, notFound } from '../lib/errors.ts';
import type { FileEntry } from '../wire/files.ts';
import { parseContainerPath, type ContainerPath } from './container-path.ts';
import { decompress, type ByteSource } from './decompress.ts';
import type { FileRoot, FileRoots, RootAccess } from './image-store.ts';
import { readJsonLines, sendBytes, streamArchive } from './native-archive.ts';
import { NativeError } from './native-process.ts';
import { fileTypeOf, toPathStat, type NativeStat, type PathStat } from './path-stat.ts';

interface PutOptions {
  /** A directory never replaces something else, nor the other way round. */
  keepDirectories: boolean;
  /** Everything gets the container's user as owner. */
  ownedByUser: boolean;
}

/** Files below the roots of containers or volumes; every path is resolved inside its root by the native helper. */
export interface FileAccess {
  stat(holder: string, path: string | undefined): Promise<PathStat>;
  /** Writes a tar of the path; `begin` is called once the path is known to exist. */
  get(
    holder: string,
    path: string | undefined,
    signal: AbortSignal,
    begin: (stat: PathStat) => Writable,
  ): Promise<void>;
  /** Unpacks a tar, compressed or not, into a directory. */
  put(
    holder: string,
    path: string | undefined,
    source: ByteSource,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<void>;
  list(holder: string, path: string | undefined): Promise<FileEntry[]>;
  /**
   * The `sizeBytes` of `source` become the content of a file, in one step; a source of another length changes nothing.
   * Owner, mode and attributes stay; a new file belongs to the owner of its directory.
   */
  write(
    holder: string,
    path: string | undefined,
    source: ByteSource,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void>;
  makeDirectory(holder: string, path: string | undefined): Promise<void>;
  /** With everything in it. */
  remove(holder: string, path: string | undefined): Promise<void>;
  /** Replaces nothing: 409 when `to` exists. */
  rename(holder: string, path: string | undefined, to: string | undefined): Promise<void>;
}

interface FileAccessOptions {
  binary: string;
  roots: FileRoots;
  /** What the roots belong to, for messages. */
  holderKind: 'container' | 'volume';
}

export function createFileAccess({ binary, roots, holderKind }: FileAccessOptions): FileAccess {
  const argvOf = (command: string, root: FileRoot, { absolute }: ContainerPath, ...rest: string[]) => [
    command,
    ...rootArguments(root),
    absolute,
    ...rest,
  ];
  const pathError = (holder: string, place: ContainerPath) => toClientError(`${holderKind} ${holder}`, place);
  const edit = (command: string, holder: string, text: string | undefined, ...rest: string[]) => {
    const place = parseContainerPath(text);
    return roots.useRoot(holder, async (root, tell) => {
      await readJsonLines(binary, argvOf(command, root, place, ...rest)).catch(
        editError(pathError(holder, place)),
      );
      tell('extract-to-dir');
    });
  };
  return {
    async stat(holder, text) {
      const place = parseContainerPath(text);
      return roots.useRoot(holder, async (root) => {
        const argv = argvOf('archive-stat', root, place, ...followArgument(place));
        const [stat] = await readJsonLines<NativeStat>(binary, argv).catch(pathError(holder, place));
        return toPathStat(stat as NativeStat, place);
      });
    },
    async get(holder, text, signal, begin) {
      const place = parseContainerPath(text);
      await roots.useRoot(holder, async (root, tell) => {
        const argv = argvOf('archive-get', root, place, place.name, ...followArgument(place));
        const sink = (stat: NativeStat): Writable => {
          tell('archive-path');
          return begin(toPathStat(stat, place));
        };
        await streamArchive(binary, argv, signal, sink).catch(pathError(holder, place));
      });
    },
    async put(holder, text, source, { keepDirectories, ownedByUser }, signal) {
      const place = parseContainerPath(text);
      await roots.useRoot(holder, async (root, tell) => {
        const rest = keepDirectories ? ['keep-directories'] : [];
        if (ownedByUser && root.user !== '') rest.push('owner', root.user);
        const argv = argvOf('archive-put', root, place, ...rest);
        // SECURITY: 2026-41567: decompressed here, before anything enters the container's root.
        await sendBytes(binary, argv, decompress(source), signal).catch(putError(pathError(holder, place)));
        tell('extract-to-dir');
      });
    },
    async list(holder, text) {
      const place = parseContainerPath(text);
      return roots.useRoot(holder, async (root) => {
        const argv = argvOf('archive-list', root, place, '--follow');
        const stats = await readJsonLines<NativeStat & { name: string }>(binary, argv).catch(
          pathError(holder, place),
        );
        return stats.map(toFileEntry);
      });
    },
    async write(holder, text, source, sizeBytes, signal) {
      const place = parseContainerPath(text);
      await roots.useRoot(holder, async (root, tell) => {
        const argv = argvOf('archive-write', root, place, String(sizeBytes));
        await sendBytes(binary, argv, source, signal).catch(editError(pathError(holder, place)));
        tell('extract-to-dir');
      });
    },
    makeDirectory: async (holder, text) => edit('archive-mkdir', holder, text),
    remove: async (holder, text) => edit('archive-remove', holder, text),
    rename: async (holder, text, to) => edit('archive-rename', holder, text, parseContainerPath(to).absolute),
  };
}

export function layerArguments({ lower, upper }: { lower: string[]; upper: string }): string[] {
  return [...lower.flatMap((directory) => ['--lower', directory]), '--upper', upper];
}

function rootArguments({ access, readonlyRootfs }: FileRoot): string[] {
  if (access.kind === 'process') return ['--pid', String(access.pid)];
  if (access.kind === 'directory') return ['--directory', access.path];
  return [
    ...layerArguments(access),
    '--work',
    access.work,
    ...bindArguments(access.binds),
    ...(readonlyRootfs ? ['--read-only'] : []),
  ];
}

/** Parents first: a mount below another one goes on top of it. */
function bindArguments(binds: Extract<RootAccess, { kind: 'stopped' }>['binds']): string[] {
  return binds
    .toSorted((a, b) => a.target.length - b.target.length)
    .flatMap(({ source, target, readonly }) => ['--bind', source, target, readonly ? 'ro' : 'rw']);
}

function followArgument({ follow }: ContainerPath): string[] {
  return follow ? ['--follow'] : [];
}

function toFileEntry(stat: NativeStat & { name: string }): FileEntry {
  return {
    name: stat.name,
    type: fileTypeOf(stat.mode),
    sizeBytes: stat.size,
    mode: stat.mode & 0o7777,
    modifiedAt: stat.seconds * 1000 + Math.floor(stat.nanoseconds / 1e6),
    linkTarget: stat.link,
  };
}

type Rethrow = (error: unknown) => never;

/** Maps what the helper says of a path to Docker's answers. `owner`: `container x`. */
function toClientError(owner: string, { absolute, follow }: ContainerPath): Rethrow {
  return (error) => {
    if (error instanceof NativeError) {
      if (error.errno === 'ENOENT') {
        throw notFound(`Could not find the file ${absolute} in ${owner}`, { cause: error });
      }
      // On the way, or at the end of a path that ends in `/`; 500, as in Docker.
      if (error.errno === 'ENOTDIR') {
        const message = `lstat ${absolute}${follow ? '/' : ''}: not a directory`;
        throw new EngineError('internal', message, { cause: error });
      }
      if (error.errno === 'ESRCH') throw conflict(`${owner} is stopping`, { cause: error });
      if (error.errno === 'ENAMETOOLONG') throw invalidArgument(error.message, { cause: error });
    }
    throw error;
  };
}

function putError(otherwise: Rethrow): Rethrow {
  return (error) => {
    if (error instanceof NativeError) {
      if (error.errno === 'EROFS') throw new EngineError('forbidden', error.message, { cause: error });
      if (error.errno === 'ENOTDIR') {
        throw invalidArgument('extraction point is not a directory', { cause: error });
      }
      // No errno: the archive itself is at fault.
      if (error.errno === '' || error.errno === 'EXDEV')
        throw invalidArgument(error.message, { cause: error });
    }
    return otherwise(error);
  };
}

/** What keeps one file or directory from being changed; EXDEV: a mount is in the way, or a layer of the image. */
const EDIT_CONFLICTS = ['EEXIST', 'EBUSY', 'EXDEV', 'EISDIR', 'ELOOP', 'ENOTEMPTY', 'ETXTBSY', 'EINVAL'];

function editError(otherwise: Rethrow): Rethrow {
  return (error) => {
    if (error instanceof NativeError) {
      if (error.errno === 'EROFS' || error.errno === 'EPERM')
        throw new EngineError('forbidden', error.message, { cause: error });
      if (error.errno === 'ENOTDIR') throw invalidArgument(error.message, { cause: error });
      if (EDIT_CONFLICTS.includes(error.errno)) throw conflict(error.message, { cause: error });
      if (error.errno === 'EMSGSIZE') throw invalidArgument(error.message, { cause: error });
    }
    return otherwise(error);
  };
}
