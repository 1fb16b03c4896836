import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { parseIgnoreFile } from '../../engine/builder/ignore-patterns.ts';
import { errnoOf } from '../../engine/lib/errors.ts';
import { paddingOf, type TarEntry } from '../../engine/tar/tar-entry.ts';
import { encodeTarHeader, TAR_END } from '../../engine/tar/tar-header.ts';
import { failure } from './failures.ts';

const IGNORE_FILE = '.dockerignore';

/**
 * A folder as a build context: a tar without what its `.dockerignore` leaves out. Owners are dropped, as docker's CLI
 * does; links are sent as links. SECURITY: read with the rights of the app's user, never followed out of the folder.
 */
export async function* packFolder(folder: string, dockerfile: string): AsyncGenerator<Buffer, void> {
  const main = path.posix.normalize(dockerfile === '' ? 'Dockerfile' : dockerfile);
  const own = `${main}${IGNORE_FILE}`;
  const ignored = parseIgnoreFile(
    (await readText(folder, own)) ?? (await readText(folder, IGNORE_FILE)) ?? '',
  );
  // The engine needs these even where the user does not want them in the image.
  const always = new Set([main, own, IGNORE_FILE]);
  yield* packDirectory(folder, '', (name) => !always.has(name) && ignored.ignores(name));
  yield TAR_END;
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(path.join(folder, name), 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function* packDirectory(
  folder: string,
  directory: string,
  isIgnored: (name: string) => boolean,
): AsyncGenerator<Buffer, void> {
  for (const child of (await readdir(path.join(folder, directory))).sort()) {
    const name = directory === '' ? child : `${directory}/${child}`;
    const stats = await lstat(path.join(folder, name));
    const entry = entryOf(name, stats);
    // An ignored directory can hold something that a later `!` pattern takes back in.
    if (entry?.type === 'directory') {
      if (!isIgnored(name)) yield encodeTarHeader(entry);
      yield* packDirectory(folder, name, isIgnored);
    } else if (entry && !isIgnored(name)) {
      if (entry.type === 'symlink') entry.link = await readlink(path.join(folder, name));
      yield encodeTarHeader(entry);
      if (entry.type === 'file') yield* contentOf(path.join(folder, name), entry.size);
    }
  }
}

type Stats = Awaited<ReturnType<typeof lstat>>;

/** undefined: sockets, pipes and devices are nothing to build from. */
function entryOf(name: string, stats: Stats): TarEntry | undefined {
  const common = { uid: 0, gid: 0, major: 0, minor: 0, link: '', xattrs: new Map<string, Buffer>() };
  const facts = {
    ...common,
    mode: Number(stats.mode) & 0o7777,
    modifiedAt: Math.floor(Number(stats.mtimeMs) / 1000),
  };
  if (stats.isDirectory()) return { ...facts, name: `${name}/`, type: 'directory', size: 0 };
  if (stats.isSymbolicLink()) return { ...facts, name, type: 'symlink', size: 0 };
  if (stats.isFile()) return { ...facts, name, type: 'file', size: Number(stats.size) };
  return undefined;
}

/** Exactly as many bytes as the header says: a file that grows meanwhile is cut off, one that shrinks fails. */
async function* contentOf(file: string, size: number): AsyncGenerator<Buffer, void> {
  if (size === 0) return;
  let sent = 0;
  for await (const chunk of createReadStream(file, { end: size - 1 }) as AsyncIterable<Buffer>) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent < size) throw failure('CONFLICT', `${file} changed while it was read`);
  yield Buffer.alloc(paddingOf(size));
}
