import { existsSync, readFileSync } from 'node:fs';

export const DEFAULT_READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

let cached: readonly string[] | undefined;

/**
 * moby's list (2026): side channels and host state a container must not read, plus one thermal_throttle
 * directory per CPU where the host has it (GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p).
 */
export function defaultMaskedPaths(): readonly string[] {
  cached ??= [...MASKED_PATHS, ...thermalThrottlePaths('/sys/devices/system/cpu')];
  return cached;
}

export function thermalThrottlePaths(cpuDirectory: string): string[] {
  let possible: string;
  try {
    possible = readFileSync(`${cpuDirectory}/possible`, 'latin1');
  } catch {
    return []; // no sysfs: nothing to mask
  }
  return parseCpuList(possible)
    .map((cpu) => `${cpuDirectory}/cpu${cpu}/thermal_throttle`)
    .filter((path) => existsSync(path));
}

/** The kernel's list format, `0-3,8` → [0,1,2,3,8]. Throws on anything else. */
export function parseCpuList(list: string): number[] {
  const text = list.trim();
  if (text === '') return [];
  return text.split(',').flatMap((part) => {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first) throw new Error(`invalid format: ${part}`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
