import { invalidArgument } from '../lib/errors.ts';
import {
  checkFields,
  INTEGER,
  isObject,
  listOf,
  mapOf,
  TEXT,
  TEXT_MAP,
  TEXTS,
  type Check,
} from '../lib/field-types.ts';
import type { HostConfig } from '../wire/container.ts';

const INTEGERS = [
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'MemorySwappiness',
  'NanoCpus',
  'CpuShares',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'BlkioWeight',
  'PidsLimit',
  'OomScoreAdj',
  'ShmSize',
  'KernelMemory',
  'KernelMemoryTCP',
  'CpuCount',
  'CpuPercent',
  'IOMaximumIOps',
  'IOMaximumBandwidth',
] as const satisfies (keyof HostConfig)[];

const STRINGS = [
  'CpusetCpus',
  'CpusetMems',
  'CgroupParent',
  'CgroupnsMode',
  'IpcMode',
  'PidMode',
  'UTSMode',
  'UsernsMode',
  'NetworkMode',
  'Isolation',
  'Runtime',
] as const satisfies (keyof HostConfig)[];

const BOOLEANS = [
  'Privileged',
  'AutoRemove',
  'ReadonlyRootfs',
  'OomKillDisable',
  'Init',
  'PublishAllPorts',
] as const satisfies (keyof HostConfig)[];

const STRING_LISTS = [
  'CapAdd',
  'CapDrop',
  'SecurityOpt',
  'GroupAdd',
  'DeviceCgroupRules',
  'MaskedPaths',
  'ReadonlyPaths',
  'Binds',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'ExtraHosts',
] as const satisfies (keyof HostConfig)[];

const OBJECT_LISTS = [
  'Devices',
  'Ulimits',
  'Mounts',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'DeviceRequests',
] as const satisfies (keyof HostConfig)[];

const STRING_MAPS = ['Sysctls', 'Tmpfs', 'Annotations', 'StorageOpt'] as const satisfies (keyof HostConfig)[];

/** Go's int64, of which JSON numbers hold the largest ones not exactly: they mean "unlimited". */
const isInt64 = (value: unknown): boolean => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 63;
const LARGE: Check = { expected: 'an integer', holds: isInt64 };
const THROTTLE = { Path: TEXT, Rate: LARGE };

/** What the objects of a list hold. */
const ELEMENTS: { [Field in (typeof OBJECT_LISTS)[number]]?: Record<string, Check> } = {
  Devices: { PathOnHost: TEXT, PathInContainer: TEXT, CgroupPermissions: TEXT },
  Ulimits: { Name: TEXT, Soft: LARGE, Hard: LARGE },
  BlkioWeightDevice: { Path: TEXT, Weight: INTEGER },
  BlkioDeviceReadBps: THROTTLE,
  BlkioDeviceWriteBps: THROTTLE,
  BlkioDeviceReadIOps: THROTTLE,
  BlkioDeviceWriteIOps: THROTTLE,
  DeviceRequests: {
    Driver: TEXT,
    Count: INTEGER,
    DeviceIDs: TEXTS,
    Capabilities: {
      expected: 'a list of lists of strings',
      holds: (value) => listOf(value, (set) => set === null || listOf(set, isString)),
    },
    Options: TEXT_MAP,
  },
};

/**
 * The request is JSON of a client: a field of another type is refused here, before it could reach a control file or
 * a path. Docker refuses it while decoding.
 */
export function validateFieldTypes(hostConfig: HostConfig): void {
  const check = (
    fields: readonly (keyof HostConfig)[],
    expected: string,
    holds: (value: unknown) => boolean,
  ): void => {
    for (const field of fields) {
      const value: unknown = hostConfig[field];
      if (value !== undefined && value !== null && !holds(value)) {
        throw invalidArgument(`invalid JSON: HostConfig.${field} must be ${expected}`);
      }
    }
  };
  check(INTEGERS, 'an integer', isInt64);
  check(STRINGS, 'a string', isString);
  check(BOOLEANS, 'a boolean', (value) => typeof value === 'boolean');
  check(STRING_LISTS, 'a list of strings', (value) => listOf(value, isString));
  check(OBJECT_LISTS, 'a list of objects', (value) => listOf(value, isObject));
  check(STRING_MAPS, 'a map of strings', (value) => mapOf(value, isString));
  for (const [list, checks] of Object.entries(ELEMENTS) as [
    (typeof OBJECT_LISTS)[number],
    Record<string, Check>,
  ][]) {
    for (const element of hostConfig[list] ?? []) checkFields(`HostConfig.${list}.`, element, checks);
  }
}

const isString = (value: unknown): value is string => typeof value === 'string';
