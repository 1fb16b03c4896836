import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { conflict, EngineError, invalidArgument, messageOf } from '../lib/errors.ts';
import { isObject } from '../lib/field-types.ts';
import type { SpecResources } from '../runtime/oci/spec.ts';
import type { CgroupPlan } from '../runtime/plan.ts';
import { compileResources } from './compile-resources.ts';
import { loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { type FlagKind, type Flags, onlyId, parseFlags } from './flags.ts';

const UPDATE_FLAGS: Record<string, FlagKind> = {
  resources: 'text',
  memory: 'text',
  'memory-reservation': 'text',
  'memory-swap': 'text',
  'cpu-shares': 'text',
  'cpu-share': 'text',
  'cpu-quota': 'text',
  'cpu-period': 'text',
  'cpu-rt-period': 'text',
  'cpu-rt-runtime': 'text',
  'cpuset-cpus': 'text',
  'cpuset-mems': 'text',
  'pids-limit': 'text',
  'blkio-weight': 'text',
};

/** `update [--resources FILE|-] [--memory …] ID`: what is given changes, the rest stays. */
export async function update(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, UPDATE_FLAGS, { r: 'resources' });
  const state = loadState(context.root, onlyId(rest));
  if (statusOf(context.root, state) === 'stopped') throw conflict('container not running');
  const wanted = readResources(flags);
  const { id, parent } = state.cgroup;
  const resources = compileResources(wanted);
  const plan = context.cgroups().plan(id, { CgroupParent: parent }, { resources, rules: [] });
  await apply(plan.writes.filter((write) => isAsked(write, wanted)));
  return 0;
}

/** A fresh cgroup gets its cpuset from above; here only what was asked for is written. */
function isAsked({ file }: { file: string }, { cpu = {} }: SpecResources): boolean {
  const name = path.basename(file);
  return name === 'cpuset.cpus' ? Boolean(cpu.cpus) : name !== 'cpuset.mems' || Boolean(cpu.mems);
}

/** Some limits must not pass one another on the way up or down: what is refused is tried again after the others. */
async function apply(writes: CgroupPlan['writes']): Promise<void> {
  const refused: CgroupPlan['writes'] = [];
  for (const write of writes) await writeFile(write.file, write.value).catch(() => refused.push(write));
  for (const { file, value } of refused) {
    await writeFile(file, value).catch((cause: unknown) => {
      throw new EngineError('internal', `failed to write ${value} to ${file}: ${messageOf(cause)}`, {
        cause,
      });
    });
  }
}

function readResources(flags: Flags): SpecResources {
  const file = flags.text('resources');
  if (file !== undefined) {
    const value: unknown = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
    if (!isObject(value)) throw invalidArgument('resources must be an object');
    return value;
  }
  const number = (name: string): number | undefined => {
    const text = flags.text(name);
    if (text === undefined) return undefined;
    const [, digits, unit = ''] = /^(-?\d+)([bkmg]?)$/i.exec(text) ?? [];
    if (digits === undefined) throw invalidArgument(`invalid value for ${name}: ${text}`);
    return (
      Number(digits) *
      1024 ** ' kmg'.indexOf(unit.toLowerCase() === 'b' || unit === '' ? ' ' : unit.toLowerCase())
    );
  };
  const given = <T extends object>(fields: T): T =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
  return given({
    memory: given({
      limit: number('memory'),
      reservation: number('memory-reservation'),
      swap: number('memory-swap'),
    }),
    cpu: given({
      shares: number('cpu-share') ?? number('cpu-shares'),
      quota: number('cpu-quota'),
      period: number('cpu-period'),
      realtimePeriod: number('cpu-rt-period'),
      realtimeRuntime: number('cpu-rt-runtime'),
      cpus: flags.text('cpuset-cpus'),
      mems: flags.text('cpuset-mems'),
    }),
    pids: given({ limit: number('pids-limit') }),
    blockIO: given({ weight: number('blkio-weight') }),
  });
}
