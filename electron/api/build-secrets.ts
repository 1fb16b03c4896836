import { readFile, stat } from 'node:fs/promises';
import { errnoOf, messageOf } from '../../engine/lib/errors.ts';
import { failure } from './failures.ts';
import type { BuildRequest, BuildSecret } from './types.ts';

/** All together, as bytes: they travel in a header of the request, which has 64 KiB. */
const MAX_SECRET_BYTES = 32 * 1024;

/**
 * Headers that give a build its secrets and the user's ssh agent. SECURITY: read with the rights of the app and sent to
 * the engine, never stored or logged; messages name no content. Throws BAD_REQUEST.
 */
export async function secretHeaders(
  { secrets, sshAgent }: Pick<BuildRequest, 'secrets' | 'sshAgent'>,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const specifications: string[] = [];
  let bytes = 0;
  for (const secret of secrets) {
    const content = await contentOf(secret, environment);
    bytes += content.length;
    if (bytes > MAX_SECRET_BYTES)
      throw failure('BAD_REQUEST', `build secrets are more than ${MAX_SECRET_BYTES} bytes together`);
    specifications.push(`id=${secret.id},value=${content.toString('base64')}`);
  }
  if (specifications.length > 0) headers['X-Gantry-Build-Secrets'] = specifications.join(';');
  if (sshAgent) {
    const socket = environment['SSH_AUTH_SOCK'];
    if (!socket) throw failure('BAD_REQUEST', 'there is no ssh agent: SSH_AUTH_SOCK is not set');
    headers['X-Gantry-Build-Ssh'] = `"default=${socket}"`;
  }
  return headers;
}

async function contentOf({ id, kind, value }: BuildSecret, environment: NodeJS.ProcessEnv): Promise<Buffer> {
  if (kind === 'text') return Buffer.from(value);
  if (kind === 'environment') {
    const content = environment[value];
    if (content === undefined) throw failure('BAD_REQUEST', `secret ${id}: ${value} is not set`);
    return Buffer.from(content);
  }
  try {
    const stats = await stat(value);
    if (!stats.isFile()) throw failure('BAD_REQUEST', `secret ${id}: ${value} is no file`);
    if (stats.size > MAX_SECRET_BYTES)
      throw failure('BAD_REQUEST', `secret ${id}: ${value} is larger than ${MAX_SECRET_BYTES} bytes`);
    return await readFile(value);
  } catch (error) {
    throw errnoOf(error) === undefined ? error : failure('BAD_REQUEST', `secret ${id}: ${messageOf(error)}`);
  }
}
