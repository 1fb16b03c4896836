import { readdirSync, readFileSync } from 'node:fs';

/** One process of /proc/PID/stat (proc_pid_stat(5)); times in clock ticks. */
export interface ProcessCounters {
  parent: number;
  userTicks: bigint;
  systemTicks: bigint;
  /** Of children that ended and were waited for, and theirs. */
  endedUserTicks: bigint;
  endedSystemTicks: bigint;
  threads: number;
  residentPages: number;
}

/** undefined: no such process. The command name, in parentheses, may hold anything. */
export function readProcess(procfs: string, pid: number): ProcessCounters | undefined {
  const text = readOrEmpty(`${procfs}/${pid}/stat`);
  if (text === '') return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (field: number): number => Number(fields[field - 3] ?? 0);
  return {
    parent: at(4),
    userTicks: BigInt(at(14)),
    systemTicks: BigInt(at(15)),
    endedUserTicks: BigInt(at(16)),
    endedSystemTicks: BigInt(at(17)),
    threads: at(20),
    residentPages: at(24),
  };
}

/**
 * Every process below `ancestor`, which is not among them. A shim is the subreaper of its container: whatever
 * double-forks or is executed stays below it (PR_SET_CHILD_SUBREAPER in prctl(2)).
 */
export function descendants(procfs: string, ancestor: number): number[] {
  const found: number[] = [];
  const queue = [ancestor];
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    const children = childrenOf(procfs, parent);
    found.push(...children);
    queue.push(...children);
  }
  return found;
}

function childrenOf(procfs: string, pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`${procfs}/${pid}/task`);
  } catch {
    return []; // it ended meanwhile
  }
  return threads.flatMap((thread) =>
    readOrEmpty(`${procfs}/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return '';
  }
}
