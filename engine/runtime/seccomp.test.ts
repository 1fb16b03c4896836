import { describe, expect, test } from 'vitest';
import { DEFAULT_CAPABILITIES, resolveCapabilities } from './capabilities.ts';
import { DEFAULT_PROFILE } from './seccomp-default.ts';
import { parseProfile, selectRules } from './seccomp-profile.ts';
import { AUDIT_ARCH, type Architecture, SYSCALLS } from './seccomp-syscalls.ts';
import { compileProfile, seccompProgram } from './seccomp.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;
const EPERM = errno(1);
const ENOSYS = errno(38);
const ALL = (1n << 41n) - 1n;
const kernel = { major: 6, minor: 18 };

interface Call {
  architecture?: Architecture | number;
  number: number;
  args?: bigint[];
}

/** The kernel's classic BPF machine, as far as seccomp allows it. */
function run(program: Uint8Array, call: Call): number {
  const data = Buffer.alloc(64);
  const { architecture = 'x86_64', number, args = [] } = call;
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(typeof architecture === 'number' ? architecture : AUDIT_ARCH[architecture], 4);
  args.forEach((value, index) => data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index));
  const code = Buffer.from(program);
  let accumulator = 0;
  for (let at = 0; at * 8 < code.length; at += 1) {
    const opcode = code.readUInt16LE(at * 8);
    const jt = code.readUInt8(at * 8 + 2);
    const jf = code.readUInt8(at * 8 + 3);
    const k = code.readUInt32LE(at * 8 + 4);
    if (opcode === 0x20) accumulator = data.readUInt32LE(k);
    else if (opcode === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (opcode === 0x05) at += k;
    else if (opcode === 0x15) at += accumulator === k ? jt : jf;
    else if (opcode === 0x25) at += accumulator > k ? jt : jf;
    else if (opcode === 0x35) at += accumulator >= k ? jt : jf;
    else if (opcode === 0x06) return k;
    else throw new Error(`opcode ${opcode} at ${at}`);
  }
  throw new Error('ran off the end');
}

const compile = (bounding: bigint, arch = 'amd64'): Uint8Array =>
  compileProfile(DEFAULT_PROFILE, { bounding, arch, kernel });

const numberOf = (name: string, architecture: Architecture = 'x86_64'): number => {
  const number = SYSCALLS[architecture].get(name);
  if (number === undefined) throw new Error(`no ${name} on ${architecture}`);
  return number;
};

