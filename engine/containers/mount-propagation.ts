import { realpath } from 'node:fs/promises';
import { invalidArgument } from '../lib/errors.ts';
import { readMountTable, type MountEntry } from '../lib/mount-table.ts';
import type { MountPoint } from './record.ts';

/**
 * How mounts travel through a bind. Volumes are mounted and unmounted in the data root: a private copy of it would keep
 * them busy, so that what shows it takes part. Throws invalid-argument with Docker's text.
 */
export function propagationOf(
  { source, propagation }: Pick<MountPoint, 'source' | 'propagation'>,
  dataRoot: string,
): string {
  if (!isInside(source, dataRoot) && !isInside(dataRoot, source)) return propagation || 'rprivate';
  if (['', 'rslave', 'rshared'].includes(propagation)) return propagation || 'rslave';
  const quote = JSON.stringify;
  throw invalidArgument(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${quote(dataRoot)}, bind mount source: ${quote(source)}, propagation: ${quote(propagation)}`,
  );
}

const isInside = (file: string, directory: string): boolean =>
  file === directory || file.startsWith(directory === '/' ? '/' : `${directory}/`);

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
    // A later line of the same length lies on top.
    if (isInside(file, point) && !(found && found.point.length > point.length)) found = entry;
  }
  return found;
}
