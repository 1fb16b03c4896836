import path from 'node:path';
import { argvOf } from './config-merge.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, type ContainersContext } from './context.ts';
import { sizesOf } from './list-view.ts';
import { logSourceOf } from './log-source.ts';
import { linksView } from './links.ts';
import { networkModeOf } from './modes.ts';
import { mountViews } from './mount-view.ts';
import { networksOf, portMapOf } from './network-view.ts';
import { isActive, type ContainerRecord } from './record.ts';

/** `GET /containers/{id}/json`: every field that the docker CLI, compose and the SDKs read. */
export async function inspectContainer(
  context: ContainersContext,
  container: Container,
  options: { size: boolean },
): Promise<object> {
  const { record, directory } = container;
  const [Path = '', ...Args] = argvOf(record.config);
  const networkFile = (name: string): string =>
    networkModeOf(record.hostConfig).kind === 'container' ? '' : path.join(directory, name);
  return {
    Id: record.id,
    Created: record.createdAt,
    Path,
    Args,
    State: stateView(container),
    Image: record.imageId,
    ResolvConfPath: networkFile('resolv.conf'),
    HostnamePath: networkFile('hostname'),
    HostsPath: networkFile('hosts'),
    LogPath: context.logs.pathOf(logSourceOf(container)),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: record.platform,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: appArmorProfileOf(record),
    ExecIDs: container.execIds.size > 0 ? [...container.execIds] : null,
    HostConfig: hostConfigView(context, record),
    GraphDriver: graphDriver(context, container),
    ...(options.size ? await sizesOf(context, container) : {}),
    Mounts: mountViews(record.mounts),
    Config: configView(record),
    NetworkSettings: networkSettings(context, record),
  };
}

/** As asked for, whether or not the kernel has AppArmor. */
function appArmorProfileOf({ hostConfig }: ContainerRecord): string {
  const option = (hostConfig.SecurityOpt ?? []).findLast((text) => /^apparmor[=:]/.test(text));
  return option?.slice('apparmor='.length) ?? '';
}

function stateView({ record: { state } }: Container): object {
  return {
    Status: state.status,
    Running: isActive(state.status),
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(state.health ? { Health: state.health } : {}),
  };
}

function hostConfigView(context: ContainersContext, record: ContainerRecord): object {
  const { hostConfig } = record;
  const { Tmpfs, Mounts, Annotations, ...always } = hostConfig;
  return {
    ...always,
    Links: linksView(context, record),
    ...(Tmpfs && Object.keys(Tmpfs).length > 0 ? { Tmpfs } : {}),
    ...(Mounts?.length ? { Mounts } : {}),
    ...(Annotations ? { Annotations } : {}),
  };
}

function configView({ config }: ContainerRecord): object {
  return {
    ...config,
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
  };
}

function graphDriver(context: ContainersContext, { directory, record }: Container): object {
  return {
    Name: 'overlay2',
    Data: {
      ID: record.id,
      LowerDir: [initLayerDirectory(context), ...lowerDirectories(context, record)].join(':'),
      // The overlay is mounted in the container's own mount namespace: there is no merged directory on the host.
      MergedDir: '',
      UpperDir: path.join(directory, 'upper'),
      WorkDir: path.join(directory, 'work'),
    },
  };
}

/** Empty when the image was removed by force. */
function lowerDirectories({ images }: ContainersContext, { imageId }: ContainerRecord): string[] {
  try {
    return images.lowerDirectories(imageId);
  } catch {
    return [];
  }
}

function networkSettings({ networks }: ContainersContext, record: ContainerRecord): object {
  const all = networksOf(record, (name) => networks.resolve(name));
  const bridge = all['bridge'];
  return {
    Bridge: '',
    SandboxID: record.state.pid > 0 ? record.id : '',
    SandboxKey: record.state.pid > 0 ? `/proc/${record.state.pid}/ns/net` : '',
    Ports: portMapOf(record),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: all,
  };
}
