import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** Makes a volume of the local driver with these options. */
const volume = (name: string, options: Record<string, string>): Promise<string> =>
  engine.dockerOk(
    'volume',
    'create',
    ...Object.entries(options).flatMap(([key, value]) => ['--opt', `${key}=${value}`]),
    name,
  );
const shell = (script: string, ...flags: string[]): Promise<string> =>
  engine.dockerOk('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);
const mountpointOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');
/** The type and options of what is mounted there on this machine, one a mount. */
const mountsOf = (name: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((columns) => columns[4] === mountpointOf(name))
    .map((columns) => `${columns[columns.indexOf('-') + 1]} ${columns[5]}`);

test('a tmpfs volume is one for all its users, and ends with the last', async () => {
  await volume('fast', { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000,nosuid,nodev' });
  expect(mountsOf('fast')).toEqual([]);
  const first = await engine.dockerOk('run', '-d', '-v', 'fast:/d', 'busybox', 'sleep', '600');
  expect(mountsOf('fast')).toEqual([expect.stringMatching(/^tmpfs rw,nosuid,nodev/)]);
  expect(await shell('echo shared > /d/x; stat -c %u /d; df -m /d | tail -1', '-v', 'fast:/d')).toMatch(
    /^1000\ntmpfs +1 /,
  );
  expect(await engine.dockerOk('exec', first, 'cat', '/d/x')).toBe('shared');
  const second = await engine.dockerOk('run', '-d', '-v', 'fast:/d:ro', 'busybox', 'sleep', '600');
  await engine.dockerOk('rm', '-f', first);
  expect(mountsOf('fast')).toHaveLength(1);
  await engine.dockerOk('rm', '-f', second);
  expect(mountsOf('fast')).toEqual([]);
});
