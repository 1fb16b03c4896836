import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { ArgumentCheck, ArgumentOperator, SyscallRule } from './seccomp-profile.ts';
import { AUDIT_ARCH, type Architecture, SYSCALLS } from './seccomp-syscalls.ts';

/** One struct sock_filter: classic BPF with relative forward jumps. */
interface Instruction {
  code: number;
  /** Instructions to skip when true, when false. */
  jt: number;
  jf: number;
  k: number;
}

/** A run of instructions that nothing jumps out of: every path ends in a return. Blocks can be put side by side. */
type Block = Instruction[];

const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_GREATER_OR_EQUAL = 0x35;
const RETURN = 0x06;

/** Offsets in struct seccomp_data. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

/** BPF_MAXINSNS of the kernel. */
const MAX_INSTRUCTIONS = 4096;
const MAX_SKIP = 255;

const EPERM = 1;
const ENOSYS = 38;
const ERRNO_ACTION = 0x00050000;
const X32_BIT = 0x40000000;

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ERRNO: ERRNO_ACTION,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRACE: 0x7ff00000,
};
const KILL_PROCESS = 0x80000000;

const instruction = (code: number, k: number, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k: k >>> 0 });
const load = (offset: number): Instruction => instruction(LOAD_WORD, offset);
const giveBack = (value: number): Instruction => instruction(RETURN, value);

interface FilterInput {
  defaultAction: string;
  defaultErrno: number | undefined;
  rules: readonly SyscallRule[];
  architectures: readonly Architecture[];
}

/**
 * Rules → the bytes of a `struct sock_filter[]`. Per architecture the numbers are sorted into ranges of one decision
 * and searched by a balanced tree, which the kernel's per-number emulation at load time runs ten times faster than
 * a linear list. A call from an architecture that is not listed kills the process; x32 calls get
 * ENOSYS, as on kernels without x32.
 */
export function compileFilter(input: FilterInput): Uint8Array {
  const program: Instruction[] = [load(ARCH_OFFSET)];
  for (const architecture of input.architectures) {
    const block = compileArchitecture(input, architecture);
    program.push(
      instruction(JUMP_EQUAL, AUDIT_ARCH[architecture], 1, 0),
      instruction(JUMP, block.length),
      ...block,
    );
  }
  program.push(giveBack(KILL_PROCESS));
  if (program.length > MAX_INSTRUCTIONS)
    throw invalidArgument('the seccomp profile is too large for the kernel');
  return encode(program);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return new Uint8Array(bytes);
}

function compileArchitecture(input: FilterInput, architecture: Architecture): Block {
  const fallback = actionValue(input.defaultAction, input.defaultErrno);
  const decisions = new Map<number, Block>();
  let highest = -1;
  for (const [number, rules] of rulesByNumber(input.rules, architecture)) {
    decisions.set(number, decide(rules, fallback));
    highest = Math.max(highest, number);
  }
  const isDenying = input.defaultAction !== 'SCMP_ACT_ALLOW' && input.defaultAction !== 'SCMP_ACT_LOG';
  const segments: Segment[] = [{ start: 0, block: [giveBack(fallback)] }];
  const add = (start: number, block: Block): void => {
    if (!sameBlock(segments.at(-1)?.block, block)) segments.push({ start, block });
  };
  for (let number = 0; number <= highest; number += 1) {
    const block = decisions.get(number) ?? [giveBack(fallback)];
    if (number === 0) segments[0] = { start: 0, block };
    else add(number, block);
  }
  // Calls newer than the profile: libc takes EPERM for a refusal but falls back on ENOSYS (as runc does since 1.0).
  add(highest + 1, [giveBack(isDenying ? ERRNO_ACTION | ENOSYS : fallback)]);
  add(X32_BIT, [giveBack(ERRNO_ACTION | ENOSYS)]);
  return [load(NUMBER_OFFSET), ...tree(segments)];
}

interface Segment {
  /** First number of the range; it ends where the next one starts. */
  start: number;
  block: Block;
}

function tree(segments: readonly Segment[]): Block {
  const [first] = segments;
  if (first === undefined) return [];
  if (segments.length === 1) return first.block;
  const middle = segments.length >> 1;
  const left = tree(segments.slice(0, middle));
  const right = tree(segments.slice(middle));
  const pivot = segments[middle]?.start ?? 0;
  const head =
    left.length <= MAX_SKIP
      ? [instruction(JUMP_GREATER_OR_EQUAL, pivot, left.length, 0)]
      : [instruction(JUMP_GREATER_OR_EQUAL, pivot, 0, 1), instruction(JUMP, left.length)];
  return [...head, ...left, ...right];
}

