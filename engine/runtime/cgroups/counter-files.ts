import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import os from 'node:os';
import type { Sample } from '../../stats/stats.ts';

/** USER_HZ is 100 on every architecture that Gantry runs on. */
export const NS_PER_TICK = 10_000_000n;
const MAX_FILE_BYTES = 64 * 1024;
const buffer = Buffer.alloc(MAX_FILE_BYTES);

/** Files read again and again: opened on first use, then pread. A file that is not there reads as ''. */
export class CounterFiles {
  readonly #descriptors = new Map<string, number | undefined>();

  read(file: string): string {
    if (!this.#descriptors.has(file)) this.#descriptors.set(file, open(file));
    const descriptor = this.#descriptors.get(file);
    if (descriptor === undefined) return '';
    try {
      return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, MAX_FILE_BYTES, 0)).trim();
    } catch {
      return ''; // ENODEV: the cgroup was removed meanwhile
    }
  }

  number(file: string): number {
    return toNumber(this.read(file));
  }

  bigint(file: string): bigint {
    return toBigint(this.read(file));
  }

  /** Lines of `name value`. */
  table(file: string): Record<string, number> {
    return parseTable(this.read(file));
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) if (descriptor !== undefined) closeSync(descriptor);
    this.#descriptors.clear();
  }
}

function open(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch {
    return undefined;
  }
}

/** `max` and what is no number read as the fallback. */
export function toNumber(text: string, fallback = 0): number {
  return /^\d+$/.test(text) ? Number(text) : fallback;
}

export const toBigint = (text: string): bigint => (/^\d+$/.test(text) ? BigInt(text) : 0n);

function parseTable(text: string): Record<string, number> {
  const table: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [name = '', value = ''] = line.split(' ');
    if (name !== '') table[name] = toNumber(value);
  }
  return table;
}

/** No limit, or one beyond what the machine has, is the machine's memory, as Docker answers. */
export const capMemoryLimit = (limitBytes: number): number =>
  limitBytes === 0 ? os.totalmem() : Math.min(limitBytes, os.totalmem());

/** The first line of /proc/stat, user to steal (guest time is in user already), and its number of CPUs. */
export function parseHostCpu(text: string): { hostTotalNs: bigint; onlineCpus: number } {
  const lines = text.split('\n').filter((line) => line.startsWith('cpu'));
  const fields = (lines[0] ?? '').split(/\s+/).slice(1, 9);
  const ticks = fields.slice(0, 7).reduce((sum, field) => sum + toBigint(field), 0n);
  return { hostTotalNs: ticks * NS_PER_TICK, onlineCpus: Math.max(0, lines.length - 1) };
}

/**
 * Interfaces of the process's network namespace but loopback; none where that is the host's own. Opened anew every
 * time: an open /proc/PID/net file keeps the whole namespace alive after the container is gone.
 */
export function readNetworks(procfs: string, pid: number): Sample['networks'] {
  try {
    if (readlinkSync(`${procfs}/${pid}/ns/net`) === readlinkSync(`${procfs}/self/ns/net`)) return {};
    return parseNetworks(readFileSync(`${procfs}/${pid}/net/dev`, 'latin1'));
  } catch {
    return {}; // the process is gone
  }
}

function parseNetworks(text: string): Sample['networks'] {
  const networks: Sample['networks'] = {};
  for (const line of text.split('\n').slice(2)) {
    const [name = '', counters = ''] = line.split(':').map((part) => part.trim());
    if (name === '' || name === 'lo') continue;
    const values = counters.split(/\s+/).map((field) => toNumber(field));
    const at = (index: number): number => values[index] ?? 0;
    networks[name] = {
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      txBytes: at(8),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    };
  }
  return networks;
}
