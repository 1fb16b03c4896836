import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError, errnoOf, invalidArgument, messageOf, notFound } from '../../lib/errors.ts';

/** The file's text without surrounding white space, or '' when it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return '';
  }
}

/**
 * A container's directory below a hierarchy. SECURITY: the request's CgroupParent is cleaned as an absolute path
 * first, so `..` cannot leave the hierarchy.
 */
export function relativeDirectory(engineParent: string, id: string, requested = ''): string {
  if (requested.includes('\0')) throw invalidArgument(`invalid cgroup parent: ${JSON.stringify(requested)}`);
  return path.posix.join(requested === '' ? `/${engineParent}` : path.posix.normalize(`/${requested}`), id);
}

/** Makes `relative` and the directories above it in `root`; calls `made` for each, parents first. */
export function makeDirectories(root: string, relative: string, made: (directory: string) => void): void {
  let current = root;
  for (const part of relative.split('/').filter((name) => name !== '')) {
    current = path.posix.join(current, part);
    if (!existsSync(current)) mkdirSync(current, { recursive: true, mode: 0o755 });
    made(current);
  }
}

/** Removes an empty cgroup; one that is in use or gone stays as it is. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Writes a control file; false when the kernel refuses. */
export function tryWrite(file: string, value: string): boolean {
  try {
    writeFileSync(file, value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Sets a limit of a running container. Not synchronous: a memory limit below what is used makes the kernel reclaim
 * first. Rejects with `write VALUE to FILE: reason`.
 */
export async function writeLimit({ file, value }: { file: string; value: string }): Promise<void> {
  try {
    await writeFile(file, value);
  } catch (cause) {
    const reason = REASONS[errnoOf(cause) ?? ''] ?? messageOf(cause);
    throw new EngineError('internal', `failed to write ${JSON.stringify(value)} to ${file}: ${reason}`, {
      cause,
    });
  }
}

const REASONS: Record<string, string> = {
  EBUSY: 'device or resource busy',
  EINVAL: 'invalid argument',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
};

const WANTED_CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'];

/** v2: hands down what there is, one by one: a single one that cannot be enabled would refuse all of them. */
export function enableControllers(directory: string): void {
  const enabled = new Set(readText(`${directory}/cgroup.subtree_control`).split(' '));
  const available = readText(`${directory}/cgroup.controllers`).split(' ');
  for (const controller of WANTED_CONTROLLERS) {
    if (!available.includes(controller) || enabled.has(controller)) continue;
    tryWrite(`${directory}/cgroup.subtree_control`, `+${controller}`);
  }
}

/** Pids of a cgroup and of the cgroups below it that the container made itself. Rejects not-found when it is gone. */
export async function collectPids(directory: string): Promise<number[]> {
  let text: string;
  try {
    text = await readFile(`${directory}/cgroup.procs`, 'latin1');
  } catch (cause) {
    throw notFound(`the cgroup ${directory} is gone`, { cause });
  }
  const entries = await readdir(directory, { withFileTypes: true });
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => `${directory}/${entry.name}`);
  // A cgroup below may be removed between readdir and here.
  const nested = await Promise.all(below.map((child) => collectPids(child).catch(() => [])));
  return [
    ...text
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
    ...nested.flat(),
  ];
}
