import { expect, test } from 'vitest';
import { storageBytes } from './storage-size.ts';

test.each([
  ['120G', 120 * 1024 ** 3],
  ['1.5m', 1.5 * 1024 ** 2],
  ['10 KiB', 10_240],
  ['512b', 512],
  ['7', 7],
])('%s is a size', (size, bytes) => {
  expect(storageBytes({ StorageOpt: { size } })).toBe(bytes);
});

test('what is no size, and another option, is refused', () => {
  expect(() => storageBytes({ StorageOpt: { size: 'big' } })).toThrow("invalid size: 'big'");
  expect(() => storageBytes({ StorageOpt: { mode: '7' } })).toThrow('Unknown option mode');
  expect(storageBytes({})).toBe(0);
});