describe('the default profile', () => {
  const program = compile(DEFAULT_CAPABILITIES);
  const decide = (name: string, ...args: bigint[]): number => run(program, { number: numberOf(name), args });

  for (const [arch, architecture] of [
    ['amd64', 'x86_64'],
    ['amd64', 'i386'],
    ['arm64', 'arm64'],
  ] as const) {
    test(`decides every ${architecture} call as its rules say`, () => {
      const compiled = compile(DEFAULT_CAPABILITIES, arch);
      const rules = selectRules(DEFAULT_PROFILE, { bounding: DEFAULT_CAPABILITIES, arch, kernel });
      const plain = new Set(rules.filter((rule) => !rule.args?.length).flatMap((rule) => rule.names));
      const conditional = new Set(rules.filter((rule) => rule.args?.length).flatMap((rule) => rule.names));
      const highest = Math.max(
        ...rules.flatMap((rule) => rule.names).map((name) => SYSCALLS[architecture].get(name) ?? 0),
      );
      for (const [name, number] of SYSCALLS[architecture]) {
        if (conditional.has(name)) continue;
        const refused = number > highest || name === 'clone3' ? ENOSYS : EPERM;
        const expected = plain.has(name) && name !== 'clone3' ? ALLOW : refused;
        expect([name, run(compiled, { architecture, number })]).toEqual([name, expected]);
      }
    });
  }

  test('what reaches outside the container is refused', () => {
    for (const name of [
      'mount',
      'unshare',
      'setns',
      'bpf',
      'keyctl',
      'add_key',
      'io_uring_setup',
      'userfaultfd',
      'perf_event_open',
      'pivot_root',
      'swapon',
      'kexec_load',
      'init_module',
      'open_by_handle_at',
      'reboot',
      'move_mount',
      'fsopen',
      'quotactl',
      'settimeofday',
      'iopl',
      'syslog',
      'kcmp',
    ]) {
      expect([name, decide(name)]).toEqual([name, EPERM]);
    }
    expect(decide('clone3')).toBe(ENOSYS);
  });

  test('calls newer than the profile seem not to exist', () => {
    expect(run(program, { number: 600 })).toBe(ENOSYS);
  });

  test('AF_ALG, AF_VSOCK and AF_RXRPC cannot be opened, not even with garbage in the upper half', () => {
    for (const family of [33n, 38n, 40n]) {
      expect(decide('socket', family)).toBe(EPERM);
      expect(decide('socket', family | (1n << 32n))).toBe(EPERM);
    }
    for (const family of [1n, 2n, 10n, 16n, 17n, 32n, 34n, 37n, 39n, 41n, 44n])
      expect(decide('socket', family)).toBe(ALLOW);
    expect(run(program, { architecture: 'i386', number: numberOf('socketcall', 'i386') })).toBe(EPERM);
  });

  test('clone makes processes and threads but no namespaces', () => {
    expect(decide('clone', 0x11n)).toBe(ALLOW);
    expect(decide('clone', 0x3d0f00n)).toBe(ALLOW);
    for (const flag of [
      0x20000n,
      0x2000000n,
      0x4000000n,
      0x8000000n,
      0x10000000n,
      0x20000000n,
      0x40000000n,
    ]) {
      expect(decide('clone', flag | 0x11n)).toBe(EPERM);
    }
  });

  test('personality takes the five harmless values', () => {
    for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn])
      expect(decide('personality', value)).toBe(ALLOW);
    expect(decide('personality', 0x40000n)).toBe(EPERM);
    expect(decide('personality', 2n ** 64n - 1n)).toBe(ALLOW);
  });

  test('capabilities open their groups of calls', () => {
    const admin = compile(resolveCapabilities({ add: ['SYS_ADMIN'], drop: [], privileged: false }, ALL));
    for (const name of ['mount', 'unshare', 'setns', 'clone3', 'bpf']) {
      expect(run(admin, { number: numberOf(name) })).toBe(ALLOW);
    }
    expect(run(admin, { number: numberOf('clone'), args: [0x20000n] })).toBe(ALLOW);
    expect(run(admin, { number: numberOf('reboot') })).toBe(EPERM);
    const bare = compile(0n);
    expect(run(bare, { number: numberOf('chroot') })).toBe(EPERM);
    expect(decide('chroot')).toBe(ALLOW);
  });

  test('x32 seems not to exist and an unknown architecture is killed', () => {
    expect(run(program, { number: 0x40000000 })).toBe(ENOSYS);
    expect(run(program, { number: -1 })).toBe(ENOSYS);
    expect(run(program, { architecture: AUDIT_ARCH.arm64, number: 0 })).toBe(KILL);
    expect(run(compile(0n, 'arm64'), { architecture: 'x86_64', number: 0 })).toBe(KILL);
  });

  test('it is smaller than a linear list for one architecture and compiled once', () => {
    expect(program.length / 8).toBeLessThan(512);
    expect(seccompProgram('default', DEFAULT_CAPABILITIES)).toBe(
      seccompProgram('default', DEFAULT_CAPABILITIES),
    );
  });
});

