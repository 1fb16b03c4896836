import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineError, conflict, errnoOf, invalidArgument, notFound } from '../lib/errors.ts';
import { parseContainerPath, type ContainerPath } from './container-path.ts';
import { contentError } from './content-error.ts';
import { decompress, type ByteSource } from './decompress.ts';
import type { ContainerRoot, ContainerRoots, RootAccess } from './image-store.ts';
import { NativeError, startNative } from './native-process.ts';
import { fileTypeOf, toPathStat, type FileType, type NativeStat, type PathStat } from './path-stat.ts';

/** One file of a listing: what the app's file browser shows. */
interface FileEntry {
  name: string;
  type: FileType;
  sizeBytes: number;
  mode: number;
  /** ms since the epoch. */
  modifiedAt: number;
  linkTarget: string | undefined;
}

/** `docker diff`: 0 modified, 1 added, 2 deleted. */
interface FileChange {
  Path: string;
  Kind: 0 | 1 | 2;
}

interface PutOptions {
  /** A directory never replaces something else, nor the other way round. */
  keepDirectories: boolean;
  /** Everything gets the container's user as owner. */
  ownedByUser: boolean;
}

/** Files of containers, running or not; every path is resolved inside the container by the native helper. */
export interface Archives {
  stat(container: string, path: string | undefined): Promise<PathStat>;
  /** Writes a tar of the path; `begin` is called once the path is known to exist. */
  get(
    container: string,
    path: string | undefined,
    signal: AbortSignal,
    begin: (stat: PathStat) => Writable,
  ): Promise<void>;
  /** Unpacks a tar, compressed or not, into a directory. */
  put(
    container: string,
    path: string | undefined,
    source: ByteSource,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<void>;
  list(container: string, path: string | undefined): Promise<FileEntry[]>;
  changes(container: string): Promise<FileChange[]>;
  /** The whole root file system without volumes, as `docker export`. */
  export(container: string, signal: AbortSignal, begin: () => Writable): Promise<void>;
}

export function createArchives(options: { binary: string; roots: ContainerRoots }): Archives {
  const { binary, roots } = options;
  const argvOf = (command: string, root: ContainerRoot, { absolute }: ContainerPath, ...rest: string[]) => [
    command,
    ...rootArguments(root),
    absolute,
    ...rest,
  ];
  return {
    async stat(container, text) {
      const place = parseContainerPath(text);
      return roots.useRoot(container, async (root) => {
        const argv = argvOf('archive-stat', root, place, ...followArgument(place));
        const [stat] = await readJsonLines<NativeStat>(binary, argv).catch(pathError(container, place));
        return toPathStat(stat as NativeStat, place);
      });
    },
    async get(container, text, signal, begin) {
      const place = parseContainerPath(text);
      await roots.useRoot(container, async (root, tell) => {
        const argv = argvOf('archive-get', root, place, place.name, ...followArgument(place));
        const sink = (stat: NativeStat): Writable => {
          tell('archive-path');
          return begin(toPathStat(stat, place));
        };
        await streamArchive(binary, argv, signal, sink).catch(pathError(container, place));
      });
    },
    async put(container, text, source, { keepDirectories, ownedByUser }, signal) {
      const place = parseContainerPath(text);
      await roots.useRoot(container, async (root, tell) => {
        const rest = keepDirectories ? ['keep-directories'] : [];
        if (ownedByUser && root.user !== '') rest.push('owner', root.user);
        const argv = argvOf('archive-put', root, place, ...rest);
        await sendArchive(binary, argv, source, signal).catch(putError(container, place));
        tell('extract-to-dir');
      });
    },
    async list(container, text) {
      const place = parseContainerPath(text);
      return roots.useRoot(container, async (root) => {
        const argv = argvOf('archive-list', root, place, '--follow');
        const stats = await readJsonLines<NativeStat & { name: string }>(binary, argv).catch(
          pathError(container, place),
        );
        return stats.map(toFileEntry);
      });
    },
    changes: (container) =>
      roots.useRoot(container, async ({ layers }) => {
        const argv = ['archive-changes', ...layerArguments(layers)];
        const changes = await readJsonLines<{ kind: FileChange['Kind']; path: string }>(binary, argv);
        return changes.map(({ kind, path }) => ({ Path: path, Kind: kind }));
      }),
    export: (container, signal, begin) =>
      roots.useRoot(container, async ({ layers }, tell) => {
        // The layers alone, mounted read-only: what is mounted into a running container stays out.
        const argv = ['archive-get', ...layerArguments(layers), '/', ''];
        await streamArchive(binary, argv, signal, () => {
          tell('export');
          return begin();
        });
      }),
  };
}

function layerArguments({ lower, upper }: ContainerRoot['layers']): string[] {
  return [...lower.flatMap((directory) => ['--lower', directory]), '--upper', upper];
}

function rootArguments({ access, readonlyRootfs }: ContainerRoot): string[] {
  if (access.kind === 'process') return ['--pid', String(access.pid)];
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

/** Maps what the helper says of a path to Docker's answers. */
function pathError(container: string, { absolute, follow }: ContainerPath) {
  return (error: unknown): never => {
    if (error instanceof NativeError) {
      if (error.errno === 'ENOENT') {
        throw notFound(`Could not find the file ${absolute} in container ${container}`, { cause: error });
      }
      // On the way, or at the end of a path that ends in `/`; 500, as in Docker.
      if (error.errno === 'ENOTDIR') {
        const message = `lstat ${absolute}${follow ? '/' : ''}: not a directory`;
        throw new EngineError('internal', message, { cause: error });
      }
      if (error.errno === 'ESRCH') throw conflict(`container ${container} is stopping`, { cause: error });
      if (error.errno === 'ENAMETOOLONG') throw invalidArgument(error.message, { cause: error });
    }
    throw error;
  };
}

function putError(container: string, place: ContainerPath) {
  return (error: unknown): never => {
    if (error instanceof NativeError) {
      if (error.errno === 'EROFS') throw new EngineError('forbidden', error.message, { cause: error });
      if (error.errno === 'ENOTDIR') {
        throw invalidArgument('extraction point is not a directory', { cause: error });
      }
      // No errno: the archive itself is at fault.
      if (error.errno === '' || error.errno === 'EXDEV')
        throw invalidArgument(error.message, { cause: error });
    }
    return pathError(container, place)(error);
  };
}

/** Everything a short command prints, one JSON value a line. */
export async function readJsonLines<T>(binary: string, argv: string[]): Promise<T[]> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await exited;
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** The helper prints one line about the path, then the tar: the reply begins only when there is something to send. */
async function streamArchive(
  binary: string,
  argv: string[],
  signal: AbortSignal,
  begin: (stat: NativeStat) => Writable,
): Promise<void> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  const output = child.stdout;
  if (!output) throw new Error('no pipe to the native helper');
  try {
    const head = await readLine(output);
    if (head === undefined) return await exited;
    const sink = begin(JSON.parse(head) as NativeStat);
    // The sink is ended only after the helper said that all went well: a cut archive must not look complete.
    await pipeline(output, sink, { signal, end: false });
    await exited;
    sink.end();
  } catch (error) {
    throw contentError(error, signal);
  } finally {
    child.kill('SIGKILL');
  }
}

/** The tar alone, for a reader of this process; the line about the path is dropped. */
export async function* streamTar(binary: string, argv: string[]): AsyncGenerator<Uint8Array> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  const output = child.stdout;
  if (!output) throw new Error('no pipe to the native helper');
  try {
    if ((await readLine(output)) !== undefined) yield* output as AsyncIterable<Uint8Array>;
    await exited;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The first line of a stream, which is then at the byte after it; undefined when it ends before. */
async function readLine(stream: Readable): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) return undefined;
      await Promise.race([once(stream, 'readable'), once(stream, 'end'), once(stream, 'close')]);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(0x0a);
    if (end < 0) continue;
    stream.unshift(head.subarray(end + 1));
    return head.toString('utf8', 0, end);
  }
}

/** SECURITY: 2026-41567: decompressed here, before anything enters the container's root. */
async function sendArchive(
  binary: string,
  argv: string[],
  source: ByteSource,
  signal: AbortSignal,
): Promise<void> {
  const { child, exited } = startNative(binary, argv, { stdin: 'pipe', stdout: 'ignore' });
  if (!child.stdin) throw new Error('no pipe to the native helper');
  try {
    await pipeline(Readable.from(decompress(source), { objectMode: false }), child.stdin, { signal });
  } catch (error) {
    // The helper's own words come first, the broken pipe is their consequence.
    const broken = errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ERR_STREAM_PREMATURE_CLOSE';
    const cause: unknown = broken
      ? await exited.then(
          () => error,
          (own: unknown) => own,
        )
      : error;
    child.kill('SIGKILL');
    throw contentError(cause, signal);
  }
  await exited.catch((error: unknown) => {
    throw contentError(error, signal);
  });
}
