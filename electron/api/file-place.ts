import { posix } from 'node:path';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { engineStream } from './engine-request.ts';
import { containerOf, containerPath, volumePath } from './engine-objects.ts';
import { explainUnknownOperation, failure, statusOf } from './failures.ts';
import type { FilePlace } from './types.ts';

/** As the kernel's limit for one path. */
const MAX_LINKS = 40;
/** Go's os.FileMode bits in `X-Docker-Container-Path-Stat`, https://pkg.go.dev/io/fs#FileMode. */
export const GO_MODE_DIRECTORY = 2 ** 31;
const GO_MODE_SYMLINK = 2 ** 27;

interface PathStat {
  mode: number;
  linkTarget?: string;
}

export function isMode(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}

/** Where Gantry's own operations on files are. */
export function filesPath({ kind, id }: FilePlace): string {
  return `${kind === 'container' ? containerPath(id) : volumePath(id)}/files`;
}

/** Copying by tar: every engine has it for containers. */
function archivePath(docker: Dockerode, { kind, id }: FilePlace): string {
  return kind === 'container'
    ? `/containers/${containerOf(docker, id).id}/archive`
    : `${volumePath(id)}/archive`;
}

export function archiveOf(
  docker: Dockerode,
  place: FilePlace,
  hangUp: AbortController,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  return engineStream(docker, {
    method: 'GET',
    path: archivePath(docker, place),
    query: { path: place.path },
    signal: signal ? AbortSignal.any([signal, hangUp.signal]) : hangUp.signal,
  });
}

/** The stat header is base64 JSON. */
export async function statOf(docker: Dockerode, place: FilePlace): Promise<PathStat> {
  const reply = (await engineStream(docker, {
    method: 'HEAD',
    path: archivePath(docker, place),
    query: { path: place.path },
    signal: undefined,
  }).catch(explainUnknownOperation)) as IncomingMessage;
  reply.resume();
  const header = String(reply.headers['x-docker-container-path-stat'] ?? '');
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
}

/** A link is shown, downloaded and written as what it leads to; the engine resolves it inside of the root. */
export async function followLinks(docker: Dockerode, place: FilePlace): Promise<FilePlace> {
  let target = place.path;
  for (let depth = 0; depth < MAX_LINKS; depth += 1) {
    const { mode, linkTarget } = await statOf(docker, { ...place, path: target });
    if (!isMode(mode, GO_MODE_SYMLINK) || !linkTarget) return { ...place, path: target };
    target = posix.resolve(posix.dirname(target), linkTarget);
  }
  throw failure('BAD_REQUEST', `${place.path}: too many levels of symbolic links`);
}

/** undefined: there is nothing yet. */
export async function existingStat(docker: Dockerode, place: FilePlace): Promise<PathStat | undefined> {
  try {
    return await statOf(docker, place);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
