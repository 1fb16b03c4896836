import { conflict, EngineError, messageOf } from '../lib/errors.ts';
import type { ContainerUpdateRequest, HostConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import { publish, save, type ContainersContext } from './context.ts';
import type { ApiVersion } from './create-versions.ts';

export interface UpdateOptions {
  apiVersion: ApiVersion;
}

/**
 * Fields that reach the kernel together: a change of one needs the value of the other (memory and swap are two parts
 * of one sum, quota and period two of one share).
 */
const GROUPS = [
  ['Memory', 'MemorySwap'],
  ['MemoryReservation'],
  ['CpuShares'],
  ['NanoCpus', 'CpuPeriod', 'CpuQuota'],
  ['CpuRealtimePeriod', 'CpuRealtimeRuntime'],
  ['CpusetCpus'],
  ['CpusetMems'],
  ['PidsLimit'],
  ['BlkioWeight'],
  ['BlkioWeightDevice'],
  ['BlkioDeviceReadBps'],
  ['BlkioDeviceWriteBps'],
  ['BlkioDeviceReadIOps'],
  ['BlkioDeviceWriteIOps'],
] as const satisfies (keyof HostConfig)[][];

type Limit = (typeof GROUPS)[number][number];

const DEVICE_LISTS = new Set<string>(GROUPS.flat().filter((field) => /^Blkio.*(Device|ps)/.test(field)));

/**
 * `docker update`: what the request sets becomes the container's, on disk and, while it runs, in its cgroup; when the
 * kernel refuses, everything is as before. Resolves with Docker's warnings. Throws `Cannot update container …`.
 */
export async function updateContainer(
  context: ContainersContext,
  container: Container,
  request: ContainerUpdateRequest,
  { apiVersion }: UpdateOptions,
): Promise<string[]> {
  const { hostConfig: limits, warnings } = context.validateUpdate(forVersion(request, apiVersion));
  await container.mutex.run(async () => {
    const { record } = container;
    const fail = (error: EngineError): EngineError =>
      new EngineError(error.kind, `Cannot update container ${record.id}: ${error.message}`, { cause: error });
    if (container.removing || record.state.status === 'dead') {
      throw fail(new EngineError('internal', 'container is marked for removal and cannot be "update"'));
    }
    const before = record.hostConfig;
    const after = merge(before, limits, fail);
    await save(container, { ...record, hostConfig: after });
    record.hostConfig = after;
    try {
      if (container.shim) await context.cgroups.update(record.id, touched(limits, after), after.CgroupParent);
    } catch (error) {
      await restore(context, container, limits, before);
      throw fail(new EngineError('internal', messageOf(error), { cause: error }));
    }
    publish(context, container, 'update');
  });
  return warnings;
}

/** Fields that the client's version of the API did not have are ignored. */
function forVersion(request: ContainerUpdateRequest, version: ApiVersion): HostConfig {
  const known = { ...request };
  if (!version.atLeast('1.40')) delete known.PidsLimit;
  if (!version.atLeast('1.55')) for (const list of DEVICE_LISTS) delete known[list as Limit];
  // 0 and every negative number mean "unlimited"; absence changes nothing.
  if ((known.PidsLimit ?? 1) <= 0) known.PidsLimit = -1;
  return known;
}

const isSet = (value: unknown): boolean => Array.isArray(value) || Boolean(value);

function merge(
  before: HostConfig,
  request: HostConfig,
  fail: (error: EngineError) => EngineError,
): HostConfig {
  const refuse = (applies: boolean, text: string): void => {
    if (applies) throw fail(conflict(text));
  };
  const [asked, has] = [
    (field: Limit) => Number(request[field] ?? 0) > 0,
    (field: Limit) => Number(before[field] ?? 0) > 0,
  ];
  refuse(
    asked('NanoCpus') && has('CpuPeriod'),
    'Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set',
  );
  refuse(
    asked('NanoCpus') && has('CpuQuota'),
    'Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set',
  );
  refuse(
    asked('CpuPeriod') && has('NanoCpus'),
    'Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set',
  );
  refuse(
    asked('CpuQuota') && has('NanoCpus'),
    'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set',
  );
  const { Memory = 0, MemorySwap = 0, RestartPolicy: policy } = request;
  refuse(
    Memory !== 0 && MemorySwap === 0 && Memory > (before.MemorySwap ?? 0),
    'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
  );
  refuse(
    before.AutoRemove === true && !['', 'no'].includes(policy?.Name ?? ''),
    'Restart policy cannot be updated because AutoRemove is enabled for the container',
  );
  const after: HostConfig = { ...before };
  for (const field of GROUPS.flat()) {
    if (isSet(request[field])) Object.assign(after, { [field]: request[field] });
  }
  if (request.PidsLimit === -1) after.PidsLimit = 0;
  if (policy?.Name) {
    after.RestartPolicy = { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 };
  }
  return after;
}

/** Of `hostConfig`, the groups that the request touches. */
function touched(request: HostConfig, hostConfig: HostConfig): HostConfig {
  const limits: HostConfig = {};
  for (const group of GROUPS) {
    if (!group.some((field) => isSet(request[field]))) continue;
    for (const field of group) Object.assign(limits, { [field]: hostConfig[field] });
  }
  if (isSet(request.PidsLimit)) limits.PidsLimit ||= -1;
  return limits;
}

/** What the kernel took before it refused goes back as far as it can. */
async function restore(
  context: ContainersContext,
  container: Container,
  request: HostConfig,
  before: HostConfig,
): Promise<void> {
  const { record } = container;
  record.hostConfig = before;
  await save(container);
  const limits = touched(request, before);
  if ('Memory' in limits)
    Object.assign(limits, { Memory: before.Memory || -1, MemorySwap: before.MemorySwap || -1 });
  await context.cgroups
    .update(record.id, limits, before.CgroupParent)
    .catch((error: unknown) =>
      context.logger.warn('undoing an update failed', { container: record.id, error: messageOf(error) }),
    );
}
