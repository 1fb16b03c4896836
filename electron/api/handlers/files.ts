import type Dockerode from 'dockerode';
import { engineStream } from '../engine-request.ts';
import { containerOf } from '../engine-objects.ts';
import { failure, statusOf } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import { firstTarEntry, tarOfFile } from '../tar-file.ts';
import { jsonLines } from '../streams.ts';
import type { FileEntry } from '../types.ts';

const MAX_READ_BYTES = 1024 * 1024;

export const files = {
  list: api.files.list.handler(async ({ context, input }) => {
    const entries = await listFiles(context.docker, input.id, input.path);
    return entries.toSorted(byKindAndName);
  }),
  read: api.files.read.handler(async ({ context, input }) => {
    const { head, content } = await firstTarEntry(await archiveOf(context.docker, input));
    if (head.type !== '0') throw failure('BAD_REQUEST', `${input.path} is not a regular file`);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of content) {
      parts.push(part);
      size += part.length;
      if (size >= MAX_READ_BYTES) break;
    }
    return toText(Buffer.concat(parts).subarray(0, MAX_READ_BYTES), head.sizeBytes > MAX_READ_BYTES);
  }),
  upload: api.files.upload.handler(async ({ context, input }) => {
    if (input.name.includes('/') || input.name === '.' || input.name === '..') {
      throw failure('BAD_REQUEST', `invalid file name: ${input.name}`);
    }
    const container = containerOf(context.docker, input.id);
    const mode = await modeOf(container, `${input.directory.replace(/\/$/, '')}/${input.name}`);
    const archive = tarOfFile(input.name, Buffer.from(input.content, 'base64'), mode ?? 0o644, Date.now());
    await container.putArchive(archive, { path: input.directory, noOverwriteDirNonDir: 'true' });
  }),
  download: api.files.download.handler(({ context, input, signal }) =>
    streamed(signal, download(context.docker, input, signal)),
  ),
};

async function* download(
  docker: Dockerode,
  input: { id: string; path: string },
  signal: AbortSignal | undefined,
): AsyncGenerator<{ fileName?: string; chunk: string }, void> {
  const name = input.path.split('/').findLast((part) => part !== '') ?? 'root';
  const stat = archiveStat(await containerOf(docker, input.id).infoArchive({ path: input.path }));
  const body = await archiveOf(docker, input, signal);
  const isDirectory = stat !== undefined && (stat.mode & GO_MODE_DIRECTORY) !== 0;
  yield { fileName: isDirectory ? `${name}.tar` : name, chunk: '' };
  const content: AsyncIterable<Uint8Array | string> = isDirectory
    ? body
    : (await firstTarEntry(body)).content;
  for await (const part of content) yield { chunk: Buffer.from(part as Uint8Array).toString('base64') };
}

function archiveOf(
  docker: Dockerode,
  input: { id: string; path: string },
  signal?: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  return containerOf(docker, input.id).getArchive({
    path: input.path,
    ...(signal && { abortSignal: signal }),
  });
}

/** Go's os.FileMode bit in `X-Docker-Container-Path-Stat`, https://pkg.go.dev/io/fs#FileMode. */
const GO_MODE_DIRECTORY = 2 ** 31;

/** The base64 JSON of the stat header. */
function archiveStat(reply: unknown): { mode: number } | undefined {
  const headers = (reply as { headers?: Record<string, string> }).headers;
  const header = headers?.['x-docker-container-path-stat'];
  return header ? (JSON.parse(Buffer.from(header, 'base64').toString()) as { mode: number }) : undefined;
}

/** Permission bits of an existing file, so that saving an edited script keeps it executable. */
async function modeOf(container: Dockerode.Container, path: string): Promise<number | undefined> {
  try {
    const stat = archiveStat(await container.infoArchive({ path }));
    return stat && stat.mode & 0o777;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Gantry's own operation: other engines do not have it and answer 404 `page not found`. */
async function listFiles(docker: Dockerode, id: string, path: string): Promise<FileEntry[]> {
  const url = `/gantry/v1/containers/${containerOf(docker, id).id}/files`;
  const body = await engineStream(docker, { method: 'GET', path: url, query: { path } }).catch(
    (error: unknown) => {
      throw isUnknownOperation(error) ? failure('NOT_AVAILABLE', 'not available on this engine') : error;
    },
  );
  const entries: FileEntry[] = [];
  for await (const value of jsonLines<FileEntry | FileEntry[]>(body)) entries.push(...[value].flat());
  return entries;
}

function isUnknownOperation(error: unknown): boolean {
  return statusOf(error) === 404 && error instanceof Error && /page not found/.test(error.message);
}

function byKindAndName(a: FileEntry, b: FileEntry): number {
  const directoriesFirst = Number(b.type === 'directory') - Number(a.type === 'directory');
  return directoriesFirst || a.name.localeCompare(b.name);
}

/** UTF-8 where the bytes are valid text without NUL, base64 otherwise. */
export function toText(bytes: Buffer, truncated: boolean) {
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
