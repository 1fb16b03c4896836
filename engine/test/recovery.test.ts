import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

/** Counts as fast as it is told to by the file /go, and goes on whether or not an engine is there. */
const COUNT =
  'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; sleep 0.02; done; echo last $i; exit 9';

test('SIGKILL of the engine leaves containers running and their logs whole', async () => {
  await engine.dockerOk('run', '-d', '--name', 'counter', 'busybox', 'sh', '-c', COUNT);
  const pid = await engine.dockerOk('inspect', 'counter', '--format', '{{.State.Pid}}');
  await engine.kill9();
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'counter', '--format', '{{.State.Pid}} {{.State.Status}}')).toBe(
    `${pid} running`,
  );
  await engine.dockerOk('exec', 'counter', 'touch', '/stop');
  expect(await engine.dockerOk('wait', 'counter')).toBe('9');
  const lines = (await engine.dockerOk('logs', 'counter')).split('\n');
  const count = lines.length - 1;
  expect(lines).toEqual([...Array.from({ length: count }, (_, i) => `line ${i + 1}`), `last ${count}`]);
});

test('a container that ended while there was no engine has its exit code', async () => {
  const until = `while [ -e /proc/${engine.pid()} ]; do sleep 0.05; done; exit 6`;
  await engine.dockerOk('run', '-d', '--pid', 'host', '--name', 'orphan', 'busybox', 'sh', '-c', until);
  const pid = await engine.dockerOk('inspect', 'orphan', '--format', '{{.State.Pid}}');
  await engine.kill9();
  while (await isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 20));
  await engine.restart();
  expect(
    await engine.dockerOk('inspect', 'orphan', '--format', '{{.State.Status}} {{.State.ExitCode}}'),
  ).toBe('exited 6');
});

test('an orderly stop leaves containers running, too', async () => {
  await engine.dockerOk('run', '-d', '--name', 'sleeper', '--restart', 'always', 'busybox', 'sleep', '1000');
  const pid = await engine.dockerOk('inspect', 'sleeper', '--format', '{{.State.Pid}}');
  await engine.restart();
  expect(await engine.dockerOk('inspect', 'sleeper', '--format', '{{.State.Pid}}')).toBe(pid);
});

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
