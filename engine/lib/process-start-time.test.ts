import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startTimeOf } from './process-start-time.ts';

test('a living process has one start time, a gone one none', async () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(startTimeOf(process.pid)).toBe(startTimeOf(process.pid));
  const child = spawn('true');
  await once(child, 'exit');
  expect(startTimeOf(child.pid ?? 0)).toBeUndefined();
});
