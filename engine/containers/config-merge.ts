import type { OciImageConfig } from '../images/image-store.ts';
import { invalidArgument } from '../lib/errors.ts';
import type { ContainerConfig, HealthConfig } from '../wire/container.ts';

type ImageDefaults = NonNullable<OciImageConfig['config']>;
type ConfigDefaults = ImageDefaults | ContainerConfig;

/**
 * A request's configuration completed from its image, by Docker's rules: what the request sets wins, maps and Env
 * are united by key, an Entrypoint of the request drops the image's Cmd. 400 `no command specified` when neither
 * side has a command.
 */
export function mergeConfig(request: ContainerConfig, image: ImageDefaults): ContainerConfig {
  const merged = completeConfig(request, image);
  if (argvOf(merged).length === 0) throw invalidArgument('no command specified');
  return merged;
}

/** The same without asking for a command: what `docker commit` makes of a container's configuration. */
export function completeConfig(request: ContainerConfig, image: ConfigDefaults): ContainerConfig {
  const command = mergeCommand(request, image);
  const merged: ContainerConfig = {
    ...request,
    ...command,
    User: request.User || image.User || '',
    Env: mergeEnv(request.Env ?? [], image.Env ?? []),
    Labels: { ...image.Labels, ...request.Labels },
    WorkingDir: request.WorkingDir || image.WorkingDir || '',
  };
  const exposed = { ...image.ExposedPorts, ...request.ExposedPorts };
  if (Object.keys(exposed).length > 0) merged.ExposedPorts = exposed;
  else delete merged.ExposedPorts;
  const volumes = { ...image.Volumes, ...request.Volumes };
  merged.Volumes = Object.keys(volumes).length > 0 ? volumes : null;
  const stopSignal = request.StopSignal || image.StopSignal;
  if (stopSignal) merged.StopSignal = stopSignal;
  const healthcheck = mergeHealthcheck(request.Healthcheck, image.Healthcheck);
  if (healthcheck) merged.Healthcheck = healthcheck;
  else delete merged.Healthcheck;
  const shell = request.Shell ?? image.Shell;
  if (shell) merged.Shell = shell;
  return merged;
}

/** Path and arguments of the process: Entrypoint followed by Cmd. */
export function argvOf(config: ContainerConfig): string[] {
  return [...toArray(config.Entrypoint), ...toArray(config.Cmd)];
}

function mergeCommand(
  request: ContainerConfig,
  image: ConfigDefaults,
): { Entrypoint: string[] | null; Cmd: string[] | null } {
  let entrypoint = toArray(request.Entrypoint);
  let cmd = toArray(request.Cmd);
  if (entrypoint.length === 0) {
    if (cmd.length === 0) cmd = toArray(image.Cmd);
    // An empty list asked for explicitly resets the entrypoint; only an absent one is inherited.
    if (request.Entrypoint === undefined || request.Entrypoint === null)
      entrypoint = toArray(image.Entrypoint);
  }
  // `docker run --entrypoint ""` arrives as [""] and means none.
  if (entrypoint.length === 1 && entrypoint[0] === '') entrypoint = [];
  return {
    Entrypoint: entrypoint.length > 0 ? entrypoint : null,
    Cmd: cmd.length > 0 ? cmd : null,
  };
}

/** The request's entries first, then the image's whose name the request does not set. */
function mergeEnv(request: string[], image: string[]): string[] {
  for (const entry of request) {
    if (entry === '' || entry.startsWith('='))
      throw invalidArgument(`invalid environment variable: ${entry}`);
  }
  const names = new Set(request.map(nameOfEnv));
  return [...request, ...image.filter((entry) => !names.has(nameOfEnv(entry)))];
}

function nameOfEnv(entry: string): string {
  return entry.split('=', 1)[0] as string;
}

function mergeHealthcheck(
  request: HealthConfig | null | undefined,
  image: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (!request) return image ?? undefined;
  if (!image) return request;
  return {
    Test: request.Test?.length ? request.Test : (image.Test ?? null),
    Interval: request.Interval || image.Interval || 0,
    Timeout: request.Timeout || image.Timeout || 0,
    StartPeriod: request.StartPeriod || image.StartPeriod || 0,
    StartInterval: request.StartInterval || image.StartInterval || 0,
    Retries: request.Retries || image.Retries || 0,
  };
}

function toArray(value: string[] | string | null | undefined): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return value ?? [];
}
