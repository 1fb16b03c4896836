import type Dockerode from 'dockerode';
import type { ContainerDetails, ContainerSummary, Port } from '../types.ts';
import { timeOf } from './time.ts';

/** A row of `GET /containers/json`. */
export function toContainerSummary(info: Dockerode.ContainerInfo): ContainerSummary {
  const labels = info.Labels ?? {};
  return {
    id: info.Id,
    name: (info.Names?.[0] ?? info.Id.slice(0, 12)).replace(/^\//, ''),
    image: info.Image,
    imageId: info.ImageID,
    command: info.Command,
    createdAt: info.Created * 1000,
    state: toState(info.State),
    status: info.Status,
    health: healthOfStatus(info.Status),
    ports: withoutTwins(
      (info.Ports ?? []).map((port) => ({
        hostIp: port.IP ?? '',
        hostPort: port.PublicPort || undefined,
        containerPort: port.PrivatePort,
        protocol: port.Type,
      })),
    ),
    labels,
    networks: Object.keys(info.NetworkSettings?.Networks ?? {}),
    compose: toComposeRole(labels),
  };
}

/** `GET /containers/{id}/json`; `summary` is the container's row of the list where it was found there. */
export function toContainerDetails(
  info: Dockerode.ContainerInspectInfo,
  summary: ContainerSummary | undefined,
): ContainerDetails {
  const { Config: config, HostConfig: host, State: state } = info;
  const labels = config.Labels ?? {};
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    image: config.Image,
    imageId: info.Image,
    command: [info.Path, ...(info.Args ?? [])].join(' ').trim(),
    createdAt: timeOf(info.Created) ?? 0,
    state: toState(state.Status),
    status: summary?.status ?? state.Status,
    health: toHealth(state.Health?.Status),
    ports: toPorts(info.NetworkSettings?.Ports),
    labels,
    networks: Object.keys(info.NetworkSettings?.Networks ?? {}),
    compose: toComposeRole(labels),
    startedAt: timeOf(state.StartedAt),
    finishedAt: timeOf(state.FinishedAt),
    exitCode: state.ExitCode,
    error: state.Error ?? '',
    oomKilled: state.OOMKilled,
    pid: state.Pid,
    restartPolicy: toRestartPolicy(host.RestartPolicy),
    tty: config.Tty,
    environment: config.Env ?? [],
    entrypoint: toList(config.Entrypoint),
    arguments: toList(config.Cmd),
    workingDirectory: config.WorkingDir ?? '',
    user: config.User ?? '',
    hostname: config.Hostname ?? '',
    mounts: (info.Mounts ?? []).map((mount) => ({
      type: mount.Type,
      name: mount.Name ?? '',
      source: mount.Source ?? '',
      destination: mount.Destination,
      readonly: !mount.RW,
    })),
    endpoints: Object.entries(info.NetworkSettings?.Networks ?? {}).map(([network, endpoint]) => ({
      network,
      ip: endpoint.IPAddress ?? '',
      gateway: endpoint.Gateway ?? '',
      mac: endpoint.MacAddress ?? '',
      aliases: toList(endpoint.Aliases as string[] | null),
    })),
    limits: {
      memoryBytes: host.Memory ?? 0,
      nanoCpus: host.NanoCpus ?? 0,
      pids: Math.max(0, host.PidsLimit ?? 0),
    },
    raw: info,
  };
}

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;

function toState(state: string): ContainerSummary['state'] {
  return STATES.find((known) => known === state) ?? 'dead';
}

/** The list tells health only in its words: `Up 3 minutes (healthy)`, `Up 2 seconds (health: starting)`. */
function healthOfStatus(status: string): ContainerSummary['health'] {
  return toHealth(/\((?:health: )?(healthy|unhealthy|starting)\)$/.exec(status)?.[1]);
}

function toHealth(health: string | undefined): ContainerSummary['health'] {
  return health === 'healthy' || health === 'unhealthy' || health === 'starting' ? health : undefined;
}

function toComposeRole(labels: Record<string, string>): ContainerSummary['compose'] {
  const project = labels['com.docker.compose.project'];
  if (!project) return undefined;
  return { project, service: labels['com.docker.compose.service'] ?? '' };
}

/** The inspect answer's port map, `"80/tcp" → bindings or null`. */
function toPorts(map: Dockerode.ContainerInspectInfo['NetworkSettings']['Ports'] | undefined): Port[] {
  const ports = Object.entries(map ?? {}).flatMap(([key, bindings]) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    const containerPort = Number(port);
    if (!bindings?.length) return [{ hostIp: '', hostPort: undefined, containerPort, protocol }];
    return bindings.map(({ HostIp, HostPort }) => ({
      hostIp: HostIp,
      hostPort: Number(HostPort) || undefined,
      containerPort,
      protocol,
    }));
  });
  return withoutTwins(ports);
}

/** A port published at all IPv4 and all IPv6 addresses is told once. */
function withoutTwins(ports: Port[]): Port[] {
  const isTwin = (port: Port, other: Port): boolean =>
    other.hostIp === '0.0.0.0' &&
    other.hostPort === port.hostPort &&
    other.containerPort === port.containerPort &&
    other.protocol === port.protocol;
  return ports.filter((port) => port.hostIp !== '::' || !ports.some((other) => isTwin(port, other)));
}

function toRestartPolicy(policy: Dockerode.HostRestartPolicy | undefined): string {
  if (!policy?.Name) return 'no';
  return policy.MaximumRetryCount ? `${policy.Name}:${policy.MaximumRetryCount}` : policy.Name;
}

function toList(value: string | string[] | null | undefined): string[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
