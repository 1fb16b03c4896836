import { describe, expect, it } from 'vitest';
import { pack, packEventTime, type Packable } from './msgpack.ts';

const hex = (value: Packable): string => pack(value).toString('hex');

describe('pack', () => {
  it.each<[Packable, string]>([
    [null, 'c0'],
    [false, 'c2'],
    [true, 'c3'],
    [0, '00'],
    [127, '7f'],
    [128, 'cf0000000000000080'],
    [-1, 'd3ffffffffffffffff'],
    [1_767_225_600n, 'cf000000006955b900'],
    ['', 'a0'],
    ['é', 'a2c3a9'],
    [Buffer.from([0xff]), 'a1ff'],
    [[], '90'],
    [['a', 1], '92a16101'],
    [{}, '80'],
    [{ a: 'b', c: null }, '82a161a162a163c0'],
  ])('writes the shortest form, %#', (value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  it.each([
    [31, 'bf'],
    [32, 'd920'],
    [255, 'd9ff'],
    [256, 'da0100'],
    [65_535, 'daffff'],
    [65_536, 'db00010000'],
  ])('gives a text of %i bytes the shortest head', (length, head) => {
    expect(hex('x'.repeat(length))).toBe(head + '78'.repeat(length));
  });

  it('counts long lists and maps', () => {
    expect(hex(Array.from({ length: 16 }, () => 1)).slice(0, 6)).toBe('dc0010');
    expect(hex(Object.fromEntries(Array.from({ length: 16 }, (_, key) => [`k${key}`, 1]))).slice(0, 6)).toBe(
      'de0010',
    );
  });

  it('has an event time with nanoseconds', () => {
    expect(hex(packEventTime(1_767_225_600_000_000_007n))).toBe('d7006955b90000000007');
  });
});
