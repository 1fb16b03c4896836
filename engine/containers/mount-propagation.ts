import { readFile, realpath } from 'node:fs/promises';
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
  const mount = mountOf(await readFile('/proc/self/mountinfo', 'latin1'), real);
  const has = (kind: string): boolean => mount?.fields.some((field) => field.startsWith(kind)) === true;
  if (!mount || has('shared:') || (!shared && has('master:'))) return undefined;
  return `path ${source} is mounted on ${mount.point} but it is not a ${shared ? 'shared' : 'shared or slave'} mount`;
}

/** The topmost mount that `file` lies on, with its optional fields (proc_pid_mountinfo(5)). */
export function mountOf(mountinfo: string, file: string): { point: string; fields: string[] } | undefined {
  let found: { point: string; fields: string[] } | undefined;
  for (const line of mountinfo.split('\n')) {
    const columns = line.split(' ');
    const point = (columns[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = point !== '' && (file === point || file.startsWith(point === '/' ? '/' : `${point}/`));
    // A later line of the same length lies on top.
    if (!isAbove || (found && found.point.length > point.length)) continue;
    found = { point, fields: columns.slice(6, columns.indexOf('-')) };
  }
  return found;
}
