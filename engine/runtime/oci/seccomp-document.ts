import type { ArgumentCheck, SeccompProfile, SyscallRule } from '../seccomp-profile.ts';
import type { SpecSeccomp } from './spec.ts';

type SpecRule = NonNullable<SpecSeccomp['syscalls']>[number];

const LOW_WORD = 0xffffffff;
/** Above AF_MAX of every kernel so far (linux/socket.h). */
const SMALL_VALUES = 64;

/** A profile of ours → `linux.seccomp`, whose checks compare 64 bits always. */
export function seccompDocument(profile: SeccompProfile): SpecSeccomp {
  const { defaultErrnoRet, architectures } = profile;
  return {
    defaultAction: profile.defaultAction,
    ...(typeof defaultErrnoRet === 'number' ? { defaultErrnoRet } : {}),
    architectures: architectures ?? [],
    syscalls: profile.syscalls.flatMap(toSpecRules),
  };
}

function toSpecRules(rule: SyscallRule): SpecRule[] {
  const { names, action, errnoRet } = rule;
  const common = { names, action, ...(typeof errnoRet === 'number' ? { errnoRet } : {}) };
  const alternatives = (rule.args ?? []).map(toSpecChecks);
  if (alternatives.length === 0) return [common];
  // Checks of one rule must all hold, rules of one call are alternatives.
  return alternatives
    .reduce<SpecCheck[][]>(
      (combined, checks) => combined.flatMap((all) => checks.map((check) => [...all, check])),
      [[]],
    )
    .map((args) => ({ ...common, args }));
}

type SpecCheck = NonNullable<SpecRule['args']>[number];

/** SECURITY: 2026-31431: a check of the low word becomes exact values under a mask, so that high bits do not evade it. */
function toSpecChecks({ index, op, value, valueTwo, width }: ArgumentCheck): SpecCheck[] {
  if (width === undefined) return [{ index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }];
  const isMet: Partial<Record<ArgumentCheck['op'], (candidate: number) => boolean>> = {
    SCMP_CMP_LT: (candidate) => candidate < value,
    SCMP_CMP_GT: (candidate) => candidate > value,
  };
  const holds = isMet[op];
  const values = holds ? Array.from({ length: SMALL_VALUES }, (_, number) => number).filter(holds) : [value];
  return values.map((one) => ({ index, op: 'SCMP_CMP_MASKED_EQ', value: LOW_WORD, valueTwo: one }));
}