describe('a profile of the user', () => {
  const compiled = (profile: object): Uint8Array =>
    compileProfile(parseProfile(JSON.stringify(profile)), {
      bounding: DEFAULT_CAPABILITIES,
      arch: 'amd64',
      kernel,
    });

  test('a deny-list refuses by name and kills other architectures', () => {
    const program = compiled({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['mkdir', 'no_such_call'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
        { name: 'chmod', action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    });
    expect(run(program, { number: numberOf('mkdir') })).toBe(errno(13));
    expect(run(program, { number: numberOf('chmod') })).toBe(KILL);
    expect(run(program, { number: numberOf('read') })).toBe(ALLOW);
    expect(run(program, { number: 600 })).toBe(ALLOW);
    expect(run(program, { architecture: 'i386', number: 39 })).toBe(KILL);
  });

  test('every operator compares all 64 bits', () => {
    const big = 2 ** 33 + 5;
    const at = (op: string) => (value: bigint) =>
      run(
        compiled({
          defaultAction: 'SCMP_ACT_ERRNO',
          syscalls: [
            { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 2, value: big, valueTwo: 1, op }] },
          ],
        }),
        { number: 0, args: [0n, 0n, value] },
      ) === ALLOW;
    const cases: Record<string, (value: bigint) => boolean> = {
      SCMP_CMP_EQ: (value) => value === BigInt(big),
      SCMP_CMP_NE: (value) => value !== BigInt(big),
      SCMP_CMP_LT: (value) => value < BigInt(big),
      SCMP_CMP_LE: (value) => value <= BigInt(big),
      SCMP_CMP_GT: (value) => value > BigInt(big),
      SCMP_CMP_GE: (value) => value >= BigInt(big),
      SCMP_CMP_MASKED_EQ: (value) => (value & BigInt(big)) === 1n,
    };
    const values = [
      0n,
      1n,
      3n,
      5n,
      6n,
      2n ** 32n + 5n,
      BigInt(big) - 1n,
      BigInt(big),
      BigInt(big) + 1n,
      2n ** 34n,
      2n ** 63n,
    ];
    for (const [op, expected] of Object.entries(cases)) {
      for (const value of values) expect([op, value, at(op)(value)]).toEqual([op, value, expected(value)]);
    }
  });

  test('conditions on different arguments are all needed, on the same one any', () => {
    const args = (...checks: [number, number][]) =>
      checks.map(([index, value]) => ({ index, value, op: 'SCMP_CMP_EQ' }));
    const program = compiled({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW', args: args([0, 1], [1, 2]) },
        { names: ['write'], action: 'SCMP_ACT_ALLOW', args: args([0, 1], [0, 2]) },
      ],
    });
    expect(run(program, { number: 0, args: [1n, 2n] })).toBe(ALLOW);
    expect(run(program, { number: 0, args: [1n, 3n] })).toBe(EPERM);
    expect(run(program, { number: 1, args: [1n] })).toBe(ALLOW);
    expect(run(program, { number: 1, args: [2n] })).toBe(ALLOW);
    expect(run(program, { number: 1, args: [3n] })).toBe(EPERM);
  });

  test('a program whose subtrees are longer than a jump still decides rightly', () => {
    const names = [...SYSCALLS.x86_64.keys()];
    const syscalls = names.map((name, index) => ({
      names: [name],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: index + 1,
    }));
    const program = compiled({ defaultAction: 'SCMP_ACT_KILL', syscalls });
    names.forEach((name, index) => expect(run(program, { number: numberOf(name) })).toBe(errno(index + 1)));
  });

  test('what cannot be understood is refused, not passed over', () => {
    for (const text of ['{', '[]', '{}', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":5}']) {
      expect(() => parseProfile(text)).toThrow('Decoding seccomp profile failed');
    }
    const rule = (more: object) => () =>
      compiled({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', ...more }],
      });
    expect(rule({ args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] })).toThrow('argument index');
    expect(rule({ args: [{ index: 0, value: 2 ** 60, op: 'SCMP_CMP_EQ' }] })).toThrow('exact unsigned');
    expect(rule({ args: [{ index: 0, value: 0, op: 'EQ' }] })).toThrow('unknown operator EQ');
    expect(rule({ action: 'toString' })).toThrow('invalid seccomp action: toString');
    expect(rule({ action: 'SCMP_ACT_NOTIFY' })).toThrow('not implemented');
    expect(rule({ includes: { minKernel: 'x' } })).toThrow('invalid kernel version');
  });
});
