import { readFileSync } from 'node:fs';

/**
 * Field 22 of /proc/PID/stat: with it a pid names one process for good. Counted behind the command name, which may
 * hold anything. undefined: no such process, or only a zombie that its parent has not collected yet.
 */
export function startTimeOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? undefined : fields[18];
}
