import { posix } from 'node:path';
import type Dockerode from 'dockerode';
import { engineStream } from '../engine-request.ts';
import { containerOf } from '../engine-objects.ts';
import { explainUnknownOperation, failure, statusOf } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import { firstTarEntry, tarOfFile } from '../tar-file.ts';
import { jsonLines } from '../streams.ts';
import type { FileEntry } from '../types.ts';

const MAX_READ_BYTES = 1024 * 1024;
/** As the kernel's limit for one path. */
const MAX_LINKS = 40;

export const files = {
  list: api.files.list.handler(async ({ context, input }) => {
    const entries = await listFiles(context.docker, input.id, input.path);
    return entries.toSorted(byKindAndName);
  }),
  read: api.files.read.handler(({ context, input, signal }) => readText(context.docker, input, signal)),
  upload: api.files.upload.handler(async ({ context, input }) => {
    if (input.name.includes('/') || input.name === '.' || input.name === '..') {
      throw failure('BAD_REQUEST', `invalid file name: ${input.name}`);
    }
    const { id, directory, name } = input;
    const mode = await permissionsOf(context.docker, { id, path: posix.join(directory, name) });
    const archive = tarOfFile(name, Buffer.from(input.content, 'base64'), mode ?? 0o644, Date.now());
    const options = { path: directory, noOverwriteDirNonDir: 'true' };
    await containerOf(context.docker, id).putArchive(archive, options);
  }),
  download: api.files.download.handler(({ context, input, signal }) =>
    streamed(signal, download(context.docker, input, signal)),
  ),
};

interface FilePlace {
  id: string;
  path: string;
}

async function readText(docker: Dockerode, place: FilePlace, signal: AbortSignal | undefined) {
  const file = { id: place.id, path: await followLinks(docker, place) };
  const hangUp = new AbortController();
  try {
    const { head, content } = await firstTarEntry(await archiveOf(docker, file, hangUp, signal));
    if (head.type !== '0') throw failure('BAD_REQUEST', `${place.path} is not a regular file`);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of content) {
      parts.push(part);
      size += part.length;
      if (size >= MAX_READ_BYTES) break;
    }
    return toText(Buffer.concat(parts).subarray(0, MAX_READ_BYTES), head.sizeBytes > MAX_READ_BYTES);
  } finally {
    // What lies behind the entry (or the limit) is never read: the engine must not wait for it.
    hangUp.abort();
  }
}

async function* download(
  docker: Dockerode,
  place: FilePlace,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ fileName?: string; chunk: string }, void> {
  const name = place.path.split('/').findLast((part) => part !== '') ?? 'root';
  const path = await followLinks(docker, place);
  const isDirectory = isMode((await statOf(docker, { id: place.id, path })).mode, GO_MODE_DIRECTORY);
  const hangUp = new AbortController();
  try {
    const body = await archiveOf(docker, { id: place.id, path }, hangUp, signal);
    yield { fileName: isDirectory ? `${name}.tar` : name, chunk: '' };
    const content = isDirectory ? body : (await firstTarEntry(body)).content;
    for await (const part of content) yield { chunk: Buffer.from(part as Buffer).toString('base64') };
  } finally {
    hangUp.abort();
  }
}

function archiveOf(
  docker: Dockerode,
  { id, path }: FilePlace,
  hangUp: AbortController,
  signal: AbortSignal | undefined,
): Promise<NodeJS.ReadableStream> {
  return engineStream(docker, {
    method: 'GET',
    path: `/containers/${containerOf(docker, id).id}/archive`,
    query: { path },
    signal: signal ? AbortSignal.any([signal, hangUp.signal]) : hangUp.signal,
  });
}

/** A link is downloaded and shown as what it leads to; the engine resolves it inside of the container. */
async function followLinks(docker: Dockerode, { id, path }: FilePlace): Promise<string> {
  let target = path;
  for (let depth = 0; depth < MAX_LINKS; depth += 1) {
    const { mode, linkTarget } = await statOf(docker, { id, path: target });
    if (!isMode(mode, GO_MODE_SYMLINK) || !linkTarget) return target;
    target = posix.resolve(posix.dirname(target), linkTarget);
  }
  throw failure('BAD_REQUEST', `${path}: too many levels of symbolic links`);
}

/** Go's os.FileMode bits in `X-Docker-Container-Path-Stat`, https://pkg.go.dev/io/fs#FileMode. */
const GO_MODE_DIRECTORY = 2 ** 31;
const GO_MODE_SYMLINK = 2 ** 27;

interface PathStat {
  mode: number;
  linkTarget?: string;
}

function isMode(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}

/** The stat header is base64 JSON. */
async function statOf(docker: Dockerode, { id, path }: FilePlace): Promise<PathStat> {
  const reply = (await containerOf(docker, id).infoArchive({ path })) as { headers: Record<string, string> };
  const header = reply.headers['x-docker-container-path-stat'] ?? '';
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
}

/** Permission bits of an existing file, so that saving an edited script keeps it executable. */
async function permissionsOf(docker: Dockerode, place: FilePlace): Promise<number | undefined> {
  try {
    return (await statOf(docker, place)).mode & 0o777;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Gantry's own operation: other engines do not have it and answer 404 `page not found`. */
async function listFiles(docker: Dockerode, id: string, path: string): Promise<FileEntry[]> {
  const url = `/gantry/v1/containers/${containerOf(docker, id).id}/files`;
  const body = await engineStream(docker, {
    method: 'GET',
    path: url,
    query: { path },
    signal: undefined,
  }).catch(explainUnknownOperation);
  const entries: FileEntry[] = [];
  for await (const value of jsonLines<FileEntry | FileEntry[]>(body)) entries.push(...[value].flat());
  return entries;
}

function byKindAndName(a: FileEntry, b: FileEntry): number {
  const directoriesFirst = Number(b.type === 'directory') - Number(a.type === 'directory');
  return directoriesFirst || a.name.localeCompare(b.name);
}

/** UTF-8 where the bytes are valid text without NUL, base64 otherwise. */
function toText(bytes: Buffer, truncated: boolean) {
  // A cut in the middle of a character must not turn text into binary: the last three bytes may be part of one.
  const text = decode(bytes) ?? (truncated ? decode(withoutPartialEnd(bytes)) : undefined);
  if (text !== undefined) return { encoding: 'utf8' as const, content: text, truncated };
  return { encoding: 'base64' as const, content: bytes.toString('base64'), truncated };
}

function decode(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function withoutPartialEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && (bytes[end - 1]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, Math.max(0, end - 1));
}
