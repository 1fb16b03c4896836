import { createHash } from 'node:crypto';
import type {
  ContainerCreateRequest,
  EndpointSettings,
  HostConfig,
  MountRequest,
  PortMap,
} from '../wire/container.ts';
import type { NetworkCreateRequest, VolumeCreateRequest } from './client.ts';
import type { ComposeModel, MountModel, NetworkModel, ServiceModel, VolumeModel } from './model.ts';

/** The labels that docker compose writes and finds its objects by. */
export const LABEL = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneoff: 'com.docker.compose.oneoff',
  configHash: 'com.docker.compose.config-hash',
  workingDirectory: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
  version: 'com.docker.compose.version',
  dependsOn: 'com.docker.compose.depends_on',
  image: 'com.docker.compose.image',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
} as const;

/** Who wrote the labels. */
const VERSION = 'gantry';

export function containerName(model: ComposeModel, service: string): string {
  return model.services.get(service)?.containerName ?? `${model.project}-${service}-1`;
}

/**
 * The create request of a service's one container, before the compose labels. `allEndpoints`: the engine takes more
 * than one endpoint at creation (API 1.44); else the others are to be connected before the start.
 */
export function toContainerRequest(
  model: ComposeModel,
  name: string,
  allEndpoints: boolean,
): ContainerCreateRequest {
  const service = model.services.get(name)!;
  const endpoints = toEndpoints(model, name);
  const first = Object.keys(endpoints)[0];
  const only = (key: string) => ({ [key]: endpoints[key]! });
  const exposed = [...service.expose, ...service.ports.map((port) => `${port.target}/${port.protocol}`)];
  return {
    Image: service.image,
    Cmd: service.command ?? null,
    Entrypoint: service.entrypoint ?? null,
    Env: service.environment,
    Labels: service.labels,
    ExposedPorts: Object.fromEntries(exposed.map((key) => [key, {}])),
    WorkingDir: service.workingDirectory,
    User: service.user,
    Hostname: service.hostname,
    Tty: service.tty,
    OpenStdin: service.stdinOpen,
    HostConfig: toHostConfig(model, service, service.networkMode ?? first ?? 'none'),
    NetworkingConfig:
      first === undefined ? undefined : { EndpointsConfig: allEndpoints ? endpoints : only(first) },
  };
}

function toHostConfig(model: ComposeModel, service: ServiceModel, networkMode: string): HostConfig {
  return {
    NetworkMode: networkMode,
    PortBindings: toPortBindings(service),
    Binds: service.mounts
      .filter(isLegacyBind)
      .map((m) => `${m.source}:${m.target}:${m.readonly ? 'ro' : 'rw'}`),
    Mounts: service.mounts.filter((mount) => !isLegacyBind(mount)).map((mount) => toMount(model, mount)),
    Tmpfs: service.tmpfs,
    RestartPolicy: { Name: service.restart.name, MaximumRetryCount: service.restart.retries },
    Privileged: service.privileged,
    ReadonlyRootfs: service.readOnly,
    CapAdd: service.capAdd,
    CapDrop: service.capDrop,
    ExtraHosts: service.extraHosts,
    Dns: service.dns,
    Memory: service.memoryBytes,
    NanoCpus: service.nanoCpus,
    PidsLimit: service.pidsLimit,
  };
}

/** Only `Binds` make a missing source directory. */
function isLegacyBind(mount: MountModel): boolean {
  return mount.type === 'bind' && mount.createSource;
}

function toMount(model: ComposeModel, mount: MountModel): MountRequest {
  const common = { Type: mount.type, Target: mount.target, ReadOnly: mount.readonly };
  if (mount.type === 'tmpfs') return { ...common, TmpfsOptions: { SizeBytes: mount.sizeBytes } };
  if (mount.type === 'bind') return { ...common, Source: mount.source };
  const source = mount.source === '' ? undefined : model.volumes.get(mount.source)!.name;
  return { ...common, Source: source, ...(mount.noCopy && { VolumeOptions: { NoCopy: true } }) };
}

function toPortBindings(service: ServiceModel): PortMap {
  const map: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { hostIp, published, target, protocol } of service.ports) {
    (map[`${target}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort: published });
  }
  return map;
}

/** Engine network name → endpoint, in the file's order. A service is found by its name and its container's. */
export function toEndpoints(model: ComposeModel, name: string): Record<string, EndpointSettings> {
  const service = model.services.get(name)!;
  const entries = [...service.networks].map(([key, { aliases, ipv4Address }]): [string, EndpointSettings] => [
    model.networks.get(key)!.name,
    {
      Aliases: [...new Set([containerName(model, name), name, ...aliases])],
      ...(ipv4Address && { IPAMConfig: { IPv4Address: ipv4Address } }),
    },
  ]);
  return Object.fromEntries(entries);
}

/** Changes with everything that needs a new container. */
export function configHash(model: ComposeModel, name: string): string {
  const content = JSON.stringify(toContainerRequest(model, name, true));
  return createHash('sha256').update(content).digest('hex');
}

export interface ProjectPlace {
  workingDirectory: string;
  configFile: string;
}

export function containerLabels(
  model: ComposeModel,
  name: string,
  place: ProjectPlace,
  imageId: string,
): Record<string, string> {
  const service = model.services.get(name)!;
  const dependsOn = [...service.dependsOn].map(([key, condition]) => `${key}:${condition}:false`);
  return {
    ...service.labels,
    [LABEL.project]: model.project,
    [LABEL.service]: name,
    [LABEL.number]: '1',
    [LABEL.oneoff]: 'False',
    [LABEL.configHash]: configHash(model, name),
    [LABEL.workingDirectory]: place.workingDirectory,
    [LABEL.configFiles]: place.configFile,
    [LABEL.dependsOn]: dependsOn.join(','),
    [LABEL.image]: imageId,
    [LABEL.version]: VERSION,
  };
}

export function toNetworkRequest(project: string, key: string, network: NetworkModel): NetworkCreateRequest {
  const config = network.ipam.map(({ subnet, gateway, ipRange }) => ({
    ...(subnet && { Subnet: subnet }),
    ...(gateway && { Gateway: gateway }),
    ...(ipRange && { IPRange: ipRange }),
  }));
  return {
    Name: network.name,
    Driver: network.driver,
    Internal: network.internal,
    Options: network.driverOptions,
    Labels: { ...network.labels, [LABEL.project]: project, [LABEL.network]: key, [LABEL.version]: VERSION },
    ...(config.length > 0 && { IPAM: { Config: config } }),
  };
}

export function toVolumeRequest(project: string, key: string, volume: VolumeModel): VolumeCreateRequest {
  return {
    Name: volume.name,
    Driver: volume.driver,
    DriverOpts: volume.driverOptions,
    Labels: { ...volume.labels, [LABEL.project]: project, [LABEL.volume]: key, [LABEL.version]: VERSION },
  };
}
