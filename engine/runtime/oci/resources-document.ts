import type { DeviceValue, Resources } from '../cgroups/resources.ts';
import type { DeviceRule } from '../devices.ts';
import type { SpecResources } from './spec.ts';

const CPU_PERIOD_US = 100_000;

/** Limits and device rules → `linux.resources`. */
export function resourcesDocument(wanted: Resources, rules: readonly DeviceRule[]): SpecResources {
  return {
    devices: rules.map(({ allow, type, major, minor, access }) => ({
      allow,
      ...(type === 'a' ? {} : { type }),
      ...(major === null ? {} : { major }),
      ...(minor === null ? {} : { minor }),
      access,
    })),
    memory: given({
      limit: wanted.memoryBytes,
      swap: wanted.memorySwapBytes,
      reservation: wanted.memoryReservationBytes,
      swappiness: wanted.memorySwappiness,
      disableOOMKiller: wanted.oomKillDisable || undefined,
    }),
    cpu: given({
      shares: wanted.cpuShares,
      quota: wanted.cpuQuotaUs,
      period: wanted.cpuPeriodUs ?? (wanted.cpuQuotaUs === undefined ? undefined : CPU_PERIOD_US),
      realtimePeriod: wanted.cpuRealtimePeriodUs,
      realtimeRuntime: wanted.cpuRealtimeRuntimeUs,
      cpus: wanted.cpus || undefined,
      mems: wanted.memoryNodes || undefined,
    }),
    pids: given({ limit: wanted.pids }),
    blockIO: given({
      weight: wanted.blkioWeight,
      weightDevice: wanted.blkioWeightDevices.map(({ major, minor, value }) => ({
        major,
        minor,
        weight: value,
      })),
      throttleReadBpsDevice: wanted.readBps.map(toThrottle),
      throttleWriteBpsDevice: wanted.writeBps.map(toThrottle),
      throttleReadIOPSDevice: wanted.readIops.map(toThrottle),
      throttleWriteIOPSDevice: wanted.writeIops.map(toThrottle),
    }),
  };
}

const toThrottle = ({ major, minor, value }: DeviceValue) => ({ major, minor, rate: value });

type Given<T> = { [Key in keyof T]?: NonNullable<T[Key]> };

/** Without the fields that are undefined. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
