import type { HostConfig, ContainerCreateRequest } from '../wire/container.ts';
import { framesOf } from './frames.ts';
import type { TestEngine } from './harness.ts';

/** A create request of busybox; `script` is for its shell. */
export const shell = (script: string, hostConfig: HostConfig = {}, config: ContainerCreateRequest = {}) => ({
  Image: 'busybox',
  Cmd: ['sh', '-c', script],
  ...config,
  HostConfig: { NetworkMode: 'none', ...hostConfig },
});

/** Creates by the API; throws its message. */
export async function create(
  { api }: TestEngine,
  request: object,
  version = '',
): Promise<{ id: string; warnings: string[] }> {
  const { status, json } = await api<{ Id: string; Warnings: string[]; message: string }>(
    'POST',
    `${version}/containers/create`,
    request,
  );
  if (status !== 201) throw new Error(`${status} ${json.message}`);
  return { id: json.Id, warnings: json.Warnings };
}

/** What a container writes, from create to remove; throws the message of a create or a start that fails. */
export async function outputOf(engine: TestEngine, request: object, version = ''): Promise<string> {
  const { id } = await create(engine, request, version);
  try {
    await start(engine, id);
    await engine.api('POST', `/containers/${id}/wait`);
    const { bytes } = await engine.api('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
    return framesOf(bytes)
      .map(({ text }) => text)
      .join('');
  } finally {
    await engine.api('DELETE', `/containers/${id}?force=1&v=1`);
  }
}

export async function start({ api }: TestEngine, id: string): Promise<void> {
  const { status, json } = await api<{ message: string } | undefined>('POST', `/containers/${id}/start`);
  if (status !== 204) throw new Error(`${status} ${json?.message}`);
}
