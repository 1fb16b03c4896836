import { describe, expect, test } from 'vitest';
import { EngineError } from '../lib/errors.ts';
import {
  capabilitySets,
  DEFAULT_CAPABILITIES,
  hasCapability,
  resolveCapabilities,
  validateCapabilities,
} from './capabilities.ts';

const ALL = (1n << 41n) - 1n;
const resolve = (add: string[], drop: string[], privileged = false, available = ALL): bigint =>
  resolveCapabilities({ add, drop, privileged }, available);

describe('capabilities', () => {
  test("the default set is Docker's a80425fb", () => {
    expect(DEFAULT_CAPABILITIES).toBe(0xa80425fbn);
    expect(resolve([], [])).toBe(0xa80425fbn);
  });

  test('names are taken with and without CAP_ in any case', () => {
    expect(resolve(['net_admin'], [])).toBe(resolve(['CAP_NET_ADMIN'], []));
    expect(hasCapability(resolve(['Net_Admin'], []), 'CAP_NET_ADMIN')).toBe(true);
  });

  test('ALL adds everything but the dropped ones, and drops everything but the added ones', () => {
    expect(resolve(['ALL'], ['CHOWN'])).toBe(ALL & ~1n);
    expect(resolve(['CHOWN'], ['ALL'])).toBe(1n);
    expect(resolve([], ['all'])).toBe(0n);
  });

  test('privileged gets what the host has and no more', () => {
    expect(resolve([], ['ALL'], true, 0xffn)).toBe(0xffn);
    expect(resolve(['ALL'], [], false, 0xffn)).toBe(0xffn);
  });

  test('an added capability wins over the same one dropped', () => {
    expect(hasCapability(resolve(['CHOWN'], ['CHOWN']), 'CAP_CHOWN')).toBe(true);
  });

  test("unknown and unavailable names are refused with Docker's text", () => {
    expect(() => resolve(['FOO'], [])).toThrow(
      new EngineError('invalid-argument', 'unknown capability: "CAP_FOO"'),
    );
    expect(() => validateCapabilities('CapAdd', ['FOO'], ALL)).toThrow(
      'invalid CapAdd: unknown capability: "CAP_FOO"',
    );
    expect(() => resolve([], ['BPF'], false, 0xffn)).toThrow(
      'not available in the current environment: "CAP_BPF"',
    );
  });

  test('nothing is ever ambient', () => {
    expect(capabilitySets(5n)).toEqual({ bounding: 5n, effective: 5n, permitted: 5n, ambient: 0n });
  });
});
