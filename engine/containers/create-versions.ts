import { invalidArgument } from '../lib/errors.ts';
import type { ContainerCreateRequest, EndpointSettings, HostConfig } from '../wire/container.ts';

/** The version of the API that the client speaks. */
export interface ApiVersion {
  atLeast(version: string): boolean;
}

/** A create request as the newest API would have it. */
export interface AdaptedCreate {
  request: ContainerCreateRequest;
  warnings: string[];
  /** Read-only binds leave the mounts below them writable. */
  readonlyNonRecursive: boolean;
}

/**
 * What older versions of the API meant by the fields that later ones moved or gave a new meaning, by Docker's rules and
 * with its warnings; what they did not have at all is sorted out by the API. The types of the fields are checked
 * already. Throws invalid-argument.
 */
export function adaptCreate(given: ContainerCreateRequest, version: ApiVersion): AdaptedCreate {
  const { Runtime: runtime, ...request } = structuredClone(given);
  if (runtime) request.HostConfig = { Runtime: runtime, ...request.HostConfig };
  if (!version.atLeast('1.48')) {
    for (const endpoint of endpointsOf(request)) delete endpoint.GwPriority;
  }
  const warnings = [
    volumeDriverWarning(request.HostConfig ?? {}, version),
    adaptMacAddress(request, version),
  ];
  return {
    request,
    warnings: warnings.filter((text) => text !== undefined),
    readonlyNonRecursive: !version.atLeast('1.44'),
  };
}

function volumeDriverWarning({ VolumeDriver, Mounts }: HostConfig, version: ApiVersion): string | undefined {
  const ignored = (Mounts ?? []).some(
    ({ Type, VolumeOptions }) => Type === 'volume' && !VolumeOptions?.DriverConfig?.Name,
  );
  return VolumeDriver && ignored && version.atLeast('1.48')
    ? "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead"
    : undefined;
}

/**
 * The container-wide address belongs to the endpoint of the main network since 1.44. Docker refuses it since 1.52; here
 * it stays, since clients that name no version still send it.
 */
function adaptMacAddress(request: ContainerCreateRequest, version: ApiVersion): string | undefined {
  const { MacAddress: address } = request;
  if (!address) {
    if (!version.atLeast('1.44')) for (const endpoint of endpointsOf(request)) delete endpoint.MacAddress;
    return undefined;
  }
  const mode = request.HostConfig?.NetworkMode || 'default';
  const hasEndpoint = mode !== 'host' && mode !== 'none' && !mode.startsWith('container:');
  if (!hasEndpoint && !version.atLeast('1.44')) {
    throw invalidArgument('conflicting options: mac-address and the network mode');
  }
  if (hasEndpoint) mainEndpoint(request, mode, version).MacAddress = address;
  if (!version.atLeast('1.44')) return undefined;
  return 'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';
}

const endpointsOf = ({ NetworkingConfig }: ContainerCreateRequest): EndpointSettings[] =>
  Object.values(NetworkingConfig?.EndpointsConfig ?? {}).filter((endpoint) => endpoint !== null);

/** Made where the request names no endpoint at all. */
function mainEndpoint(request: ContainerCreateRequest, mode: string, version: ApiVersion): EndpointSettings {
  const networking = (request.NetworkingConfig ??= {});
  const endpoints = (networking.EndpointsConfig ??= {});
  const names = Object.keys(endpoints);
  const only = names.length === 0 ? mode : version.atLeast('1.44') ? undefined : names[0];
  const isMain = (name: string): boolean => name === mode || (mode === 'default' && name === 'bridge');
  const name = only ?? names.find(isMain);
  if (name === undefined) {
    throw invalidArgument(
      'unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks',
    );
  }
  const endpoint = (endpoints[name] ??= {});
  if (endpoint.MacAddress && endpoint.MacAddress !== request.MacAddress && version.atLeast('1.44')) {
    throw invalidArgument(
      'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    );
  }
  return endpoint;
}
