import { defineConfig } from 'vitest/config';

/** Two layers: `unit` runs anywhere; `engine` drives a real engine through its socket and needs root. */
export default defineConfig({
  test: {
    reporters: process.env['CI'] ? ['default'] : ['default'],
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
