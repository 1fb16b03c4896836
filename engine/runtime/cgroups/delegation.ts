import { accessSync, constants, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readProcess } from './process-tree.ts';
import { enableControllers, readText, tryWrite } from './tree.ts';

/** Where the engine itself goes, since no process may be where controllers are handed down. */
const LEAF = 'gantry-engine';
const LEAF_FILE = 'cgroup.path';
const RELEASE_ATTEMPTS = 50;
const RELEASE_INTERVAL_MS = 20;

interface Places {
  /** Mount point of cgroup v2. */
  root: string;
  procfs: string;
}
const HOST: Places = { root: '/sys/fs/cgroup', procfs: '/proc' };

/**
 * The directory below which an ordinary user's engine, itself in its leaf, may make cgroups; undefined: nowhere, and
 * containers have no limits.
 */
export function delegatedDirectory({ root, procfs }: Places = HOST): string | undefined {
  const own = ownCgroup({ root, procfs });
  return own !== undefined && path.basename(own) === LEAF ? path.dirname(own) : undefined;
}

/**
 * Makes room for containers in the cgroup that this process was started in, if that was delegated to the user
 * (`systemd-run --user --scope -p Delegate=yes`, or `Delegate=yes` of a service; cgroup-v2.rst, Delegation): moves
 * itself, and whoever of its ancestors is there, into a leaf, and hands down the controllers. Where others are in it,
 * too, all stays as it was. An engine that starts again comes back to where its containers are.
 */
export function enterDelegatedCgroup(runRoot: string, places: Places = HOST): void {
  const remembered = readText(path.join(runRoot, LEAF_FILE));
  if (remembered !== '' && tryWrite(path.join(remembered, 'cgroup.procs'), String(process.pid))) return;
  const own = ownCgroup(places);
  if (own === undefined || path.basename(own) === LEAF || !isDelegated(own)) return;
  const leaf = path.join(own, LEAF);
  mkdirSync(leaf, { recursive: true });
  const moved = ancestry(places.procfs).filter((pid) => pidsOf(own).includes(pid) && moveTo(leaf, pid));
  enableControllers(own);
  if (readText(path.join(own, 'cgroup.subtree_control')) !== '') {
    writeFileSync(path.join(runRoot, LEAF_FILE), leaf, { mode: 0o600 });
    return;
  }
  for (const pid of moved) moveTo(own, pid);
  rmdirSync(leaf);
}

/** Gives the cgroup back as it was, once nothing of the engine is in it but this process. */
export async function leaveDelegatedCgroup(runRoot: string, { root, procfs }: Places = HOST): Promise<void> {
  const own = delegatedDirectory({ root, procfs });
  if (own === undefined) return;
  const leaf = path.join(own, LEAF);
  const kept = new Set(ancestry(procfs));
  for (let attempt = 0; pidsOf(leaf).some((pid) => !kept.has(pid)); attempt += 1) {
    if (attempt === RELEASE_ATTEMPTS) return;
    await delay(RELEASE_INTERVAL_MS);
  }
  for (const controller of readText(path.join(own, 'cgroup.subtree_control')).split(' ').filter(Boolean)) {
    tryWrite(path.join(own, 'cgroup.subtree_control'), `-${controller}`);
  }
  for (const pid of pidsOf(leaf)) moveTo(own, pid);
  rmdirSync(leaf);
  tryWrite(path.join(runRoot, LEAF_FILE), '');
}

/** undefined on a host whose hierarchy is not the unified one alone. */
function ownCgroup({ root, procfs }: Places): string | undefined {
  if (!existsSync(path.join(root, 'cgroup.controllers'))) return undefined;
  const line = /^0::(\/.*)$/m.exec(readText(path.join(procfs, 'self/cgroup')))?.[1];
  return line === undefined ? undefined : path.join(root, line);
}

/** The three that delegation gives away, and controllers to hand on. The root of all is nobody's to divide. */
function isDelegated(directory: string): boolean {
  try {
    for (const name of ['.', 'cgroup.procs', 'cgroup.subtree_control']) {
      accessSync(path.join(directory, name), constants.W_OK);
    }
    return existsSync(path.join(directory, 'cgroup.type'));
  } catch {
    return false;
  }
}

/** This process and those that started it. */
function ancestry(procfs: string): number[] {
  const pids: number[] = [];
  for (let pid: number | undefined = process.pid; pid !== undefined && pid > 1;) {
    pids.push(pid);
    pid = readProcess(procfs, pid)?.parent;
  }
  return pids;
}

const pidsOf = (directory: string): number[] =>
  readText(path.join(directory, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);

const moveTo = (directory: string, pid: number): boolean =>
  tryWrite(path.join(directory, 'cgroup.procs'), String(pid));
