import {
  checkFields,
  checkObject,
  FLAG,
  INTEGER,
  isObject,
  isText,
  listOf,
  mapOf,
  orNull,
  TEXT,
  TEXT_MAP,
  TEXTS,
  type Check,
} from '../lib/field-types.ts';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  HostConfig,
  NetworkingConfig,
} from '../wire/container.ts';

const COMMAND: Check = {
  expected: 'a string or a list of strings',
  holds: (value) => isText(value) || listOf(value, isText),
};
const SET: Check = { expected: 'a map of objects', holds: (value) => mapOf(value, isObject) };
export const CONSOLE_SIZE: Check = {
  expected: 'a height and a width',
  holds: (value) => listOf(value, Number.isSafeInteger) && (value as unknown[]).length === 2,
};

const orAbsent = (holds: (value: unknown) => boolean) => (value: unknown) =>
  value === undefined || value === null || holds(value);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

/** Every field of a mount, so that none reaches the kernel, or a path, as something else. */
function isMount(value: unknown): boolean {
  if (!isObject(value)) return false;
  const all = (of: unknown, holds: (field: unknown) => boolean, ...names: string[]): boolean =>
    of === undefined || of === null || (isObject(of) && names.every((name) => orAbsent(holds)(of[name])));
  const { BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs, ImageOptions: image } = value;
  return (
    all(value, isText, 'Type', 'Source', 'Target', 'Consistency') &&
    all(value, isFlag, 'ReadOnly') &&
    all(bind, isText, 'Propagation') &&
    all(bind, isFlag, 'NonRecursive', 'CreateMountpoint', 'ReadOnlyNonRecursive', 'ReadOnlyForceRecursive') &&
    all(volume, isFlag, 'NoCopy') &&
    all(volume, isText, 'Subpath') &&
    all(volume, (labels) => mapOf(labels, isText), 'Labels') &&
    all(volume, isObject, 'DriverConfig') &&
    all(isObject(volume) ? volume['DriverConfig'] : null, isText, 'Name') &&
    all(isObject(volume) ? volume['DriverConfig'] : null, (options) => mapOf(options, isText), 'Options') &&
    all(image, isText, 'Subpath') &&
    all(tmpfs, Number.isSafeInteger, 'SizeBytes', 'Mode') &&
    all(tmpfs, (options) => listOf(options, (option) => listOf(option, isText)), 'Options')
  );
}

const CONFIG: { [Field in keyof ContainerConfig]?: Check } = {
  Hostname: TEXT,
  Domainname: TEXT,
  User: TEXT,
  AttachStdin: FLAG,
  AttachStdout: FLAG,
  AttachStderr: FLAG,
  ExposedPorts: SET,
  Tty: FLAG,
  OpenStdin: FLAG,
  StdinOnce: FLAG,
  Env: TEXTS,
  Cmd: COMMAND,
  Entrypoint: COMMAND,
  Image: TEXT,
  Volumes: SET,
  WorkingDir: TEXT,
  NetworkDisabled: FLAG,
  MacAddress: TEXT,
  Labels: TEXT_MAP,
  StopSignal: TEXT,
  StopTimeout: INTEGER,
  Shell: TEXTS,
  OnBuild: TEXTS,
};

/** What runtime/host-config-types.ts does not judge: the part of HostConfig that this domain reads. */
const HOST_CONFIG: { [Field in keyof HostConfig]?: Check } = {
  VolumesFrom: TEXTS,
  Links: TEXTS,
  VolumeDriver: TEXT,
  PortBindings: {
    expected: 'a map of lists of bindings',
    holds: (value) =>
      mapOf(
        value,
        orNull((bindings) => listOf(bindings, (binding) => mapOf(binding, isText))),
      ),
  },
  ConsoleSize: CONSOLE_SIZE,
  NetworkMode: TEXT,
  Mounts: { expected: 'a list of objects', holds: (value) => listOf(value, isMount) },
};

const NETWORKING: { [Field in keyof NetworkingConfig]?: Check } = {
  EndpointsConfig: { expected: 'a map of objects', holds: (value) => mapOf(value, orNull(isObject)) },
};

/** Refuses fields of a wrong type, as Docker does while decoding; `null` is absence. 400. */
export function checkRequestTypes(request: ContainerCreateRequest): void {
  checkFields('', request, { ...CONFIG, Runtime: TEXT });
  checkObject('Healthcheck', request.Healthcheck, {
    Test: TEXTS,
    Interval: INTEGER,
    Timeout: INTEGER,
    Retries: INTEGER,
    StartPeriod: INTEGER,
    StartInterval: INTEGER,
  });
  checkObject('HostConfig', request.HostConfig, HOST_CONFIG);
  checkObject('HostConfig.LogConfig', request.HostConfig?.LogConfig, { Type: TEXT, Config: TEXT_MAP });
  checkObject('HostConfig.RestartPolicy', request.HostConfig?.RestartPolicy, {
    Name: TEXT,
    MaximumRetryCount: INTEGER,
  });
  checkObject('NetworkingConfig', request.NetworkingConfig, NETWORKING);
}
