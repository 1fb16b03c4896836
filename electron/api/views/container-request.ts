import type {
  ContainerCreateRequest,
  EndpointSettings,
  HostConfig,
  PortMap,
} from '../../../engine/wire/container.ts';
import type { RunRequest } from '../types.ts';

/** The Docker create request of a filled Run dialog. */
export function toContainerRequest(run: RunRequest): ContainerCreateRequest {
  const keys = run.ports.map(portKey);
  return {
    Image: run.image,
    Cmd: run.command.length > 0 ? run.command : null,
    Entrypoint: run.entrypoint?.length ? run.entrypoint : null,
    Env: run.environment,
    ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])),
    Labels: run.labels,
    Tty: run.tty,
    OpenStdin: run.openStdin,
    Hostname: run.hostname || undefined,
    User: run.user || undefined,
    WorkingDir: run.workingDirectory || undefined,
    HostConfig: toHostConfig(run),
    NetworkingConfig: toNetworking(run.network),
  };
}

function toHostConfig(run: RunRequest): HostConfig {
  return {
    PortBindings: toPortBindings(run.ports),
    Mounts: run.mounts.map(({ type, source, target, readonly }) => ({
      Type: type,
      Source: type === 'tmpfs' ? undefined : source,
      Target: target,
      ReadOnly: readonly,
    })),
    NetworkMode: run.network || 'default',
    RestartPolicy: {
      Name: run.restartPolicy,
      MaximumRetryCount: run.restartPolicy === 'on-failure' ? (run.restartRetries ?? 0) : 0,
    },
    AutoRemove: run.autoRemove,
    Privileged: run.privileged,
    ReadonlyRootfs: run.readonlyRootfs,
    Memory: run.memoryBytes,
    NanoCpus: run.nanoCpus,
    PidsLimit: run.pidsLimit,
  };
}

/** Several bindings of one container port are kept; no host port: the engine picks one. */
function toPortBindings(ports: RunRequest['ports']): PortMap {
  const map: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const binding = { HostIp: port.hostIp ?? '', HostPort: port.hostPort ? String(port.hostPort) : '' };
    (map[portKey(port)] ??= []).push(binding);
  }
  return map;
}

function portKey(port: RunRequest['ports'][number]): string {
  return `${port.containerPort}/${port.protocol}`;
}

/** Names of user networks are endpoints too; `host`, `none`, `bridge` and `container:…` are modes only. */
function toNetworking(
  network: string | undefined,
): { EndpointsConfig: Record<string, EndpointSettings> } | undefined {
  if (!network || ['bridge', 'default', 'host', 'none'].includes(network) || network.startsWith('container:'))
    return undefined;
  return { EndpointsConfig: { [network]: {} } };
}
