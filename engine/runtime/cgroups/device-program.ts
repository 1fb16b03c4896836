import type { DeviceRule } from '../devices.ts';

/** eBPF opcodes (linux/bpf.h); ALU operations in their 32-bit form. */
const LOAD_WORD = 0x61;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const MOVE = 0xb7;
const JUMP = 0x05;
const JUMP_NOT_EQUAL = 0x55;
const JUMP_SET = 0x45;
const EXIT = 0x95;

/** Registers: r1 is the context, r2 the type, r3 the access still to be granted, r4 and r5 the numbers. */
const RESULT = 0;
const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

const ACCESS_BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;
const TYPE_VALUES = { b: 1, c: 2 } as const;

/** BPF_MAXINSNS for programs loaded without CAP_BPF's larger limit. */
const MAX_INSTRUCTIONS = 4096;

interface Instruction {
  opcode: number;
  destination: number;
  source?: number;
  offset?: number;
  value?: number;
}

/**
 * Rules → the instructions of a BPF_PROG_TYPE_CGROUP_DEVICE program (cgroup-v2.rst, "Device controller"), with the
 * meaning of a v1 list: for each kind of access asked for, the last rule that matches decides; none refuses.
 * Empty when everything is allowed and no program is needed. Throws when there are too many rules.
 */
export function compileDeviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  if (rules.length > 0 && rules.every((rule) => rule.allow && isUnconditional(rule))) return new Uint8Array();
  const program: Instruction[] = [
    { opcode: LOAD_WORD, destination: TYPE, source: CONTEXT, offset: 0 },
    { opcode: AND, destination: TYPE, value: 0xffff },
    { opcode: LOAD_WORD, destination: ACCESS, source: CONTEXT, offset: 0 },
    { opcode: SHIFT_RIGHT, destination: ACCESS, value: 16 },
    { opcode: LOAD_WORD, destination: MAJOR, source: CONTEXT, offset: 4 },
    { opcode: LOAD_WORD, destination: MINOR, source: CONTEXT, offset: 8 },
  ];
  let isDecided = false;
  for (const rule of rules.toReversed()) {
    isDecided = isUnconditional(rule);
    if (isDecided) {
      program.push(...answer(rule.allow ? 1 : 0));
      break; // the verifier refuses instructions that cannot be reached
    }
    program.push(...compileRule(rule));
  }
  if (!isDecided) program.push(...answer(0));
  if (program.length > MAX_INSTRUCTIONS) throw new Error('too many device rules');
  return encode(program);
}

const isUnconditional = (rule: DeviceRule): boolean =>
  rule.type === 'a' && rule.major === null && rule.minor === null && accessBits(rule.access) === ALL_ACCESS;

const accessBits = (access: string): number =>
  access.split('').reduce((bits, letter) => bits | (ACCESS_BITS[letter] ?? 0), 0);

const answer = (value: 0 | 1): Instruction[] => [
  { opcode: MOVE, destination: RESULT, value },
  { opcode: EXIT, destination: 0 },
];

function compileRule(rule: DeviceRule): Instruction[] {
  const bits = accessBits(rule.access);
  const verdict: Instruction[] = rule.allow
    ? [
        { opcode: AND, destination: ACCESS, value: ALL_ACCESS & ~bits },
        { opcode: JUMP_NOT_EQUAL, destination: ACCESS, value: 0, offset: 2 },
        ...answer(1),
      ]
    : [
        { opcode: JUMP_SET, destination: ACCESS, value: bits, offset: 1 },
        { opcode: JUMP, destination: 0, offset: 2 },
        ...answer(0),
      ];
  const conditions: [number, number][] = [];
  if (rule.type !== 'a') conditions.push([TYPE, TYPE_VALUES[rule.type]]);
  if (rule.major !== null) conditions.push([MAJOR, rule.major]);
  if (rule.minor !== null) conditions.push([MINOR, rule.minor]);
  const checks = conditions.map(([register, value], index) => ({
    opcode: JUMP_NOT_EQUAL,
    destination: register,
    value,
    offset: conditions.length - index - 1 + verdict.length,
  }));
  return [...checks, ...verdict];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ opcode, destination, source = 0, offset = 0, value = 0 }, index) => {
    bytes.writeUInt8(opcode, index * 8);
    bytes.writeUInt8((source << 4) | destination, index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(value, index * 8 + 4);
  });
  return new Uint8Array(bytes);
}
