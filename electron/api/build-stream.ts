import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { RegistryAccounts, RegistryAuth } from '../registry-accounts.ts';
import { errnoOf, messageOf } from '../../engine/lib/errors.ts';
import { packFolder } from './build-folder.ts';
import { secretHeaders } from './build-secrets.ts';
import { failure } from './failures.ts';
import { batched, jsonLines } from './streams.ts';
import { tarOfFile } from './tar-file.ts';
import type { BuildMessage, BuildRequest } from './types.ts';

/** Output of a chatty step comes in parts of at most so many messages, at most so much later. */
const BATCH = { messages: 200, delayMs: 50 };

/** `docker build` by the engine's classic API: its messages, the last one telling a failure. */
export async function* runBuild(
  docker: Dockerode,
  accounts: RegistryAccounts,
  request: BuildRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<BuildMessage[], void> {
  const body = await startBuild(docker, request, await registryConfig(accounts), signal);
  yield* batched(timed(jsonLines<BuildMessage>(body)), BATCH.messages, BATCH.delayMs);
}

async function* timed(messages: AsyncIterable<BuildMessage>): AsyncGenerator<BuildMessage[], void> {
  for await (const message of messages) yield [{ ...message, time: Date.now() }];
}

/** `X-Registry-Config`: a build can take from any registry. */
async function registryConfig(accounts: RegistryAccounts): Promise<Record<string, RegistryAuth>> {
  const config: Record<string, RegistryAuth> = {};
  for (const { server } of await accounts.list()) {
    const auth = await accounts.forServer(server);
    if (auth) config[auth.serveraddress] = auth;
  }
  return config;
}

/**
 * Sends the context. `signal` hangs up, which ends the build: before the reply through the request, later through the
 * reply's body, for the reason that `engineStream` gives.
 */
async function startBuild(
  docker: Dockerode,
  request: BuildRequest,
  registries: Record<string, RegistryAuth>,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  const upload = new AbortController();
  let broken: Error | undefined;
  let hangUp = (): void => upload.abort();
  const context = Readable.from(contextOf(request), { objectMode: false }).on('error', (error) => {
    broken = error;
    hangUp();
  });
  const onAbort = (): void => hangUp();
  signal?.addEventListener('abort', onAbort);
  try {
    signal?.throwIfAborted();
    const secrets = await secretHeaders(request);
    const body = await dialBuild(docker, { request, registries, secrets, context, signal: upload.signal });
    hangUp = () => body.destroy();
    body.on('error', () => undefined).on('close', () => signal?.removeEventListener('abort', onAbort));
    if (signal?.aborted) hangUp();
    return body;
  } catch (error) {
    signal?.removeEventListener('abort', onAbort);
    context.destroy();
    throw broken === undefined ? error : explainFileError(broken);
  }
}

/** A folder that is missing or closed to this user is no engine that does not answer. */
function explainFileError(error: Error): Error {
  return errnoOf(error) === undefined ? error : failure('BAD_REQUEST', messageOf(error));
}

async function* contextOf({ source, dockerfile }: BuildRequest): AsyncGenerator<Buffer, void> {
  if (source.kind === 'folder') yield* packFolder(source.folder, dockerfile);
  else yield tarOfFile('Dockerfile', Buffer.from(source.text), 0o644, 0);
}

function dialBuild(
  docker: Dockerode,
  given: {
    request: BuildRequest;
    registries: Record<string, RegistryAuth>;
    secrets: Record<string, string>;
    context: Readable;
    signal: AbortSignal;
  },
): Promise<Readable> {
  const options = {
    method: 'POST',
    path: '/build?',
    isStream: true,
    statusCodes: { 200: true },
    registryconfig: given.registries,
    headers: given.secrets,
    abortSignal: given.signal,
    file: given.context,
    options: { _query: queryOf(given.request), _body: {} },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(options, (error, reply) => (error ? reject(error) : resolve(reply as Readable)));
  });
}

function queryOf(request: BuildRequest): object {
  const { source, dockerfile, tags, target, buildArgs, noCache, pull } = request;
  return {
    gantry: 1,
    // The container of a failed step is of no use to somebody who has its output.
    forcerm: 1,
    t: tags,
    ...(source.kind === 'folder' && dockerfile !== '' && { dockerfile }),
    ...(target !== '' && { target }),
    ...(Object.keys(buildArgs).length > 0 && { buildargs: JSON.stringify(buildArgs) }),
    ...(noCache && { nocache: 1 }),
    ...(pull && { pull: 1 }),
  };
}
