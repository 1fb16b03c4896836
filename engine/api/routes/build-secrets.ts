import { readFile, stat } from 'node:fs/promises';
import { splitFields } from '../../builder/run-mount.ts';
import { invalidArgument, messageOf } from '../../lib/errors.ts';

/** As much as BuildKit takes of one secret. */
const MAX_SECRET_BYTES = 500 * 1024;

/**
 * `X-Gantry-Build-Secrets`: what `docker build --secret` says, separated by semicolons: `id=NAME,src=FILE` of this
 * machine, or `id=NAME,value=BASE64`. Answers the contents by id. SECURITY: never logged or stored; messages name no
 * content. Throws invalid-argument.
 */
export async function readSecrets(
  header: string | string[] | undefined,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const secrets = new Map<string, Uint8Array>();
  for (const fields of specificationsOf(header)) {
    const { id, src, source = src, value, ...unknown } = fields;
    if (id === undefined || id === '') throw invalidArgument('a build secret needs an id');
    const [other] = Object.keys(unknown);
    if (other !== undefined) throw invalidArgument(`unexpected key '${other}' of build secret ${id}`);
    if ((source === undefined) === (value === undefined))
      throw invalidArgument(`build secret ${id} needs either src or value`);
    secrets.set(id, source === undefined ? decode(id, value ?? '') : await readSource(id, source));
  }
  return secrets;
}

/** `X-Gantry-Build-Ssh`: what `docker build --ssh` says, `default=SOCKET;other=SOCKET`. Throws invalid-argument. */
export function readSshAgents(header: string | string[] | undefined): ReadonlyMap<string, string> {
  const agents = new Map<string, string>();
  for (const fields of specificationsOf(header)) {
    for (const [id, socket] of Object.entries(fields)) {
      if (!socket.startsWith('/'))
        throw invalidArgument(`ssh agent ${id} needs the absolute path of its socket`);
      agents.set(id, socket);
    }
  }
  return agents;
}

function specificationsOf(header: string | string[] | undefined): Record<string, string>[] {
  return [header ?? []]
    .flat()
    .flatMap((text) => text.split(';'))
    .filter((text) => text.trim() !== '')
    .map((text) => Object.fromEntries(splitFields(text.trim()).map(splitPair)));
}

function splitPair(field: string): [name: string, value: string] {
  const separator = field.indexOf('=');
  if (separator <= 0) throw invalidArgument('build secrets and ssh agents are told as key=value');
  return [field.slice(0, separator), field.slice(separator + 1)];
}

function decode(id: string, text: string): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw invalidArgument(`build secret ${id} is not base64`);
  return Buffer.from(text, 'base64');
}

async function readSource(id: string, file: string): Promise<Buffer> {
  if (!file.startsWith('/')) throw invalidArgument(`build secret ${id} needs an absolute path`);
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw invalidArgument(`${file} is no file`);
    if (stats.size > MAX_SECRET_BYTES)
      throw invalidArgument(`invalid secret size ${stats.size}: at most ${MAX_SECRET_BYTES} bytes`);
    return await readFile(file);
  } catch (error) {
    throw invalidArgument(`build secret ${id}: ${messageOf(error)}`, { cause: error });
  }
}
