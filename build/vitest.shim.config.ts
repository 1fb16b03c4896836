import { defineConfig } from 'vitest/config';
export default defineConfig({ root: '/tmp/wt/shim', test: { include: ['engine/test/runtime*.test.ts'], testTimeout: 20000, hookTimeout: 20000, fileParallelism: false } });
