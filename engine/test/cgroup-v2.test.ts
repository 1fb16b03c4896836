import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { runInVirtualMachine, virtualMachineMissing } from './vm/virtual-machine.ts';

/** The engine on a host with cgroup v2 alone, which a machine with v1 can only be in a virtual one. */
const missing = virtualMachineMissing();
if (missing !== undefined) console.log(`cgroup v2 in a virtual machine is skipped: ${missing}`);

const GUEST = fileURLToPath(new URL('./vm/guest.mjs', import.meta.url));
const BOOT_TIMEOUT_MS = 240_000;
const MB = 1024 * 1024;

interface GuestResult {
  value: Record<string, unknown>;
  error?: string;
}

describe.skipIf(missing !== undefined)(`on cgroup v2 (${path.basename(GUEST)} in a virtual machine)`, () => {
  const results = new Map<string, GuestResult>();
  let output = '';

  beforeAll(async () => {
    output = await runInVirtualMachine({
      guest: GUEST,
      equipment: 'engine',
      memoryMb: 2048,
      timeoutMs: BOOT_TIMEOUT_MS,
    });
    for (const [, text = ''] of output.matchAll(/RESULT (\{.*\})$/gm)) {
      const { name, ...result } = JSON.parse(text) as GuestResult & { name: string };
      results.set(name, result);
    }
  }, BOOT_TIMEOUT_MS + 60_000);

  const resultOf = (name: string): Record<string, unknown> => {
    const result = results.get(name);
    if (result?.value === undefined) throw new Error(`${name}: ${result?.error ?? 'no result'}\n${output}`);
    return result.value;
  };

  test('the engine says so', () => {
    expect(resultOf('info')).toMatchObject({ CgroupVersion: '2', MemoryLimit: true, PidsLimit: true });
  });

  test('limits are in the cgroup files', () => {
    expect(resultOf('limits')).toMatchObject({
      values: {
        'memory.max': String(64 * MB),
        'memory.swap.max': String(32 * MB),
        'cpu.max': '50000 100000',
        'cpu.weight': '59',
        'pids.max': '50',
        'cpuset.cpus': '0',
      },
    });
  });

  test('statistics have the form of v2', () => {
    expect(resultOf('limits')).toMatchObject({
      memory_stats: { limit: 64 * MB, stats: { inactive_file: expect.any(Number) } },
      pids_stats: { current: 1, limit: 50 },
      cpu_stats: { cpu_usage: { total_usage: expect.any(Number) } },
    });
  });

  test('pause freezes and unpause thaws', () => {
    expect(resultOf('limits')).toMatchObject({
      paused: expect.stringContaining('frozen 1'),
      thawed: expect.stringContaining('frozen 0'),
    });
  });

  test('the container sees its own cgroup, read-only, and no device that is not its own', () => {
    const { output: text } = resultOf('inside');
    expect(text).toMatch(/^0::\/$/m);
    expect(text).toMatch(/cgroup2? \/sys\/fs\/cgroup cgroup2 ro,/);
    expect(text).toMatch(new RegExp(`^${32 * MB}$`, 'm'));
    expect(text).toContain('made');
    expect(text).toContain('refused');
    expect(text).toContain('readonly');
  });

  test('running out of memory is 137 and OOMKilled, and the cgroup is gone', () => {
    expect(resultOf('outOfMemory')).toMatchObject({
      state: { ExitCode: 137, OOMKilled: true },
      isCgroupLeft: false,
    });
  });
});
