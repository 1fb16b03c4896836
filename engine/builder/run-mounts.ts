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
import { defaultTarget, withSecrets } from './run-secrets.ts';
import type { SourceTree } from './source-tree.ts';

/** What a RUN container gets of its `--mount` flags. */
export interface PreparedMounts {
  mounts: MountRequest[];
  /** Variables of the process that no record may have. */
  environment: string[];
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
  given: readonly RunMount[],
  script?: Script,
): Promise<MountPreparation> {
  const mounts = placed(step, given);
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
      ...mounts.map((mount) => [mount.type, mount.target, mount.id, mount.env, hashes.get(mount)]),
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
  const prepared: PreparedMounts = { mounts: [], environment: [] };
  try {
    for (const [index, { mount, tree, inside }] of binds.entries()) {
      const node = tree.find(inside);
      if (!node) throw invalidArgument(`${mount.source}: not found`);
      const source = path.join(directory, String(index));
      await materialize(tree, node, source, step.session.deps.toHostIds);
      prepared.mounts.push(bind(mount, source));
    }
    if (script) {
      const source = path.join(directory, 'script');
      await writeFile(source, script.content, { flag: 'wx', mode: 0o700 });
      await chmod(source, 0o755);
      prepared.mounts.push({ Type: 'bind', Source: source, Target: script.target, ReadOnly: true });
    }
    for (const mount of mounts) {
      if (mount.type === 'tmpfs') prepared.mounts.push(tmpfs(mount));
    }
    const caches = mounts.filter(({ type }) => type === 'cache');
    return await withSecrets(step, mounts, path.basename(directory), ({ mounts: secret, environment }) => {
      prepared.mounts.push(...secret);
      prepared.environment.push(...environment);
      return withCaches(step, caches, prepared, run);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function bind(mount: RunMount, source: string): MountRequest {
  return { Type: 'bind', Source: source, Target: mount.target, ReadOnly: mount.readonly };
}

function tmpfs(mount: RunMount): MountRequest {
  const options = mount.sizeBytes === undefined ? {} : { TmpfsOptions: { SizeBytes: mount.sizeBytes } };
  return { Type: 'tmpfs', Target: mount.target, ...options };
}

/** The mounts with absolute targets; that of a secret which is only a variable stays ''. */
function placed({ state }: Step, mounts: readonly RunMount[]): RunMount[] {
  const agents = mounts.filter(({ type }) => type === 'ssh');
  return mounts.map((mount) => {
    const target = mount.target === '' ? defaultTarget(mount, agents.indexOf(mount)) : mount.target;
    return target === ''
      ? mount
      : { ...mount, target: path.posix.resolve('/', state.config.WorkingDir ?? '', target) };
  });
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
  const id = mount.id ?? mount.target;
  const name = createHash('sha256')
    .update(`${mount.from ?? ''}\0${id}`)
    .digest('hex')
    .slice(0, 32);
  const next = async (): Promise<T> => {
    const source = await makeCache(step, mount, name);
    prepared.mounts.push(bind(mount, source));
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
    const { uid, gid } = step.session.deps.toHostIds({ uid: mount.uid ?? 0, gid: mount.gid ?? 0 });
    await chown(source, uid, gid);
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
    await materialize(tree, node, source, step.session.deps.toHostIds);
  } finally {
    await tree.close();
  }
  return true;
}
