import { realpath } from 'node:fs/promises';
import { readMountTable, type MountEntry } from '../lib/mount-table.ts';
import type { MountPoint } from './record.ts';

/**
 * A mount below a bind can reach the host, or come from there, only where the host's own mount hands it on: Docker's
 * text for a source whose mount does not, undefined for one that does. Docker refuses to start the container; on a host
 * whose root is private, as without systemd, that keeps every monitoring container from starting for nothing.
 */
export async function missingPropagation({
  source,
  propagation,
}: Pick<MountPoint, 'source' | 'propagation'>): Promise<string | undefined> {
  const shared = /^r?shared$/.test(propagation);
  if (!shared && !/^r?slave$/.test(propagation)) return undefined;
  const real = await realpath(source).catch(() => source);
  const mount = mountOf(await readMountTable(), real);
  const has = (kind: string): boolean => mount?.fields.some((field) => field.startsWith(kind)) === true;
  if (!mount || has('shared:') || (!shared && has('master:'))) return undefined;
  return `path ${source} is mounted on ${mount.point} but it is not a ${shared ? 'shared' : 'shared or slave'} mount`;
}

/** The topmost mount that `file` lies on. */
export function mountOf(table: MountEntry[], file: string): MountEntry | undefined {
  let found: MountEntry | undefined;
  for (const entry of table) {
    const { point } = entry;
    const isAbove = file === point || file.startsWith(point === '/' ? '/' : `${point}/`);
    // A later line of the same length lies on top.
    if (isAbove && !(found && found.point.length > point.length)) found = entry;
  }
  return found;
}
