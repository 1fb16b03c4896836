import { readFile, realpath } from 'node:fs/promises';

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface MountEntry {
  /** Where it is mounted. */
  point: string;
  /** The optional fields: `shared:N`, `master:N`, … */
  fields: string[];
}

/** In the order of mounting. */
export function parseMountTable(mountinfo: string): MountEntry[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter((columns) => columns.length > 6)
    .map((columns) => ({
      point: (columns[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      fields: columns.slice(6, columns.indexOf('-')),
    }));
}

/** Mounts of this process, in the order of mounting. */
export const readMountTable = async (): Promise<MountEntry[]> =>
  parseMountTable(await readFile('/proc/self/mountinfo', 'latin1'));

/** Whether something is mounted at `file`, in this process's view. */
export async function isMountPoint(file: string): Promise<boolean> {
  const [real, table] = await Promise.all([realpath(file), readMountTable()]);
  // Bytes, as the table has them.
  const bytes = Buffer.from(real).toString('latin1');
  return table.some(({ point }) => point === bytes);
}
