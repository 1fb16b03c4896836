import { createHash } from 'node:crypto';
import os from 'node:os';
import { compileFilter } from './seccomp-compiler.ts';
import { DEFAULT_PROFILE } from './seccomp-default.ts';
import { parseProfile, type ProfileContext, type SeccompProfile, selectRules } from './seccomp-profile.ts';
import type { Architecture } from './seccomp-syscalls.ts';

const NATIVE: Readonly<Record<string, { go: string; architecture: Architecture }>> = {
  x64: { go: 'amd64', architecture: 'x86_64' },
  arm64: { go: 'arm64', architecture: 'arm64' },
};

const PROFILE_NAMES: Readonly<Record<string, Architecture>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'i386',
  SCMP_ARCH_AARCH64: 'arm64',
};

const cache = new Map<string, Uint8Array>();
const MAX_CACHED = 64;

/**
 * The compiled filter for `default` or a profile's JSON text, with the given bounding set. Compiled once per profile
 * and set. Throws invalid-argument for a profile that is not understood.
 */
export function seccompProgram(profile: string, bounding: bigint): Uint8Array {
  const key = `${createHash('sha256').update(profile).digest('hex')}:${bounding}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const program = compileProfile(profile === 'default' ? DEFAULT_PROFILE : parseProfile(profile), {
    bounding,
    arch: native().go,
    kernel: kernelVersion(os.release()),
  });
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(key, program);
  return program;
}

/** `default` or a profile's JSON text as the OCI runtime specification has it: rules of this host and this set only. */
export function selectProfile(profile: string, bounding: bigint): SeccompProfile {
  const parsed = profile === 'default' ? DEFAULT_PROFILE : parseProfile(profile);
  const { go, architecture } = native();
  const syscalls = selectRules(parsed, { bounding, arch: go, kernel: kernelVersion(os.release()) });
  const own = (parsed.archMap ?? []).filter((entry) => PROFILE_NAMES[entry.architecture] === architecture);
  const mapped = own.flatMap((entry) => [entry.architecture, ...(entry.subArchitectures ?? [])]);
  return {
    defaultAction: parsed.defaultAction,
    defaultErrnoRet: parsed.defaultErrnoRet ?? null,
    architectures: parsed.architectures?.length ? parsed.architectures : mapped,
    syscalls,
  };
}

/** An empty program, no confinement, for a profile without default action and rules (Docker's reading). */
export function compileProfile(profile: SeccompProfile, context: ProfileContext): Uint8Array {
  if (profile.defaultAction === '' && profile.syscalls.length === 0) return new Uint8Array();
  return compileFilter({
    defaultAction: profile.defaultAction,
    defaultErrno: profile.defaultErrnoRet ?? undefined,
    rules: selectRules(profile, context),
    architectures: architecturesOf(profile, context.arch),
  });
}

/**
 * The native architecture, always, and those of the profile that go with it. x32 and 32-bit ARM are not filtered by
 * table here: their calls are refused whatever the profile says.
 */
function architecturesOf(profile: SeccompProfile, goArch: string): Architecture[] {
  const own = Object.values(NATIVE).find(({ go }) => go === goArch)?.architecture ?? native().architecture;
  const mapped = (profile.archMap ?? []).find(({ architecture }) => PROFILE_NAMES[architecture] === own);
  const named = [...(profile.architectures ?? []), ...(mapped?.subArchitectures ?? [])];
  const others = named.flatMap((name) => PROFILE_NAMES[name] ?? []);
  return [...new Set([own, ...others.filter((other) => own === 'x86_64' && other === 'i386')])];
}

function native(): { go: string; architecture: Architecture } {
  const found = NATIVE[process.arch];
  if (found === undefined) throw new Error(`no system call table for ${process.arch}`);
  return found;
}

function kernelVersion(release: string): ProfileContext['kernel'] {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return { major, minor };
}
