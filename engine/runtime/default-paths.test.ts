import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { defaultMaskedPaths, parseCpuList, thermalThrottlePaths } from './default-paths.ts';

test('a CPU list is read as the kernel writes it', () => {
  expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
  expect(parseCpuList('')).toEqual([]);
  for (const wrong of ['a', '3-1', '1-', '-1', '1,,2'])
    expect(() => parseCpuList(wrong)).toThrow('invalid format');
});

test('thermal_throttle is masked only for CPUs that have it', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-cpu-'));
  try {
    writeFileSync(`${directory}/possible`, '0-1\n');
    mkdirSync(`${directory}/cpu1/thermal_throttle`, { recursive: true });
    expect(thermalThrottlePaths(directory)).toEqual([`${directory}/cpu1/thermal_throttle`]);
    expect(thermalThrottlePaths(`${directory}/none`)).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the side channels of 2025 and 2026 are masked', () => {
  expect(defaultMaskedPaths()).toEqual(
    expect.arrayContaining([
      '/proc/kcore',
      '/proc/interrupts',
      '/sys/devices/virtual/powercap',
      '/sys/firmware',
    ]),
  );
});
