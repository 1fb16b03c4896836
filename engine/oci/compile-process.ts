import { invalidArgument, notImplemented } from '../lib/errors.ts';
import { capabilityMask, hostCapabilities } from '../runtime/capabilities.ts';
import type { SpecProcess, SpecSeccomp } from '../runtime/oci/spec.ts';
import type { ProcessPlan, Rlimit } from '../runtime/plan.ts';
import { rlimitNumber } from '../runtime/rlimits.ts';
import { seccompProgram } from '../runtime/seccomp.ts';
import { hostSecurityModules } from '../runtime/security-options.ts';

const MAX_ID = 0x7fffffff;

/** `process` of config.json, or of `exec --process`, as what the native side executes. */
export function compileProcess(process: SpecProcess, seccomp: SpecSeccomp | undefined): ProcessPlan {
  refuseLabel(process.selinuxLabel);
  const { user, consoleSize, terminal = false } = process;
  const capabilities = compileCapabilities(process.capabilities ?? {});
  return {
    argv: process.args ?? [],
    env: process.env ?? [],
    cwd: process.cwd,
    user: `${idOf(user.uid)}:${idOf(user.gid)}`,
    additionalGroups: (user.additionalGids ?? []).map((gid) => String(idOf(gid))),
    capabilities,
    noNewPrivileges: process.noNewPrivileges === true,
    apparmor: appArmorProfile(process.apparmorProfile),
    seccomp: compileSeccomp(seccomp, capabilities.bounding),
    rlimits: compileRlimits(process.rlimits ?? []),
    oomScoreAdj: process.oomScoreAdj ?? null,
    tty: terminal,
    rows: terminal ? (consoleSize?.height ?? 0) : 0,
    columns: terminal ? (consoleSize?.width ?? 0) : 0,
    openStdin: true,
    stdinOnce: false,
  };
}

/** SECURITY: 2024-40635. */
function idOf(id: unknown): number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_ID)
    throw invalidArgument(`uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

/**
 * What the host lacks is left out, as runc does with a warning. SECURITY: 2022-24769: nothing becomes inheritable but
 * what is ambient, whatever the file says.
 */
function compileCapabilities(sets: NonNullable<SpecProcess['capabilities']>): ProcessPlan['capabilities'] {
  const mask = (names: string[] | undefined): bigint => capabilityMask(names ?? []) & hostCapabilities();
  const bounding = mask(sets.bounding);
  const permitted = mask(sets.permitted);
  return {
    bounding,
    permitted,
    effective: mask(sets.effective) & permitted,
    ambient: mask(sets.ambient) & permitted,
  };
}

function compileSeccomp(seccomp: SpecSeccomp | undefined, bounding: bigint): Uint8Array {
  if (!seccomp) return new Uint8Array();
  if (seccomp.listenerPath) throw notImplemented('a seccomp listener');
  return seccompProgram(JSON.stringify(seccomp), bounding);
}

function compileRlimits(limits: NonNullable<SpecProcess['rlimits']>): Rlimit[] {
  const names = limits.map(({ type }) => type);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalidArgument(`rlimit ${twice} is set twice`);
  return limits.map(({ type, soft, hard }) => ({
    resource: rlimitNumber(type),
    soft: unsigned64(soft),
    hard: unsigned64(hard),
  }));
}

/** JSON's numbers are exact up to 2^53 only; above that there is just `unlimited`. */
const unsigned64 = (value: number | bigint): bigint =>
  Number(value) >= 2 ** 63 ? 0xffff_ffff_ffff_ffffn : BigInt(value);

/** Fails closed: a confinement that was asked for and cannot be given is an error. */
function appArmorProfile(name = ''): string {
  if (name === '' || name === 'unconfined') return '';
  if (!hostSecurityModules().apparmor)
    throw invalidArgument('apparmor: config provided but apparmor not supported');
  return name;
}

/** A label means nothing to a kernel without SELinux, and is ignored there. */
export function refuseLabel(label: string | undefined): void {
  if (label && hostSecurityModules().selinux) throw notImplemented('an SELinux label');
}
