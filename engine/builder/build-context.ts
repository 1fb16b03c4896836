import path from 'node:path';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import type { BuildDeps } from './builder-deps.ts';
import { fetchGit, isGitAddress } from './git.ts';
import { parseIgnoreFile } from './ignore-patterns.ts';
import { isWebAddress, openRemote } from './remote.ts';
import { SourceTree } from './source-tree.ts';

/** Where the files of a build come from. */
export type ContextSource =
  | { kind: 'upload'; body: AsyncIterable<Uint8Array> }
  /** A git repository, a tarball, or a single Dockerfile behind an address. */
  | { kind: 'remote'; address: string };

export interface BuildContext {
  /** undefined: a Dockerfile came alone. */
  tree: SourceTree | undefined;
  dockerfile: string;
}

const MAX_DOCKERFILE_BYTES = 4 * 1024 * 1024;
const DEFAULT_NAME = 'Dockerfile';

/**
 * Reads the context and takes the Dockerfile out of it. `.dockerignore` counts for a client that sent everything, too;
 * like Docker, the two files themselves can be left out of what COPY sees, never of the build. Throws
 * invalid-argument.
 */
export async function readContext(
  source: ContextSource,
  dockerfileName: string,
  spool: string,
  { decompress, signal }: Pick<BuildDeps, 'decompress'> & { signal: AbortSignal },
): Promise<BuildContext> {
  const name = cleanName(dockerfileName);
  if (source.kind === 'remote' && isGitAddress(source.address))
    return fromTree(await fetchGit({ address: source.address, spool, signal }), name);
  if (source.kind === 'remote') {
    if (!isWebAddress(source.address)) throw invalidArgument(`invalid remote context: ${source.address}`);
    const { head, all } = await peek(decompress(await openRemote(source.address, signal)));
    if (!isTar(head)) return { tree: undefined, dockerfile: (await collect(all)).toString('utf8') };
    return fromTree(await SourceTree.read(all, spool), name);
  }
  return fromTree(await SourceTree.read(decompress(source.body), spool), name);
}

async function fromTree(tree: SourceTree, name: string): Promise<BuildContext> {
  try {
    const dockerfile = await readDockerfile(tree, name);
    const ignore = (await tree.readFile('.dockerignore', MAX_DOCKERFILE_BYTES))?.toString('utf8');
    const own = (await tree.readFile(`${name}.dockerignore`, MAX_DOCKERFILE_BYTES))?.toString('utf8');
    const { ignores } = parseIgnoreFile(own ?? ignore ?? '');
    tree.removeWhere(ignores);
    return { tree, dockerfile };
  } catch (error) {
    await tree.close();
    throw error;
  }
}

/** Without a name also `dockerfile`, as Docker looks for it. */
async function readDockerfile(tree: SourceTree, name: string): Promise<string> {
  const names = name === DEFAULT_NAME ? [name, 'dockerfile'] : [name];
  for (const candidate of names) {
    const content = await tree.readFile(candidate, MAX_DOCKERFILE_BYTES);
    if (content === undefined) continue;
    if (content.length === 0) throw invalidArgument(`the Dockerfile (${candidate}) cannot be empty`);
    return content.toString('utf8');
  }
  throw new EngineError('internal', `Cannot locate specified Dockerfile: ${name}`);
}

/** As clients of any system write it. */
function cleanName(name: string): string {
  const clean = path.posix
    .normalize(name === '' ? DEFAULT_NAME : name.replaceAll('\\', '/'))
    .replace(/^\/+/, '');
  if (clean === '..' || clean.startsWith('../'))
    throw invalidArgument(`Forbidden path outside the build context: ${name}`);
  return clean;
}

function isTar(head: Uint8Array): boolean {
  return Buffer.from(head).toString('latin1', 257, 262) === 'ustar';
}

async function peek(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  for (let length = 0; length < 512;) {
    const { value, done } = await iterator.next();
    if (done) break;
    // A copy: the chunk may be reused by its owner.
    chunks.push(Buffer.from(value));
    length += value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head: Buffer.concat(chunks), all: all() };
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > MAX_DOCKERFILE_BYTES)
      throw invalidArgument(`the Dockerfile is larger than ${MAX_DOCKERFILE_BYTES} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}
