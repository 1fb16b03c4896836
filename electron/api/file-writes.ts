import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { EngineConnection } from '../engine-connection.ts';
import { Uploads } from '../uploads.ts';
import { engineReply } from './engine-request.ts';
import { containerOf } from './engine-objects.ts';
import { failure } from './failures.ts';
import { existingStat, filesPath, followLinks } from './file-place.ts';
import { tarStreamOfFile } from './tar-file.ts';
import type { FilePlace } from './types.ts';

interface Engine {
  docker: Dockerode;
  connection: EngineConnection;
}

interface FileTarget {
  place: FilePlace;
  sizeBytes: number;
}

/** Files for containers and volumes. */
export type FileUploads = Uploads<FileTarget, void>;

export function createFileUploads(engine: Engine): FileUploads {
  return new Uploads(({ place, sizeBytes }, body) => writeFile(engine, place, body, sizeBytes));
}

/** The whole content of a file, new or not. Our engine keeps its owner; others take a tar with its mode. */
export async function writeFile(
  { docker, connection }: Engine,
  asked: FilePlace,
  content: Readable,
  sizeBytes: number,
): Promise<void> {
  const existing = await existingStat(docker, asked);
  const place = existing ? await followLinks(docker, asked) : asked;
  if (connection.isGantry) {
    const query = { path: place.path, size: sizeBytes };
    await engineReply(docker, { method: 'PUT', path: `${filesPath(place)}/content`, query, content });
    return;
  }
  if (place.kind === 'volume') throw failure('NOT_AVAILABLE', 'not available on this engine');
  const { dir, base } = posix.parse(place.path);
  const file = { sizeBytes, mode: (existing?.mode ?? 0o644) & 0o777, modifiedAt: Date.now() };
  const archive = Readable.from(tarStreamOfFile(base, content, file), { objectMode: false });
  await containerOf(docker, place.id).putArchive(archive, { path: dir, noOverwriteDirNonDir: 'true' });
}
