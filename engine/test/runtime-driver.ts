import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ContainerPlan } from '../runtime/plan.ts';
import { ShimStageError } from '../runtime/runtime.ts';
import type { Shim, StageFailure } from '../runtime/runtime.ts';
import { execPlan, readFrames } from './runtime-fixture.ts';
import type { PlanChange, RuntimeFixture } from './runtime-fixture.ts';

export const OUTPUT = { stdin: false, stdout: true, stderr: true };
export const EVERYTHING = { stdin: true, stdout: true, stderr: true };
export const SIGKILL = 9;
export const SIGTERM = 15;

interface Run {
  stdout: string;
  stderr: string;
  code: number | undefined;
  plan: ContainerPlan;
  shim: Shim;
}

export const sh = (script: string): string[] => ['sh', '-c', script];

/** Runs a container to its end with its output attached from the start. */
export async function run(fixture: RuntimeFixture, argv: string[], change: PlanChange = {}): Promise<Run> {
  const plan = await fixture.plan(argv, change);
  const shim = await fixture.runtime.create(plan);
  const output = readFrames(await shim.attach(OUTPUT));
  await shim.start();
  const record = await shim.exited;
  return { ...(await output), code: record?.exitCode, plan, shim };
}

/** A container that runs until it is killed. */
export async function startIdle(
  fixture: RuntimeFixture,
  change: PlanChange = {},
): Promise<{ plan: ContainerPlan; shim: Shim }> {
  const plan = await fixture.plan(['sleep', '1000'], change);
  const shim = await fixture.runtime.create(plan);
  await shim.start();
  return { plan, shim };
}

export async function stop(shim: Shim): Promise<void> {
  await shim.kill(SIGKILL);
  await shim.exited;
}

/** How a container that cannot be created or started failed; throws when it could. */
export async function failure(
  fixture: RuntimeFixture,
  argv: string[],
  change: PlanChange = {},
): Promise<StageFailure & { plan: ContainerPlan }> {
  const plan = await fixture.plan(argv, change);
  const error: unknown = await fixture.runtime
    .create(plan)
    .then((shim) => shim.start())
    .catch((reason: unknown) => reason);
  if (!(error instanceof ShimStageError)) throw new Error(`expected a stage error, got ${String(error)}`);
  return { ...error.failure, plan };
}

export async function execute(
  shim: Shim,
  argv: string[],
  change: Parameters<typeof execPlan>[1] = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  const running = await shim.exec(execPlan(argv, change), { ...OUTPUT, detach: false });
  if (!running.stdio) throw new Error('no stdio');
  const output = await readFrames(running.stdio);
  return { ...output, code: await running.exited };
}

export function hasCgroup(plan: ContainerPlan): boolean {
  return plan.cgroup.directories.some((directory) => directory.endsWith(plan.id) && existsSync(directory));
}

export function shimPid(plan: ContainerPlan): number {
  return Number(readFileSync(path.join(plan.runDirectory, 'shim.pid'), 'utf8'));
}
