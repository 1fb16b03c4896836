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

/** Two layers: `unit` runs anywhere; `engine` drives a real engine through its socket and needs root. */
export default defineConfig({
  plugins: [endInOrder],
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['engine/**/*.test.ts', 'electron/**/*.test.ts', 'renderer/**/*.test.{ts,tsx}'],
          exclude: ['engine/test/**', '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'engine',
          include: ['engine/test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          globalSetup: ['engine/test/global-setup.ts'],
        },
      },
    ],
  },
});
