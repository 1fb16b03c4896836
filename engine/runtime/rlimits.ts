import { invalidArgument } from '../lib/errors.ts';
import type { Ulimit } from '../wire/container.ts';
import type { Rlimit } from './plan.ts';

/** RLIMIT_* numbers (asm-generic/resource.h: the same on x86-64 and arm64) by Docker's ulimit name. */
const RESOURCES: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/** `RLIMIT_NOFILE` of a resource's number. */
export function rlimitName(resource: number): string {
  const name = Object.keys(RESOURCES).find((key) => RESOURCES[key] === resource);
  if (name === undefined) throw invalidArgument(`invalid resource limit: ${resource}`);
  return `RLIMIT_${name.toUpperCase()}`;
}

/** The number of `RLIMIT_NOFILE`. */
export function rlimitNumber(name: string): number {
  const resource = Object.keys(RESOURCES).find((key) => `RLIMIT_${key.toUpperCase()}` === name);
  if (resource === undefined) throw invalidArgument(`invalid rlimit type: ${name}`);
  return RESOURCES[resource] ?? 0;
}

/** `HostConfig.Ulimits` → rlimits; -1 is unlimited. Throws invalid-argument for what setrlimit would refuse. */
export function toRlimits(ulimits: readonly Ulimit[]): Rlimit[] {
  return ulimits.map(({ Name = '', Soft = 0, Hard = 0 }) => {
    const resource = Object.hasOwn(RESOURCES, Name) ? RESOURCES[Name] : undefined;
    if (resource === undefined) throw invalidArgument(`invalid ulimit type: ${Name}`);
    if (!Number.isInteger(Soft) || !Number.isInteger(Hard)) {
      throw invalidArgument(`invalid ulimit ${Name}: limits must be integers`);
    }
    const soft = BigInt.asUintN(64, BigInt(Soft));
    const hard = BigInt.asUintN(64, BigInt(Hard));
    if (soft > hard) {
      throw invalidArgument(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
    return { resource, soft, hard };
  });
}
