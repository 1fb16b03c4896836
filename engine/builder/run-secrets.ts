import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { MountRequest } from '../wire/container.ts';
import type { BuildDeps } from './builder-deps.ts';
import type { RunMount } from './run-mount.ts';
import type { Step } from './step.ts';

/** Secrets and ssh agents of one RUN, as its container gets them. */
export interface RunSecrets {
  mounts: MountRequest[];
  /** `NAME=value`, for the process alone. SECURITY: never part of a record. */
  environment: string[];
}

/** A socket that leads to an agent. */
interface Relay {
  close(): void;
}

const TMPFS_MAGIC = 0x01021994;
/** tmpfs on every Linux, shm_overview(7). */
const SHARED_MEMORY = '/dev/shm';

/** What a killed engine's builds left goes. */
export async function forgetSecrets({ runRoot }: Pick<BuildDeps, 'runRoot'>): Promise<void> {
  for (const parent of [runRoot, SHARED_MEMORY]) {
    const names = await readdir(parent).catch((): string[] => []);
    for (const name of names.filter((found) => found.startsWith(prefixOf(runRoot)))) {
      const place = path.join(parent, name);
      if (await isOurs(place)) await rm(place, { recursive: true, force: true });
    }
  }
}

const prefixOf = (runRoot: string): string =>
  `gantry-build-${createHash('sha256').update(runRoot).digest('hex').slice(0, 16)}-`;

/** SECURITY: anybody may make a directory in /dev/shm, and change what is in it while we remove it. */
async function isOurs(place: string): Promise<boolean> {
  const stats = await lstat(place).catch(() => undefined);
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
}

/**
 * A new directory that only we enter. SECURITY: secrets are written nowhere but into memory; the run root is not always
 * there. Throws invalid-argument where no tmpfs can be had.
 */
async function makePlace(runRoot: string, name: string): Promise<string> {
  for (const parent of [runRoot, SHARED_MEMORY]) {
    const { type } = await statfs(parent).catch(() => ({ type: 0 }));
    if (type !== TMPFS_MAGIC) continue;
    const place = path.join(parent, prefixOf(runRoot) + name);
    await mkdir(place, { mode: 0o700 });
    return place;
  }
  throw invalidArgument(`build secrets need a tmpfs, and neither ${runRoot} nor ${SHARED_MEMORY} is one`);
}

/**
 * Makes what `--mount=type=secret` and `type=ssh` ask for in memory while `use` runs. `name`: new, of this step.
 * Throws invalid-argument with BuildKit's texts for what is required and was not given.
 */
export async function withSecrets<T>(
  step: Step,
  mounts: readonly RunMount[],
  name: string,
  use: (secrets: RunSecrets) => Promise<T>,
): Promise<T> {
  const wanted = mounts.filter(({ type }) => type === 'secret' || type === 'ssh');
  if (wanted.length === 0) return use({ mounts: [], environment: [] });
  const { runRoot } = step.session.deps;
  const secrets: RunSecrets = { mounts: [], environment: [] };
  const agents: Relay[] = [];
  let directory: string | undefined;
  const newFile = async (): Promise<string> => {
    directory ??= await makePlace(runRoot, name);
    return path.join(directory, String(secrets.mounts.length));
  };
  try {
    for (const mount of wanted) {
      if (mount.type === 'secret') await addSecret(step, mount, newFile, secrets);
      else await addAgent(step, mount, { newFile, agents }, secrets);
    }
    return await use(secrets);
  } finally {
    for (const agent of agents) agent.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function addSecret(
  step: Step,
  mount: RunMount,
  newFile: () => Promise<string>,
  { mounts, environment }: RunSecrets,
): Promise<void> {
  const id = secretId(mount);
  const content = step.session.options.secrets.get(id);
  if (!content) {
    if (mount.required) throw invalidArgument(`secret ${id}: not found`);
    return;
  }
  if (mount.env !== undefined)
    environment.push(`${mount.env === '' ? id : mount.env}=${Buffer.from(content).toString('utf8')}`);
  if (mount.target === '') return;
  const file = await newFile();
  await writeFile(file, content, { flag: 'wx', mode: 0o600 });
  await give(step, file, mount, 0o400);
  mounts.push({ Type: 'bind', Source: file, Target: mount.target, ReadOnly: true });
}

function secretId({ id, source, target }: RunMount): string {
  return id ?? path.posix.basename(source === '' ? target : source);
}

/** Where a mount of the n-th kind is seen; '': a secret that is a variable only. The defaults are BuildKit's. */
export function defaultTarget(mount: RunMount, index: number): string {
  if (mount.type === 'ssh') return `/run/buildkit/ssh_agent.${index}`;
  return mount.type === 'secret' && mount.env === undefined ? `/run/secrets/${secretId(mount)}` : '';
}

/** A socket that leads to the agent; the step never sees the agent's own. */
async function addAgent(
  step: Step,
  mount: RunMount,
  { newFile, agents }: { newFile: () => Promise<string>; agents: Relay[] },
  { mounts, environment }: RunSecrets,
): Promise<void> {
  const id = mount.id ?? 'default';
  const agent = step.session.options.sshAgents.get(id);
  if (agent === undefined) {
    if (mount.required) throw invalidArgument(`no SSH key "${id}" forwarded from the client`);
    return;
  }
  const { target } = mount;
  const file = await newFile();
  agents.push(await relay(file, agent));
  await give(step, file, mount, 0o600);
  mounts.push({ Type: 'bind', Source: file, Target: target, ReadOnly: true });
  if (agents.length === 1) environment.push(`SSH_AUTH_SOCK=${target}`);
}

/** Passes on what connects to `listenAt`, until it is closed. Throws invalid-argument when `agent` does not answer. */
async function relay(listenAt: string, agent: string): Promise<Relay> {
  const probe = connect(agent);
  try {
    await once(probe, 'connect');
  } catch (error) {
    throw invalidArgument(`the ssh agent at ${agent} does not answer: ${messageOf(error)}`, { cause: error });
  } finally {
    probe.destroy();
  }
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const peer = connect(agent);
    for (const socket of [client, peer]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    // A failure of one ends both; who broke off is of no interest to the other.
    pipeline(client, peer, client, () => undefined);
  });
  server.listen(listenAt);
  await once(server, 'listening');
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function give({ session }: Step, file: string, mount: RunMount, mode: number): Promise<void> {
  const { toHostIds } = session.deps;
  const { uid, gid } = toHostIds({ uid: mount.uid ?? 0, gid: mount.gid ?? 0 });
  await chmod(file, mount.mode ?? mode);
  await chown(file, uid, gid);
}
