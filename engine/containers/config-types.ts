import { invalidArgument } from '../lib/errors.ts';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  HostConfig,
  NetworkingConfig,
} from '../wire/container.ts';

type Check = { expected: string; holds: (value: unknown) => boolean };

/** No NUL: these become C strings, and what the kernel sees must be what was checked. */
const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);
const mapOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  isObject(value) && Object.values(value).every(holds);
const orNull = (holds: (item: unknown) => boolean) => (value: unknown) => value === null || holds(value);

const TEXT: Check = { expected: 'a string', holds: isText };
const FLAG: Check = { expected: 'a boolean', holds: (value) => typeof value === 'boolean' };
const INTEGER: Check = { expected: 'an integer', holds: Number.isSafeInteger };
const TEXTS: Check = { expected: 'a list of strings', holds: (value) => listOf(value, isText) };
const COMMAND: Check = {
  expected: 'a string or a list of strings',
  holds: (value) => isText(value) || listOf(value, isText),
};
const TEXT_MAP: Check = { expected: 'a map of strings', holds: (value) => mapOf(value, isText) };
const SET: Check = { expected: 'a map of objects', holds: (value) => mapOf(value, isObject) };
const CONSOLE_SIZE: Check = {
  expected: 'a height and a width',
  holds: (value) => listOf(value, Number.isSafeInteger) && (value as unknown[]).length === 2,
};

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
};

const NETWORKING: { [Field in keyof NetworkingConfig]?: Check } = {
  EndpointsConfig: { expected: 'a map of objects', holds: (value) => mapOf(value, orNull(isObject)) },
};

/** Refuses fields of a wrong type, as Docker does while decoding; `null` is absence. 400. */
export function checkRequestTypes(request: ContainerCreateRequest): void {
  checkFields('', request, CONFIG);
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

/** The same for `POST /containers/{id}/exec` and `/exec/{id}/start`. */
export function checkExecTypes(request: object): void {
  checkFields('', request, {
    User: TEXT,
    Privileged: FLAG,
    Tty: FLAG,
    Detach: FLAG,
    AttachStdin: FLAG,
    AttachStdout: FLAG,
    AttachStderr: FLAG,
    DetachKeys: TEXT,
    Env: TEXTS,
    WorkingDir: TEXT,
    Cmd: TEXTS,
    ConsoleSize: CONSOLE_SIZE,
  });
}

function checkObject(name: string, value: object | null | undefined, checks: Record<string, Check>): void {
  if (value === null || value === undefined) return;
  if (!isObject(value)) throw invalidArgument(`invalid JSON: ${name} must be an object`);
  checkFields(`${name}.`, value, checks);
}

function checkFields(prefix: string, value: object, checks: Record<string, Check>): void {
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (field === null || !check || check.holds(field)) continue;
    throw invalidArgument(`invalid JSON: ${prefix}${name} must be ${check.expected}`);
  }
}
