import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { VolumeCreateRequest } from '../../engine/compose/client.ts';
import type { ContainerCreateRequest } from '../../engine/wire/container.ts';
import type { NetworkCreateRequest } from '../../engine/wire/network.ts';
import type { RegistryAuth } from '../registry-accounts.ts';

interface EngineRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: object;
  body?: object;
  /** Sent as it comes instead of a JSON body. */
  content?: Readable;
  /** For the registry that the engine asks; sent as `X-Registry-Auth`. */
  auth?: RegistryAuth | undefined;
}

/** A reply's JSON, for what dockerode has no (good) method for. */
export function engineReply<T>(docker: Dockerode, request: EngineRequest): Promise<T> {
  return dial(docker, request, false) as Promise<T>;
}

/**
 * A reply's body as it arrives; its reader hears of failures. `signal` hangs up. It is not dockerode's `abortSignal`,
 * which Node hands on to the socket: an abort after the reply then kills whatever that socket does next, and with
 * nobody listening the process.
 */
export async function engineStream(
  docker: Dockerode,
  request: EngineRequest & { signal: AbortSignal | undefined },
): Promise<Readable> {
  const { signal } = request;
  const body = (await dial(docker, request, true)) as Readable;
  const hangUp = () => body.destroy();
  // A failure can hit a body that nobody reads yet, or any more.
  body.on('error', () => undefined).on('close', () => signal?.removeEventListener('abort', hangUp));
  signal?.addEventListener('abort', hangUp);
  if (signal?.aborted) hangUp();
  return body;
}

function dial(docker: Dockerode, request: EngineRequest, isStream: boolean): Promise<unknown> {
  const { method, path, query = {}, body = {}, content, auth } = request;
  const options = {
    ...(auth && { authconfig: auth }),
    ...(content && { file: content }),
    method,
    path: `${path}?`,
    isStream,
    statusCodes: { 200: true, 201: true, 204: true },
    options: { _query: query, _body: body },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

/**
 * SECURITY: dockerode's create methods write the whole request, environment and labels included, into the URL too:
 * it ends up in logs and overflows the engine's header limit. These send it in the body only.
 */
export async function createContainer(
  docker: Dockerode,
  name: string | undefined,
  body: ContainerCreateRequest,
): Promise<{ id: string; warnings: string[] }> {
  const path = '/containers/create';
  const reply = await engineReply<{ Id: string; Warnings?: string[] | null }>(docker, {
    method: 'POST',
    path,
    body,
    query: name ? { name } : {},
  });
  return { id: reply.Id, warnings: reply.Warnings ?? [] };
}

export function createNetwork(
  docker: Dockerode,
  body: NetworkCreateRequest & { Name: string },
): Promise<{ Id: string }> {
  return engineReply(docker, { method: 'POST', path: '/networks/create', body });
}

export function createVolume(
  docker: Dockerode,
  body: Partial<VolumeCreateRequest>,
): Promise<{ Name: string }> {
  return engineReply(docker, { method: 'POST', path: '/volumes/create', body });
}
