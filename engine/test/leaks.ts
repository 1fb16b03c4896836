import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';

/** Everything by which a test engine's traces on the machine can be told from others'. */
export interface EngineFootprint {
  /** Holds data root, run root and socket. */
  directory: string;
  cgroupParent: string;
  bridge: string;
  /** Value of GANTRY_TEST in the engine's environment, inherited by zygote and shims. */
  marker: string;
}

/** What the engine left behind, one line each; empty after a clean stop. */
export function findLeaks(footprint: EngineFootprint): string[] {
  return [
    ...leakedMounts(footprint),
    ...leakedCgroups(footprint),
    ...leakedProcesses(footprint),
    ...leakedLinks(footprint),
    ...leakedTables(footprint),
  ];
}

function leakedMounts({ directory }: EngineFootprint): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${directory}/`))
    .map((line) => `mount ${line.split(' ')[4]}`);
}

function leakedCgroups({ cgroupParent }: EngineFootprint): string[] {
  const hierarchies = readdirSync('/sys/fs/cgroup').map((name) => path.join('/sys/fs/cgroup', name));
  return ['/sys/fs/cgroup', ...hierarchies]
    .map((hierarchy) => path.join(hierarchy, cgroupParent))
    .filter((parent) => existsSync(parent))
    .map((parent) => `cgroup ${parent}`);
}

/** Processes of containers have an environment of their own; those are found by their cgroups. */
function leakedProcesses({ marker }: EngineFootprint): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readIfPossible(`/proc/${pid}/environ`).split('\0').includes(`GANTRY_TEST=${marker}`))
    .map((pid) => `process ${pid} ${readIfPossible(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

/** Bridges carry the data root in their alias, also those of user-defined networks. */
function leakedLinks({ directory }: EngineFootprint): string[] {
  return readdirSync('/sys/class/net')
    .filter((name) => readIfPossible(`/sys/class/net/${name}/ifalias`).includes(directory))
    .flatMap((name) => [name, ...readdirSync(`/sys/class/net/${name}/brif`)])
    .map((name) => `link ${name}`);
}

function leakedTables({ bridge }: EngineFootprint): string[] {
  return execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(bridge))
    .map((line) => `nft ${line}`);
}

function readIfPossible(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
