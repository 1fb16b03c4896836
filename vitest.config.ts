import { defineConfig } from 'vitest/config';
import type { Plugin } from 'vitest/config';

/**
 * SIGUSR2 (scripts/test.mjs) ends a run in order: the running test ends, the hooks tear engines down, the rest is
 * skipped. Vitest has this for a key on a terminal only; SIGTERM makes it exit at once.
 */
const endInOrder: Plugin = {
  name: 'end-in-order',
  configureVitest({ vitest }) {
    process.once('SIGUSR2', () => void vitest.cancelCurrentRun('keyboard-input'));
  },
};

/** How much slower this machine is than a real one: an emulated one sets it (engine/test/vm). */
const slowness = Number(process.env['GANTRY_TEST_SLOWNESS'] ?? 1);

/**
 * `unit` runs anywhere; `engine` drives a real engine through its socket and needs root; `vm` runs parts of both in a
 * virtual machine that has cgroup v2 (`npm run test:vm`).
 */
export default defineConfig({
  plugins: [endInOrder],
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['engine/**/*.test.ts', 'electron/**/*.test.ts', 'renderer/**/*.test.{ts,tsx}'],
          exclude: ['engine/test/**', '**/node_modules/**'],
          testTimeout: 30_000 * slowness,
          expect: { poll: { timeout: 20_000 * slowness } },
        },
      },
      {
        test: {
          name: 'engine',
          include: ['engine/test/**/*.test.ts'],
          exclude: ['engine/test/vm/**'],
          testTimeout: 60_000 * slowness,
          hookTimeout: 60_000 * slowness,
          // What is awaited comes at once or, on a machine under load, late: only a failure takes this long.
          expect: { poll: { timeout: 20_000 * slowness } },
          fileParallelism: false,
          globalSetup: ['engine/test/global-setup.ts'],
        },
      },
      {
        test: {
          name: 'vm',
          include: ['engine/test/vm/*.test.ts'],
          globalSetup: ['engine/test/global-setup.ts'],
        },
      },
    ],
  },
});
