import { invalidArgument, messageOf } from '../lib/errors.ts';
import { isObject } from '../lib/field-types.ts';
import { hasCapability } from './capabilities.ts';

/** A condition on one argument, `arg OP value`; masked: `(arg & value) == valueTwo`. */
export interface ArgumentCheck {
  index: number;
  value: number;
  valueTwo?: number;
  op: ArgumentOperator;
  /**
   * Ours, not in JSON profiles: compare only the low 32 bits, for a parameter that the kernel declares as int and
   * truncates. Without it, `socket(1 << 32 | AF_ALG)` passes a 64-bit `> AF_VSOCK` and opens AF_ALG.
   */
  width?: 32;
}

const ARGUMENT_OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;
export type ArgumentOperator = (typeof ARGUMENT_OPERATORS)[number];

interface RuleFilter {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string;
}

export interface SyscallRule {
  names: string[];
  action: string;
  errnoRet?: number | null;
  args?: ArgumentCheck[] | null;
  includes?: RuleFilter | null;
  excludes?: RuleFilter | null;
}

/** Docker's profile format, a superset of the OCI runtime specification's `linux.seccomp`. */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number | null;
  architectures?: string[] | null;
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  syscalls: SyscallRule[];
}

/** What the `includes` and `excludes` of a rule are decided on. */
export interface ProfileContext {
  bounding: bigint;
  /** Go's name, as profiles write it: amd64, arm64. */
  arch: string;
  kernel: { major: number; minor: number };
}

/** The rules that apply in this context: every include must hold, no exclude may. */
export function selectRules(profile: SeccompProfile, context: ProfileContext): SyscallRule[] {
  return profile.syscalls.filter(
    ({ includes, excludes }) => !isExcluded(excludes ?? {}, context) && isIncluded(includes ?? {}, context),
  );
}

const isExcluded = (filter: RuleFilter, { bounding, arch, kernel }: ProfileContext): boolean =>
  (filter.arches ?? []).includes(arch) ||
  (filter.caps ?? []).some((name) => hasCapability(bounding, name)) ||
  (filter.minKernel !== undefined && isAtLeast(kernel, filter.minKernel));

const isIncluded = (filter: RuleFilter, { bounding, arch, kernel }: ProfileContext): boolean =>
  (!filter.arches?.length || filter.arches.includes(arch)) &&
  (filter.caps ?? []).every((name) => hasCapability(bounding, name)) &&
  (filter.minKernel === undefined || isAtLeast(kernel, filter.minKernel));

function isAtLeast(kernel: ProfileContext['kernel'], minimum: string): boolean {
  const [major = 0, minor = 0] = minimum.split('.').map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

/** Reads a profile as a client sent it. Throws invalid-argument; nothing that is not understood is passed over. */
export function parseProfile(text: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(messageOf(error));
  }
  if (!isObject(value)) throw broken('not an object');
  if (typeof value['defaultAction'] !== 'string') throw broken('defaultAction is missing');
  const profile = value as unknown as SeccompProfile;
  if (profile.architectures?.length && profile.archMap?.length) {
    throw invalidArgument(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  return { ...profile, syscalls: list(value['syscalls']).map(parseRule) };
}

function parseRule(rule: unknown): SyscallRule {
  if (!isObject(rule)) throw broken('a rule is not an object');
  const names = list(rule['names']);
  // Before Docker 1.13 a rule named one call.
  if (typeof rule['name'] === 'string') {
    if (names.length > 0) {
      throw invalidArgument(
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    names.push(rule['name']);
  }
  if (names.some((name) => typeof name !== 'string')) throw broken('a name is not a string');
  if (typeof rule['action'] !== 'string') throw broken('a rule has no action');
  const { errnoRet } = rule as unknown as SyscallRule;
  return {
    names: names as string[],
    action: rule['action'],
    errnoRet,
    args: list(rule['args']).map(parseCheck),
    includes: parseFilter(rule['includes']),
    excludes: parseFilter(rule['excludes']),
  };
}

function parseFilter(filter: unknown): RuleFilter {
  if (filter === undefined || filter === null) return {};
  if (!isObject(filter)) throw broken('a filter is not an object');
  const { minKernel } = filter;
  if (
    minKernel !== undefined &&
    !(typeof minKernel === 'string' && /^(?:\d{1,3}\.\d{1,3})?$/.test(minKernel))
  ) {
    throw broken(`invalid kernel version: ${JSON.stringify(minKernel)}, expected "<kernel>.<major>"`);
  }
  const caps = list(filter['caps']).map(String);
  const arches = list(filter['arches']).map(String);
  return { caps, arches, ...(minKernel ? { minKernel } : {}) };
}

function parseCheck(check: unknown): ArgumentCheck {
  if (!isObject(check)) throw broken('an argument check is not an object');
  const { index, value = 0, valueTwo = 0, op } = check;
  if (!isWhole(index) || index > 5) throw broken('an argument index is not within 0 and 5');
  // Above 2^53 JSON numbers are not exact in JavaScript: refusing is better than comparing with another value.
  if (!isWhole(value) || !isWhole(valueTwo))
    throw broken('an argument value is not an exact unsigned integer');
  const operator = ARGUMENT_OPERATORS.find((name) => name === op);
  if (operator === undefined) throw broken(`unknown operator ${String(op)}`);
  return { index, value, valueTwo, op: operator };
}

const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function list(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw broken('a list is expected');
  return [...(value as unknown[])];
}

const broken = (reason: string) => invalidArgument(`Decoding seccomp profile failed: ${reason}`);
