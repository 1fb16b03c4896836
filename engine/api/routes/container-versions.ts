import { isObject } from '../../lib/field-types.ts';
import { invalidArgument } from '../../lib/errors.ts';
import type { ContainerCreateRequest, HostConfig, MountRequest } from '../../wire/container.ts';
import type { ApiVersion } from '../route.ts';

/**
 * What containers look like to clients of older API versions. Source: the version history of the Engine API. Fields
 * that newer versions only dropped stay for everybody: nobody is hurt by them, and clients that name no version rely on
 * some.
 */

interface Summary {
  Health?: object;
  HostConfig?: { Annotations?: object };
}

/** An element of `GET /containers/json`; `undefined` does not travel. */
export function summaryOf(version: ApiVersion): (summary: object) => object {
  const hasHealth = version.atLeast('1.52');
  const hasAnnotations = version.atLeast('1.46');
  return (summary) => {
    const { Health, HostConfig } = summary as Summary;
    return {
      ...summary,
      Health: hasHealth ? Health : undefined,
      HostConfig: { ...HostConfig, Annotations: hasAnnotations ? HostConfig?.Annotations : undefined },
    };
  };
}

const PREDEFINED_NETWORKS = ['bridge', 'host', 'none', 'default'];

/** `GET /containers/{id}/json`: before 1.45 Aliases named what DNSNames name now. */
export function inspectViewOf(view: object, version: ApiVersion): object {
  if (version.atLeast('1.45')) return view;
  const { Id, Config, NetworkSettings } = view as {
    Id: string;
    Config: { Hostname: string };
    NetworkSettings: { Networks: Record<string, { Aliases?: string[] | null }> };
  };
  const networks = Object.entries(NetworkSettings.Networks).map(([name, endpoint]) => {
    if (PREDEFINED_NETWORKS.includes(name)) return [name, endpoint];
    const names = [...(endpoint.Aliases ?? []), Id.slice(0, 12), Config.Hostname];
    return [name, { ...endpoint, Aliases: [...new Set(names.filter(Boolean))] }];
  });
  return {
    ...view,
    NetworkSettings: { ...NetworkSettings, Networks: Object.fromEntries(networks) as object },
  };
}

/**
 * The body of `POST /containers/create` in the sense of the newest version: what did not exist yet is ignored, or
 * refused where ignoring it would mislead. Throws invalid-argument.
 */
export function createRequestOf(
  request: ContainerCreateRequest,
  version: ApiVersion,
): ContainerCreateRequest {
  const { HostConfig, Healthcheck, NetworkingConfig } = request;
  const endpoints = NetworkingConfig?.EndpointsConfig;
  if (!version.atLeast('1.44') && isObject(endpoints) && Object.keys(endpoints).length > 1) {
    const names = Object.keys(endpoints).join(', ');
    throw invalidArgument(`Container cannot be created with multiple network endpoints: ${names}`);
  }
  return {
    ...request,
    ...(isObject(HostConfig) ? { HostConfig: hostConfigOf(HostConfig, version) } : {}),
    ...(isObject(Healthcheck) && !version.atLeast('1.44')
      ? { Healthcheck: { ...Healthcheck, StartInterval: 0 } }
      : {}),
  };
}

function hostConfigOf(hostConfig: HostConfig, version: ApiVersion): HostConfig {
  const { Mounts } = hostConfig;
  const adapted: HostConfig = { ...hostConfig };
  if (!version.atLeast('1.40')) adapted.IpcMode ||= 'shareable';
  if (!version.atLeast('1.42')) delete adapted.ConsoleSize;
  if (!version.atLeast('1.43')) delete adapted.Annotations;
  if (Array.isArray(Mounts)) {
    adapted.Mounts = Mounts.map((mount) => (isObject(mount) ? mountOf(mount, version) : mount));
  }
  return adapted;
}

/** Which options belong to which mount type. */
const OPTIONS_TYPE = { BindOptions: 'bind', VolumeOptions: 'volume', TmpfsOptions: 'tmpfs' } as const;

function mountOf(mount: MountRequest, version: ApiVersion): MountRequest {
  const adapted: MountRequest = { ...mount };
  for (const [options, type] of Object.entries(OPTIONS_TYPE) as [keyof typeof OPTIONS_TYPE, string][]) {
    if (!mount[options] || mount.Type === type) continue;
    if (version.atLeast('1.42')) {
      throw invalidArgument(`${options} must not be specified on mount type "${mount.Type ?? ''}"`);
    }
    if (options !== 'BindOptions') delete adapted[options];
  }
  if (mount.VolumeOptions?.Subpath && !version.atLeast('1.45')) {
    throw invalidArgument('VolumeOptions.Subpath needs API v1.45 or newer');
  }
  if (mount.Type === 'image' && !version.atLeast('1.48')) {
    throw invalidArgument('Mount type "Image" needs API v1.48 or newer');
  }
  if (mount.BindOptions) adapted.BindOptions = bindOptionsOf(mount.BindOptions, version);
  return adapted;
}

type BindOptions = NonNullable<MountRequest['BindOptions']>;

function bindOptionsOf(options: BindOptions, version: ApiVersion): BindOptions {
  if (options.ReadOnlyForceRecursive && !version.atLeast('1.44')) {
    throw invalidArgument('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
  }
  const adapted = { ...options };
  if (!version.atLeast('1.40')) delete adapted.NonRecursive;
  if (!version.atLeast('1.42')) delete adapted.CreateMountpoint;
  return adapted;
}