const sameBlock = (a: Block | undefined, b: Block): boolean =>
  a !== undefined &&
  a.length === b.length &&
  a.every((x, i) => x.code === b[i]?.code && x.k === b[i].k && x.jt === b[i].jt && x.jf === b[i].jf);

/** Names the architecture does not have are passed over, as libseccomp does. */
function rulesByNumber(
  rules: readonly SyscallRule[],
  architecture: Architecture,
): Map<number, SyscallRule[]> {
  const table = SYSCALLS[architecture];
  const found = new Map<number, SyscallRule[]>();
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = table.get(name);
      if (number !== undefined) found.set(number, [...(found.get(number) ?? []), rule]);
    }
  }
  return found;
}

/** A rule without conditions outweighs those with; else the first that matches decides (libseccomp's order). */
function decide(rules: readonly SyscallRule[], fallback: number): Block {
  const always = rules.find((rule) => !rule.args?.length);
  if (always !== undefined) return [giveBack(ruleValue(always))];
  return [...rules.flatMap(conditional), giveBack(fallback)];
}

const ruleValue = (rule: SyscallRule): number => actionValue(rule.action, rule.errnoRet ?? undefined);

function actionValue(action: string, errno = EPERM): number {
  if (action === 'SCMP_ACT_NOTIFY') throw notImplemented('the seccomp action SCMP_ACT_NOTIFY');
  const value = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (value === undefined) throw invalidArgument(`invalid seccomp action: ${action}`);
  if (!Number.isInteger(errno) || errno < 0 || errno > 4095) {
    throw invalidArgument(`invalid seccomp errnoRet: ${errno}`);
  }
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? (value | errno) >>> 0 : value;
}

/** All conditions of one rule must hold, but several on the same argument are alternatives (as in runc). */
function conditional(rule: SyscallRule): Instruction[] {
  const checks = rule.args ?? [];
  const repeated = new Set(checks.map((check) => check.index)).size < checks.length;
  const groups = repeated ? checks.map((check) => [check]) : [checks];
  return groups.flatMap((group) => {
    let code: Instruction[] = [giveBack(ruleValue(rule))];
    for (const check of group.toReversed()) code = [...compileCheck(check, code.length), ...code];
    return code;
  });
}

/** Falls through when the check holds, else skips `fail` instructions beyond its own. */
function compileCheck(check: ArgumentCheck, fail: number): Instruction[] {
  const low = load(argumentOffset(check.index));
  const high = load(argumentOffset(check.index) + 4);
  const value = halves(check.value);
  const second = halves(check.valueTwo ?? 0);
  if (check.op === 'SCMP_CMP_MASKED_EQ') {
    return [
      high,
      instruction(AND, value.high),
      instruction(JUMP_EQUAL, second.high, 0, 3 + fail),
      low,
      instruction(AND, value.low),
      instruction(JUMP_EQUAL, second.low, 0, fail),
    ];
  }
  const last = compareLow(check.op, value.low, fail);
  if (check.width === 32) return [low, last];
  return [high, ...compareHigh(check.op, value.high, fail), low, last];
}

const halves = (value: number): { high: number; low: number } => ({
  high: Number(BigInt(value) >> 32n),
  low: Number(BigInt(value) & 0xffffffffn),
});

function compareLow(op: ArgumentOperator, k: number, fail: number): Instruction {
  switch (op) {
    case 'SCMP_CMP_EQ':
      return instruction(JUMP_EQUAL, k, 0, fail);
    case 'SCMP_CMP_NE':
      return instruction(JUMP_EQUAL, k, fail, 0);
    case 'SCMP_CMP_GT':
      return instruction(JUMP_GREATER, k, 0, fail);
    case 'SCMP_CMP_GE':
      return instruction(JUMP_GREATER_OR_EQUAL, k, 0, fail);
    case 'SCMP_CMP_LT':
      return instruction(JUMP_GREATER_OR_EQUAL, k, fail, 0);
    default:
      return instruction(JUMP_GREATER, k, fail, 0);
  }
}

/** Decides on the high words; goes on to the two instructions for the low words only when they are equal. */
function compareHigh(op: ArgumentOperator, k: number, fail: number): Instruction[] {
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [instruction(JUMP_EQUAL, k, 0, 2 + fail)];
    case 'SCMP_CMP_NE':
      return [instruction(JUMP_EQUAL, k, 0, 2)];
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
      return [instruction(JUMP_GREATER, k, 3, 0), instruction(JUMP_EQUAL, k, 0, 2 + fail)];
    default:
      return [instruction(JUMP_GREATER_OR_EQUAL, k, 0, 3), instruction(JUMP_EQUAL, k, 0, 2 + fail)];
  }
}
