import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BuildRecord, BuildSummary as EngineSummary } from '../../../engine/builder/build-history.ts';
import { writeFileAtomic } from '../../../engine/lib/atomic-file.ts';
import { errnoOf, messageOf } from '../../../engine/lib/errors.ts';
import { runBuild } from '../build-stream.ts';
import { engineReply } from '../engine-request.ts';
import { explainUnknownOperation, failure } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import type { BuildSummary, DockerfileDescription } from '../types.ts';

const MAX_DOCKERFILE_BYTES = 1024 * 1024;

export const builds = {
  list: api.builds.list.handler(async ({ context: { docker } }) => {
    const request = { method: 'GET' as const, path: '/gantry/v1/builds' };
    const summaries = await engineReply<EngineSummary[]>(docker, request).catch(explainUnknownOperation);
    return summaries.map(toSummary);
  }),
  get: api.builds.get.handler(async ({ context: { docker }, input: { id } }) => {
    const request = { method: 'GET' as const, path: `/gantry/v1/builds/${encodeURIComponent(id)}` };
    const record = await engineReply<BuildRecord>(docker, request).catch(explainUnknownOperation);
    return { ...toSummary(record), log: record.log };
  }),
  describe: api.builds.describe.handler(async ({ context: { docker }, input: { text } }) => {
    const request = { method: 'POST' as const, path: '/gantry/v1/dockerfile', body: { text } };
    return engineReply<DockerfileDescription>(docker, request).catch(explainUnknownOperation);
  }),
  read: api.builds.read.handler(async ({ input }) => ({ text: await readDockerfile(input) })),
  save: api.builds.save.handler(async ({ input }) => {
    // A link stays one.
    const file = await realpath(await dockerfileOf(input));
    await writeFileAtomic(file, input.text, (await stat(file)).mode & 0o777);
  }),
  run: api.builds.run.handler(({ context: { docker, accounts }, input, signal }) =>
    streamed(signal, runBuild(docker, accounts, input, signal)),
  ),
};

function toSummary({ id, status, startedAt, finishedAt, tags, imageId, error }: EngineSummary): BuildSummary {
  return {
    id,
    status,
    startedAt: Date.parse(startedAt),
    finishedAt: finishedAt === '' ? undefined : Date.parse(finishedAt),
    tags: [...tags],
    imageId,
    error,
  };
}

interface Place {
  folder: string;
  dockerfile: string;
}

async function readDockerfile(place: Place): Promise<string> {
  return readFile(await dockerfileOf(place), 'utf8');
}

/**
 * The path of an existing regular file inside of the folder. SECURITY: the folder is the user's choice and is read with
 * the rights of the app; the Dockerfile's name leads to nothing else.
 */
async function dockerfileOf({ folder, dockerfile }: Place): Promise<string> {
  const file = path.resolve(folder, dockerfile === '' ? 'Dockerfile' : dockerfile);
  if (!file.startsWith(path.join(folder, path.sep)))
    throw failure('BAD_REQUEST', `the Dockerfile must be within the folder: ${dockerfile}`);
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw failure('BAD_REQUEST', `${file} is no file`);
    if (stats.size > MAX_DOCKERFILE_BYTES) throw failure('PAYLOAD_TOO_LARGE', `${file} is larger than 1 MiB`);
    return file;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') throw failure('NOT_FOUND', `there is no ${file}`);
    throw errno === undefined ? error : failure('BAD_REQUEST', messageOf(error));
  }
}
