import { isIPv4 } from 'node:net';
import { isObject } from '../lib/field-types.ts';
import { pathText, type Path, type Report } from './diagnostics.ts';
import type { Variables } from './interpolate.ts';
import type { DependencyCondition, ServiceModel } from './model.ts';
import { mount } from './mounts.ts';
import { port } from './ports.ts';
import {
  boolean,
  byteSize,
  commandLine,
  decimal,
  fields,
  integer,
  keyValues,
  listOf,
  mappingOf,
  mismatch,
  oneOf,
  plainMap,
  text,
  textOrList,
  type Read,
} from './readers.ts';

/** Keys of the compose-spec's services that are not supported yet: they are named, never ignored. */
const LATER_SERVICE_KEYS = `
  annotations attach blkio_config build cgroup cgroup_parent configs cpu_count cpu_percent cpu_period
  cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpuset credential_spec develop device_cgroup_rules
  devices dns_opt dns_search domainname env_file extends external_links gpus group_add healthcheck init ipc
  isolation label_file links logging mac_address mem_reservation mem_swappiness memswap_limit models
  oom_kill_disable oom_score_adj pid platform post_start pre_stop profiles provider pull_policy runtime
  scale secrets security_opt shm_size stop_grace_period stop_signal storage_opt sysctls ulimits
  use_api_socket userns_mode uts volumes_from
`;

const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

const serviceNetworks: Read<ServiceModel['networks']> = (value, path, report) => {
  if (Array.isArray(value)) {
    const names = listOf(text)(value, path, report) ?? [];
    return new Map(names.map((name) => [name, { aliases: [], ipv4Address: undefined }]));
  }
  const read = mappingOf(
    fields(
      { aliases: listOf(text), ipv4_address: text },
      'driver_opts gw_priority interface_name ipv6_address link_local_ips mac_address priority',
    ),
  );
  const networks = [...(read(value, path, report) ?? [])];
  for (const [name, { ipv4_address: address }] of networks) {
    if (address === undefined || isIPv4(address)) continue;
    report.error([...path, name, 'ipv4_address'], `${JSON.stringify(address)} is no IPv4 address`);
  }
  return new Map(
    networks.map(([name, { aliases = [], ipv4_address: ipv4Address }]) => [name, { aliases, ipv4Address }]),
  );
};

const dependsOn: Read<ServiceModel['dependsOn']> = (value, path, report) => {
  if (Array.isArray(value)) {
    const names = listOf(text)(value, path, report) ?? [];
    return new Map(names.map((name): [string, DependencyCondition] => [name, 'service_started']));
  }
  const read = mappingOf(fields({ condition: oneOf(...CONDITIONS) }, 'restart required'));
  const entries = [...(read(value, path, report) ?? [])];
  return new Map(entries.map(([name, { condition }]) => [name, condition ?? 'service_started']));
};

const restart: Read<ServiceModel['restart']> = (value, path, report) => {
  const match =
    typeof value === 'string' ? /^(no|always|unless-stopped|on-failure(?::(\d+))?)$/.exec(value) : null;
  if (!match) return mismatch(value, path, report, '"no", always, unless-stopped or on-failure[:N]');
  return { name: match[1]!.split(':')[0]!, retries: Number(match[2] ?? 0) };
};

/** `[host:ip, …]` (or `host=ip`) or `{host: ip}`. */
const extraHosts: Read<string[]> = (value, path, report) => {
  if (isObject(value)) {
    return Object.entries(plainMap(value, path, report) ?? {}).map(([host, ip]) => `${host}:${ip}`);
  }
  return listOf(text)(value, path, report)?.map((line) => line.replace(/^([^:=]+)=/, '$1:'));
};

const expose: Read<string[]> = (value, path, report) => {
  if (!Array.isArray(value)) return mismatch(value, path, report, 'a list');
  return value.flatMap((item, index) => {
    const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(String(item));
    if (match) return [`${match[1]}/${match[2] ?? 'tcp'}`];
    return mismatch(item, [...path, index], report, 'a port such as "80" or "53/udp"') ?? [];
  });
};

const tmpfs: Read<Record<string, string>> = (value, path, report) => {
  const lines = textOrList(value, path, report) ?? [];
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
};

const limits = fields({ cpus: decimal, memory: byteSize, pids: integer });
const deploy = fields(
  { resources: fields({ limits }, 'reservations') },
  'endpoint_mode labels mode placement replicas restart_policy rollback_config update_config',
);

