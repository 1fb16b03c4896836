import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { engineReply, engineStream } from '../engine-request.ts';
import { explainUnknownOperation, failure } from '../failures.ts';
import { archiveOf, filesPath, followLinks, GO_MODE_DIRECTORY, isMode, statOf } from '../file-place.ts';
import { writeFile } from '../file-writes.ts';
import { api, streamed } from '../implementer.ts';
import { jsonLines } from '../streams.ts';
import { firstTarEntry } from '../tar-file.ts';
import type { FileEntry, FilePlace } from '../types.ts';

const MAX_READ_BYTES = 1024 * 1024;

export const files = {
  list: api.files.list.handler(async ({ context, input }) => {
    const entries = await listFiles(context.docker, input);
    return entries.toSorted(byKindAndName);
  }),
  read: api.files.read.handler(({ context, input, signal }) => readText(context.docker, input, signal)),
  write: api.files.write.handler(async ({ context, input: { text, ...place } }) => {
    const bytes = Buffer.from(text);
    await writeFile(context, place, Readable.from([bytes], { objectMode: false }), bytes.length);
  }),
  makeDirectory: api.files.makeDirectory.handler(({ context, input }) =>
    edit(context.docker, input, { method: 'POST', operation: '/directory' }),
  ),
  remove: api.files.remove.handler(({ context, input }) =>
    edit(context.docker, input, { method: 'DELETE', operation: '' }),
  ),
  rename: api.files.rename.handler(({ context, input: { to, ...place } }) =>
    edit(context.docker, place, { method: 'POST', operation: '/rename', to }),
  ),
  uploadBegin: api.files.uploadBegin.handler(({ context, input: { sizeBytes, ...place } }) => ({
    uploadId: context.uploads.files.begin({ place, sizeBytes }),
  })),
  uploadChunk: api.files.uploadChunk.handler(async ({ context, input }) => {
    await context.uploads.files.write(input.uploadId, Buffer.from(input.chunk, 'base64'));
  }),
  uploadFinish: api.files.uploadFinish.handler(({ context, input }) =>
    context.uploads.files.finish(input.uploadId),
  ),
  download: api.files.download.handler(({ context, input, signal }) =>
    streamed(signal, download(context.docker, input, signal)),
  ),
};

async function edit(
  docker: Dockerode,
  place: FilePlace,
  { method, operation, to }: { method: 'POST' | 'DELETE'; operation: string; to?: string },
): Promise<void> {
  await engineReply(docker, {
    method,
    path: `${filesPath(place)}${operation}`,
    query: { path: place.path, ...(to !== undefined && { to }) },
  }).catch(explainUnknownOperation);
}

async function readText(docker: Dockerode, place: FilePlace, signal: AbortSignal | undefined) {
  const file = await followLinks(docker, place);
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
  const file = await followLinks(docker, place);
  const isDirectory = isMode((await statOf(docker, file)).mode, GO_MODE_DIRECTORY);
  const hangUp = new AbortController();
  try {
    const body = await archiveOf(docker, file, hangUp, signal);
    yield { fileName: isDirectory ? `${name}.tar` : name, chunk: '' };
    const content = isDirectory ? body : (await firstTarEntry(body)).content;
    for await (const part of content) yield { chunk: Buffer.from(part as Buffer).toString('base64') };
  } finally {
    hangUp.abort();
  }
}

/** Gantry's own operation: other engines do not have it and answer 404 `page not found`. */
async function listFiles(docker: Dockerode, place: FilePlace): Promise<FileEntry[]> {
  const body = await engineStream(docker, {
    method: 'GET',
    path: filesPath(place),
    query: { path: place.path },
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
