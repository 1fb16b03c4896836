import { readFileSync } from 'node:fs';
import { invalidArgument } from '../lib/errors.ts';
import type { CapabilitySets } from './plan.ts';

/** Capability names by their number (linux/capability.h). */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

/** Docker's default set: 0x00000000a80425fb. */
const DEFAULTS = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'MKNOD',
  'AUDIT_WRITE',
  'SETFCAP',
];

const NUMBERS: ReadonlyMap<string, bigint> = new Map(
  NAMES.map((name, number) => [`CAP_${name}`, BigInt(number)]),
);

const maskOf = (names: readonly string[]): bigint =>
  names.reduce((mask, name) => mask | (1n << (NUMBERS.get(name) ?? 0n)), 0n);

export const DEFAULT_CAPABILITIES: bigint = maskOf(DEFAULTS.map((name) => `CAP_${name}`));

/** The names of a mask, `CAP_CHOWN` and on. */
export const capabilityNames = (mask: bigint): string[] =>
  [...NUMBERS].filter(([, number]) => (mask & (1n << number)) !== 0n).map(([name]) => name);

/** The mask of names as config.json has them, `CAP_CHOWN`; a name that no kernel has yet counts for nothing. */
export const capabilityMask = (names: readonly string[]): bigint =>
  names.reduce((mask, name) => {
    const number = NUMBERS.get(name.toUpperCase());
    return number === undefined ? mask : mask | (1n << number);
  }, 0n);

let cachedBounding: bigint | undefined;

/** What `ALL` means here: the engine's own bounding set (a sandboxed host may lack some), which it never changes. */
export function hostCapabilities(): bigint {
  cachedBounding ??= readBounding('/proc/self/status');
  return cachedBounding;
}

function readBounding(statusFile: string): bigint {
  const match = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(statusFile, 'latin1'));
  const known = (1n << BigInt(NAMES.length)) - 1n;
  return match?.[1] === undefined ? known : BigInt(`0x${match[1]}`) & known;
}

export const hasCapability = (mask: bigint, name: string): boolean => {
  const number = NUMBERS.get(name);
  return number !== undefined && (mask & (1n << number)) !== 0n;
};

interface CapabilityRequest {
  add: readonly string[];
  drop: readonly string[];
  privileged: boolean;
}

/**
 * The bounding set by Docker's rules: names are case-insensitive, `CAP_` is optional, `ALL` is magic.
 * Throws invalid-argument with Docker's text for an unknown or unavailable name.
 */
export function resolveCapabilities(request: CapabilityRequest, available = hostCapabilities()): bigint {
  if (request.privileged) return available;
  const drop = normalise(request.drop, available);
  const add = normalise(request.add, available);
  if (add.all) return available & ~drop.mask;
  if (drop.all) return add.mask;
  return (DEFAULT_CAPABILITIES & available & ~drop.mask) | add.mask;
}

/** Throws invalid-argument, prefixed with the field's name as Docker does at create. */
export function validateCapabilities(
  field: 'CapAdd' | 'CapDrop',
  names: readonly string[],
  available: bigint,
): void {
  normalise(names, available, `invalid ${field}: `);
}

/**
 * Sets for a process. A user other than root ends with empty permitted and effective sets although they are
 * asked for here: execve of an ordinary file grants a non-root user only `file ∩ bounding | ambient`, and that is
 * nothing (capabilities(7)); the bounding set still lets setuid programs work, as under Docker.
 * SECURITY: 2022-24769: inheritable is not even expressible; nothing is ambient.
 */
export const capabilitySets = (bounding: bigint): CapabilitySets => ({
  bounding,
  effective: bounding,
  permitted: bounding,
  ambient: 0n,
});

function normalise(names: readonly string[], available: bigint, prefix = ''): { all: boolean; mask: bigint } {
  let all = false;
  let mask = 0n;
  for (const name of names) {
    const upper = name.toUpperCase();
    if (upper === 'ALL') {
      all = true;
      continue;
    }
    const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    const number = NUMBERS.get(full);
    if (number === undefined) throw invalidArgument(`${prefix}unknown capability: "${full}"`);
    if ((available & (1n << number)) === 0n) {
      throw invalidArgument(
        `${prefix}capability not supported by your kernel or not available in the current environment: "${full}"`,
      );
    }
    mask |= 1n << number;
  }
  return { all, mask };
}
