import { describe, expect, test } from 'vitest';
import { type DeviceRule, parseDeviceRule, resolveDevices } from '../devices.ts';
import { compileDeviceProgram } from './device-program.ts';

const TYPES = { b: 1, c: 2 };
const ACCESS: Record<string, number> = { m: 1, r: 2, w: 4 };

/** As much of the kernel's eBPF machine as the program uses; 1 allows. */
function run(program: Uint8Array, request: string): number {
  const [, type = 'c', major, minor, letters = ''] = /^([bc]) (\d+):(\d+) ([rwm]+)$/.exec(request) ?? [];
  const access = letters.split('').reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
  const context = [((access << 16) | TYPES[type as 'b' | 'c']) >>> 0, Number(major), Number(minor)];
  const code = Buffer.from(program);
  const registers = Array.from({ length: 11 }, () => 0);
  for (let at = 0; at * 8 < code.length; at += 1) {
    const registerByte = code.readUInt8(at * 8 + 1);
    const target = registerByte & 15;
    const offset = code.readInt16LE(at * 8 + 2);
    const value = code.readInt32LE(at * 8 + 4);
    const current = registers[target] ?? 0;
    switch (code.readUInt8(at * 8)) {
      case 0x61:
        registers[target] = context[offset / 4] ?? 0;
        break;
      case 0x54:
        registers[target] = (current & value) >>> 0;
        break;
      case 0x74:
        registers[target] = current >>> value;
        break;
      case 0xb7:
        registers[target] = value;
        break;
      case 0x05:
        at += offset;
        break;
      case 0x55:
        if (current !== value) at += offset;
        break;
      case 0x45:
        if ((current & value) !== 0) at += offset;
        break;
      case 0x95:
        return registers[0] ?? 0;
      default:
        throw new Error(`opcode at ${at}`);
    }
  }
  throw new Error('ran off the end');
}

const deny = (text: string): DeviceRule => ({ ...parseDeviceRule(text), allow: false });

describe('the device program', () => {
  test('the default policy lets nodes be made and the standard ones used', () => {
    const program = compileDeviceProgram(resolveDevices({}).rules);
    for (const request of ['c 1:3 rw', 'c 1:3 rwm', 'c 136:7 rw', 'c 5:2 rw', 'b 8:0 m', 'c 10:200 m']) {
      expect([request, run(program, request)]).toEqual([request, 1]);
    }
    for (const request of ['b 8:0 r', 'c 10:200 r', 'c 1:1 r', 'c 1:3456 w', 'b 1:3 r']) {
      expect([request, run(program, request)]).toEqual([request, 0]);
    }
  });

  test('the last matching rule decides each kind of access', () => {
    const program = compileDeviceProgram([
      deny('a *:* rwm'),
      parseDeviceRule('c 10:* r'),
      parseDeviceRule('c 10:* w'),
      deny('c 10:5 w'),
      parseDeviceRule('c *:6 rw'),
      deny('c 10:6 r'),
    ]);
    expect(run(program, 'c 10:1 rw')).toBe(1);
    expect(run(program, 'c 10:1 rwm')).toBe(0);
    expect(run(program, 'c 10:5 r')).toBe(1);
    expect(run(program, 'c 10:5 rw')).toBe(0);
    expect(run(program, 'c 10:6 w')).toBe(1);
    expect(run(program, 'c 10:6 r')).toBe(0);
    expect(run(program, 'b 10:1 r')).toBe(0);
  });

  test('no program is needed where everything is allowed, and none allows nothing', () => {
    expect(compileDeviceProgram(resolveDevices({ Privileged: true }).rules)).toHaveLength(0);
    expect(run(compileDeviceProgram([]), 'c 1:3 r')).toBe(0);
    expect(run(compileDeviceProgram([parseDeviceRule('a *:* rwm'), deny('c 1:3 r')]), 'c 1:4 r')).toBe(1);
  });

  test('nothing follows an unconditional rule, which the verifier would call unreachable', () => {
    const withDenyAll = compileDeviceProgram([deny('a *:* rwm'), parseDeviceRule('c 1:3 r')]);
    const dead = compileDeviceProgram([
      parseDeviceRule('c 9:9 r'),
      deny('a *:* rwm'),
      parseDeviceRule('c 1:3 r'),
    ]);
    expect(dead).toEqual(withDenyAll);
  });
});
