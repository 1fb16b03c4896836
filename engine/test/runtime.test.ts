import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerPlan } from '../runtime/plan.ts';
import type { Shim } from '../runtime/runtime.ts';
import { createRuntimeFixture, readFrames, readLog } from './runtime-fixture.ts';
import type { PlanChange, RuntimeFixture } from './runtime-fixture.ts';

const OUTPUT = { stdin: false, stdout: true, stderr: true };

let fixture: RuntimeFixture;

beforeAll(async () => {
  fixture = await createRuntimeFixture();
});

afterAll(async () => {
  await fixture.dispose();
});

/** Runs a container to its end with its output attached from the start. */
async function run(
  argv: string[],
  change: PlanChange = {},
): Promise<{ stdout: string; stderr: string; code: number | undefined; plan: ContainerPlan; shim: Shim }> {
  const plan = await fixture.plan(argv, change);
  const shim = await fixture.runtime.create(plan);
  const stream = await shim.attach(OUTPUT);
  const output = readFrames(stream);
  await shim.start();
  const record = await shim.exited;
  return { ...(await output), code: record?.exitCode, plan, shim };
}

describe('a container', () => {
  it('runs its command and reports output, log and exit code', async () => {
    const result = await run(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\n', code: 7 });
    const log = await readLog(result.plan);
    expect(log.map(({ log, stream }) => [stream, log])).toEqual(
      expect.arrayContaining([
        ['stdout', 'out\n'],
        ['stderr', 'err\n'],
      ]),
    );
  });
});
