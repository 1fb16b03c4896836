import type { Resources } from '../runtime/cgroups/resources.ts';
import { type DeviceRule, resolveDevices } from '../runtime/devices.ts';
import type { SpecResources } from '../runtime/oci/spec.ts';

/** `linux.resources` as the drivers write it. -1 is no limit; 0 is "not asked for", as in runc. */
export function compileResources({
  memory = {},
  cpu = {},
  pids = {},
  blockIO = {},
}: SpecResources): Resources {
  const when = (value: number | undefined): number | undefined => value || undefined;
  const devices = (list: { major: number; minor: number; rate: number }[] | undefined) =>
    (list ?? []).map(({ major, minor, rate }) => ({ major, minor, value: rate }));
  return {
    memoryBytes: when(memory.limit),
    memorySwapBytes: when(memory.swap),
    memoryReservationBytes: when(memory.reservation),
    memorySwappiness: memory.swappiness,
    oomKillDisable: memory.disableOOMKiller === true,
    cpuShares: when(cpu.shares),
    cpuQuotaUs: when(cpu.quota),
    cpuPeriodUs: when(cpu.period),
    cpuRealtimePeriodUs: when(cpu.realtimePeriod),
    cpuRealtimeRuntimeUs: when(cpu.realtimeRuntime),
    cpus: cpu.cpus ?? '',
    memoryNodes: cpu.mems ?? '',
    pids: pids.limit === undefined || pids.limit === 0 ? undefined : Math.max(-1, pids.limit),
    blkioWeight: when(blockIO.weight),
    blkioWeightDevices: (blockIO.weightDevice ?? []).map(({ major, minor, weight = 0 }) => ({
      major,
      minor,
      value: weight,
    })),
    readBps: devices(blockIO.throttleReadBpsDevice),
    writeBps: devices(blockIO.throttleWriteBpsDevice),
    readIops: devices(blockIO.throttleReadIOPSDevice),
    writeIops: devices(blockIO.throttleWriteIOPSDevice),
  };
}

/** Everything is denied first; the devices that every container has stay allowed last. */
export function compileDeviceRules({ devices = [] }: SpecResources): DeviceRule[] {
  const [denyAll, ...defaults] = resolveDevices({}).rules;
  const wildcard = (number: number | null | undefined): number | null =>
    number === undefined || number === null || number < 0 ? null : number;
  const asked = devices.map(({ allow, type, major, minor, access }): DeviceRule => ({
    allow,
    type: type === 'b' || type === 'c' ? type : 'a',
    major: wildcard(major),
    minor: wildcard(minor),
    access: access || 'rwm',
  }));
  return [...(denyAll ? [denyAll] : []), ...asked, ...defaults];
}