/** Every key of a service that is read. */
export function serviceTable(projectDirectory: string) {
  return {
    image: text,
    command: commandLine,
    entrypoint: commandLine,
    environment: keyValues,
    ports: listOf(port),
    expose,
    volumes: listOf(mount(projectDirectory)),
    network_mode: oneOf('host', 'none', 'bridge'),
    networks: serviceNetworks,
    depends_on: dependsOn,
    restart,
    labels: plainMap,
    container_name: text,
    working_dir: text,
    user: text,
    hostname: text,
    tty: boolean,
    stdin_open: boolean,
    privileged: boolean,
    read_only: boolean,
    tmpfs,
    cap_add: listOf(text),
    cap_drop: listOf(text),
    extra_hosts: extraHosts,
    dns: textOrList,
    mem_limit: byteSize,
    cpus: decimal,
    pids_limit: integer,
    deploy,
  };
}

/** One service; without an image it is none. `variables` give the values of `environment: [NAME]`. */
export function readService(projectDirectory: string, variables: Variables): Read<ServiceModel> {
  const read = fields(serviceTable(projectDirectory), LATER_SERVICE_KEYS);
  return (value, path, report) => {
    const raw = read(value, path, report);
    if (!raw) return undefined;
    checkService(raw, value, path, report);
    return { ...identity(raw), ...resources(raw), ...links(raw, variables) };
  };
}

type RawService = NonNullable<ReturnType<ReturnType<typeof rawReader>>>;
const rawReader = () => fields(serviceTable(''));

function checkService(raw: RawService, value: unknown, path: Path, report: Report): void {
  // Where `build` or a wrong image stands, that has been said already.
  if (!raw.image && isObject(value) && !value['build'] && !value['image']) {
    report.error(path, `${pathText(path)} needs an image`, 'key');
  }
  if (raw.network_mode !== undefined && raw.networks !== undefined) {
    report.error(
      [...path, 'network_mode'],
      `${pathText(path)}: network_mode and networks exclude each other`,
    );
  }
  const limits = raw.deploy?.resources?.limits;
  if (raw.mem_limit !== undefined && limits?.memory !== undefined && raw.mem_limit !== limits.memory) {
    report.error(
      [...path, 'mem_limit'],
      `${pathText(path)}: mem_limit contradicts deploy.resources.limits.memory`,
    );
  }
}

function identity(raw: RawService) {
  return {
    image: raw.image ?? '',
    command: raw.command,
    entrypoint: raw.entrypoint,
    containerName: raw.container_name,
    workingDirectory: raw.working_dir,
    user: raw.user,
    hostname: raw.hostname,
    labels: raw.labels ?? {},
    restart: raw.restart ?? { name: 'no', retries: 0 },
    tty: raw.tty ?? false,
    stdinOpen: raw.stdin_open ?? false,
    privileged: raw.privileged ?? false,
    readOnly: raw.read_only ?? false,
  };
}

function resources(raw: RawService) {
  const limits = raw.deploy?.resources?.limits;
  const cpus = raw.cpus ?? limits?.cpus;
  return {
    tmpfs: raw.tmpfs ?? {},
    capAdd: raw.cap_add ?? [],
    capDrop: raw.cap_drop ?? [],
    memoryBytes: raw.mem_limit ?? limits?.memory,
    nanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    pidsLimit: raw.pids_limit ?? limits?.pids,
  };
}

function links(raw: RawService, variables: Variables) {
  const usesDefault = raw.networks === undefined && raw.network_mode === undefined;
  const defaults: ServiceModel['networks'] = new Map(
    usesDefault ? [['default', { aliases: [], ipv4Address: undefined }]] : [],
  );
  return {
    environment: toEnvironment(raw.environment ?? new Map(), variables),
    ports: (raw.ports ?? []).flat(),
    expose: raw.expose ?? [],
    mounts: raw.volumes ?? [],
    networkMode: raw.network_mode,
    networks: raw.networks ?? defaults,
    dependsOn: raw.depends_on ?? new Map<string, DependencyCondition>(),
    extraHosts: raw.extra_hosts ?? [],
    dns: raw.dns ?? [],
  };
}

/** A name without a value takes the variable's, and is left out where there is none. */
function toEnvironment(entries: Map<string, string | null>, variables: Variables): string[] {
  return [...entries].flatMap(([name, value]) => {
    const resolved = value ?? (Object.hasOwn(variables, name) ? variables[name] : undefined);
    return resolved === undefined ? [] : [`${name}=${resolved}`];
  });
}
