import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import type { MountRequest } from '../wire/container.ts';
import { spoolFile } from './build-session.ts';
import type { Step } from './step.ts';
import { hashSources, selectSources } from './copy-selection.ts';
import { imageLowers, readImagePath } from './copy-sources.ts';
import { materialize } from './materialize.ts';
import type { RunMount } from './run-mount.ts';
import type { SourceTree } from './source-tree.ts';

/** What a RUN container gets of its `--mount` flags. */
export interface PreparedMounts {
  mounts: MountRequest[];
  env: string[];
}

interface MountPreparation {
  /** What counts for the cache: where something is mounted, and for binds what it is; never a secret. */
  facts: unknown[];
  /** Makes the sources, holds locked caches, and removes everything but caches afterwards. */
  use<T>(run: (prepared: PreparedMounts) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface BindSource {
  mount: RunMount;
  tree: SourceTree;
  inside: string;
  hash: string;
}

/** A file that the step runs. */
interface Script {
  content: string;
  target: string;
}

export async function prepareMounts(
  step: Step,
  mounts: readonly RunMount[],
  script?: Script,
): Promise<MountPreparation> {
  const opened: SourceTree[] = [];
  const binds: BindSource[] = [];
  const close = async (): Promise<void> => {
    for (const tree of opened) await tree.close();
  };
  try {
    for (const mount of mounts) {
      if (mount.type === 'bind') binds.push(await findBind(step, mount, opened));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const hashes = new Map(binds.map(({ mount, hash }) => [mount, hash]));
  return {
    facts: [
      ...mounts.map((mount) => [mount.type, targetOf(step, mount), mount.id, hashes.get(mount)]),
      script?.content,
    ],
    use: (run) => useMounts(step, { mounts, binds, script }, run),
    close,
  };
}

/** A bind mount shows a directory of the context, a stage or an image; what is written into it is lost. */
async function findBind(step: Step, mount: RunMount, opened: SourceTree[]): Promise<BindSource> {
  const { session } = step;
  if (mount.from === undefined) {
    if (!session.context) throw invalidArgument('missing build context');
    return selected(mount, session.context, mount.source, true);
  }
  const lowers = await imageLowers(step, mount.from);
  const { tree, inside } = await readImagePath(step, lowers, mount.source);
  opened.push(tree);
  return selected(mount, tree, inside, false);
}

function selected(mount: RunMount, tree: SourceTree, inside: string, isContext: boolean): BindSource {
  const sources = selectSources(tree, inside, { parents: false, ownership: isContext ? 'root' : 'kept' });
  return { mount, tree, inside, hash: hashSources(sources) };
}

interface MountSources {
  mounts: readonly RunMount[];
  binds: readonly BindSource[];
  script: Script | undefined;
}

async function useMounts<T>(
  step: Step,
  { mounts, binds, script }: MountSources,
  run: (prepared: PreparedMounts) => Promise<T>,
): Promise<T> {
  const directory = spoolFile(step.session);
  await mkdir(directory, { mode: 0o700 });
  // SECURITY: secrets stay in memory: the run root is a tmpfs.
  const secrets = path.join(step.session.deps.runRoot, 'build', path.basename(directory));
  const prepared: PreparedMounts = { mounts: [], env: [] };
  try {
    for (const [index, { mount, tree, inside }] of binds.entries()) {
      const node = tree.find(inside);
      if (!node) throw invalidArgument(`${mount.source}: not found`);
      const source = path.join(directory, String(index));
      await materialize(tree, node, source);
      prepared.mounts.push(bind(step, mount, source));
    }
    if (script) {
      const source = path.join(directory, 'script');
      await writeFile(source, script.content, { flag: 'wx', mode: 0o700 });
      await chmod(source, 0o755);
      prepared.mounts.push({ Type: 'bind', Source: source, Target: script.target, ReadOnly: true });
    }
    for (const mount of mounts) {
      if (mount.type === 'tmpfs') prepared.mounts.push(tmpfs(step, mount));
      if (mount.type === 'secret') await addSecret(step, mount, secrets, prepared);
      if (mount.type === 'ssh' && mount.required)
        throw invalidArgument('unable to forward an ssh agent: the build request carries none');
    }
    const caches = mounts.filter(({ type }) => type === 'cache');
    return await withCaches(step, caches, prepared, run);
  } finally {
    await rm(secrets, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  }
}

function bind(step: Step, mount: RunMount, source: string): MountRequest {
  return { Type: 'bind', Source: source, Target: targetOf(step, mount), ReadOnly: mount.readonly };
}

function tmpfs(step: Step, mount: RunMount): MountRequest {
  const options = mount.sizeBytes === undefined ? {} : { TmpfsOptions: { SizeBytes: mount.sizeBytes } };
  return { Type: 'tmpfs', Target: targetOf(step, mount), ...options };
}

function targetOf({ state }: Step, { target }: RunMount): string {
  return path.posix.resolve('/', state.config.WorkingDir ?? '', target);
}

async function addSecret(
  step: Step,
  mount: RunMount,
  directory: string,
  prepared: PreparedMounts,
): Promise<void> {
  const id =
    mount.id ?? (mount.source === '' ? path.posix.basename(mount.target) : path.posix.basename(mount.source));
  const content = step.session.options.secrets.get(id);
  if (!content) {
    if (mount.required) throw invalidArgument(`secret ${id}: not found`);
    return;
  }
  if (mount.env !== undefined)
    prepared.env.push(`${mount.env === '' ? id : mount.env}=${Buffer.from(content).toString('utf8')}`);
  if (mount.env !== undefined && mount.target === '') return;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, String(prepared.mounts.length));
  await writeFile(file, content, { flag: 'wx', mode: 0o600 });
  await chown(file, mount.uid ?? 0, mount.gid ?? 0);
  await chmod(file, mount.mode ?? 0o400);
  const target = mount.target === '' ? `/run/secrets/${id}` : mount.target;
  prepared.mounts.push(bind(step, { ...mount, target }, file));
}

/** Caches one after the other: a locked one is held until the command has ended. */
async function withCaches<T>(
  step: Step,
  caches: readonly RunMount[],
  prepared: PreparedMounts,
  run: (prepared: PreparedMounts) => Promise<T>,
): Promise<T> {
  const [mount, ...rest] = caches;
  if (!mount) return run(prepared);
  const { session } = step;
  const id = mount.id ?? targetOf(step, mount);
  const name = createHash('sha256')
    .update(`${mount.from ?? ''}\0${id}`)
    .digest('hex')
    .slice(0, 32);
  const next = async (): Promise<T> => {
    const source = await makeCache(step, mount, name);
    prepared.mounts.push(bind(step, mount, source));
    return withCaches(step, rest, prepared, run);
  };
  // A private cache has one user at a time, too: a second one waits rather than begin with nothing.
  return mount.sharing === 'shared' ? next() : session.cacheLocks.run(name, next);
}

async function makeCache(step: Step, mount: RunMount, name: string): Promise<string> {
  const source = path.join(step.session.deps.dataRoot, 'build', 'mounts', name);
  await mkdir(path.dirname(source), { recursive: true, mode: 0o700 });
  const made = await makeOnce(step, mount, source);
  if (made) {
    await chown(source, mount.uid ?? 0, mount.gid ?? 0);
    await chmod(source, mount.mode ?? 0o755);
  }
  return source;
}

/** true when this call made it, with what `from=` says it begins with. */
async function makeOnce(step: Step, mount: RunMount, source: string): Promise<boolean> {
  if (mount.from === undefined) return (await mkdir(source, { recursive: true, mode: 0o755 })) !== undefined;
  if (existsSync(source)) return false;
  const { tree, inside } = await readImagePath(step, await imageLowers(step, mount.from), mount.source);
  try {
    const node = tree.find(inside);
    if (node?.type !== 'directory') throw invalidArgument(`${mount.source}: not a directory`);
    await materialize(tree, node, source);
  } finally {
    await tree.close();
  }
  return true;
}
