// Memory and CPU of an engine with everything it started on the host's side: daemons, shims, proxies.
import { readFileSync, readdirSync } from 'node:fs';

const CLOCK_TICKS_PER_SECOND = 100;

/** Pids of a process's descendants and of shims that name its directory, without what runs inside containers. */
export function processesOf({ pid, home }) {
  const parents = new Map();
  const commands = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      parents.set(Number(name), Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]));
      commands.set(Number(name), {
        text: readFileSync(`/proc/${name}/cmdline`, 'utf8'),
        depth: /^NSpid:\s*(.*)$/m.exec(status)?.[1],
      });
    } catch {
      // It ended meanwhile.
    }
  }
  const isOurs = (candidate) => {
    for (let at = candidate; at > 1; at = parents.get(at) ?? 0) if (at === pid) return true;
    return commands.get(candidate)?.text.includes(home) ?? false;
  };
  // A process in a pid namespace of its own belongs to a container.
  return [...parents.keys()].filter(
    (candidate) => isOurs(candidate) && !/\s/.test(commands.get(candidate)?.depth ?? ''),
  );
}

/** MiB, resident and proportional. */
export function memoryOf(pids) {
  let rss = 0;
  let pss = 0;
  for (const pid of pids) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      rss += Number(/^Rss:\s*(\d+)/m.exec(rollup)?.[1] ?? 0);
      pss += Number(/^Pss:\s*(\d+)/m.exec(rollup)?.[1] ?? 0);
    } catch {
      // It ended meanwhile.
    }
  }
  return { rss: rss / 1024, pss: pss / 1024 };
}

/** Seconds of CPU that the processes used so far. */
export function cpuSecondsOf(pids) {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks / CLOCK_TICKS_PER_SECOND;
}
