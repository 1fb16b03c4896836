import type Dockerode from 'dockerode';
import {
  parseReference,
  withDefaultTag,
  formatFamiliar,
  familiarName,
} from '../../engine/images/reference.ts';
import type { RegistryAccounts } from '../registry-accounts.ts';
import { imagePath } from './engine-objects.ts';
import { engineStream } from './engine-request.ts';
import { failure } from './failures.ts';
import { jsonLines } from './streams.ts';
import type { TransferStep } from './types.ts';

interface ProgressLine {
  id?: string;
  status?: string;
  error?: string;
  errorDetail?: { message?: string };
  progressDetail?: { current?: number; total?: number };
}

interface PullRequest {
  name: string;
  platform: string | undefined;
}

/** `docker pull` of one tag or digest, with the account that the user has there. */
export async function* pullImage(
  docker: Dockerode,
  accounts: RegistryAccounts,
  { name, platform }: PullRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<TransferStep, void> {
  const { name: repository, tag, digest } = withDefaultTag(parseReference(name));
  const query = {
    fromImage: familiarName(repository),
    tag: digest ?? tag ?? '',
    ...(platform ? { platform } : {}),
  };
  const auth = await accounts.forImage(name);
  const request = { method: 'POST' as const, path: '/images/create', query, auth, signal };
  yield* steps(await engineStream(docker, request));
}

/** `docker push` of one tag. */
export async function* pushImage(
  docker: Dockerode,
  accounts: RegistryAccounts,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TransferStep, void> {
  const reference = withDefaultTag(parseReference(name));
  if (reference.tag === undefined) throw failure('BAD_REQUEST', 'cannot push a digest reference');
  const repository = formatFamiliar({ ...reference, tag: undefined });
  const path = `/images/${imagePath(repository)}/push`;
  const auth = await accounts.forImage(name);
  yield* steps(
    await engineStream(docker, { method: 'POST', path, query: { tag: reference.tag }, auth, signal }),
  );
}

/** A failure in the stream becomes one of the stream. */
async function* steps(body: AsyncIterable<Uint8Array>): AsyncGenerator<TransferStep, void> {
  for await (const line of jsonLines<ProgressLine>(body)) {
    const error = line.errorDetail?.message ?? line.error;
    if (error) throw failure('BAD_REQUEST', error);
    if (line.status === undefined) continue;
    const { current, total } = line.progressDetail ?? {};
    yield { layer: layerOf(line), status: line.status, current, total };
  }
}

/** `Pulling from …` carries the tag where layers carry their digest. */
function layerOf({ id, status }: ProgressLine): string | undefined {
  return status?.startsWith('Pulling from ') ? undefined : id;
}
