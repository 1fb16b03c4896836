import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname as hostHostname } from 'node:os';
import path from 'node:path';
import type { Image } from '../images/image-store.ts';
import { invalidArgument, joinMessages, messageOf, notFound } from '../lib/errors.ts';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  EndpointSettings,
  HostConfig,
  NetworkingConfig,
} from '../wire/container.ts';
import { argvOf, mergeConfig } from './config-merge.ts';
import { checkRequestTypes } from './config-types.ts';
import { Container } from './container.ts';
import { adaptCreate, type ApiVersion } from './create-versions.ts';
import { containersRoot, publish, save, type ContainersContext } from './context.ts';
import { checkModes, completeHostConfig } from './host-config.ts';
import { logSourceOf } from './log-source.ts';
import { fixLinks } from './links.ts';
import { joinTarget, networkModeOf } from './modes.ts';
import { planMounts } from './mount-points.ts';
import type { PlannedMount } from './mount-request.ts';
import { generateName, normalizeName } from './names.ts';
import { normalizePorts } from './port-spec.ts';
import type { ContainerRecord, MountPoint } from './record.ts';
import { moveToTrash } from './removal.ts';
import { parseSignal } from '../lib/signals.ts';
import { limitStorage, storageBytes, unlimitStorage } from './storage-size.ts';
import { ZERO_TIME, nowRfc3339 } from './timestamps.ts';
import { makeWorkingDirectory } from './working-directory.ts';
import { fillVolume, useVolume } from './volume-use.ts';

export interface CreateOptions {
  name: string | undefined;
  /** The image must be of it; Go's names. */
  platform: { os: string; architecture: string } | undefined;
  apiVersion: ApiVersion;
  /** Of a build step: nobody misses it when the machine crashes. */
  shortLived?: boolean;
}

/** Validates, reserves the name, makes the volumes, a missing WORKDIR and the record. All or nothing. */
export async function createContainer(
  context: ContainersContext,
  given: ContainerCreateRequest | undefined,
  options: CreateOptions,
): Promise<{ id: string; warnings: string[] }> {
  if (!given || isConfigEmpty(given)) {
    throw invalidArgument('config cannot be empty in order to create a container');
  }
  const name = options.name ? normalizeName(options.name) : undefined;
  checkRequestTypes(given);
  const { request, ...adapted } = adaptCreate(given, options.apiVersion);
  const { hostConfig, warnings } = context.validateHostConfig(request.HostConfig ?? {});
  checkEndpoints(context, request.NetworkingConfig);
  const record = toRecord(context, { ...request, HostConfig: hostConfig }, options.platform);
  fixLinks(context, record);
  const planned = planMounts(
    record.config,
    record.hostConfig,
    (other) => otherContainer(context, other).record.mounts,
    { ...adapted, dataRoot: context.dataRoot },
  );
  context.logs.check(logSourceOf({ record, directory: '' }));
  const storage = storageBytes(record.hostConfig);
  if (options.shortLived) record.shortLived = true;
  record.name = name ?? generateName((taken) => context.store.isNameTaken(taken));

  const container = new Container(record, path.join(containersRoot(context), record.id));
  context.store.reserveName(record.name, record.id);
  const undo: (() => Promise<void>)[] = [];
  try {
    mkdirSync(path.join(container.directory, 'upper'), { recursive: true, mode: 0o755 });
    mkdirSync(path.join(container.directory, 'work'), { mode: 0o700 });
    undo.push(() => moveToTrash(context, container.directory, record.id));
    if (storage > 0) {
      const layer = ['upper', 'work'].map((name) => path.join(container.directory, name));
      await limitStorage(context.runtime, record.id, storage, layer);
      undo.push(() => unlimitStorage(context.runtime, record.id, container.directory));
    }
    const lower = await context.images.hold(record.imageId, record.id);
    undo.push(() => context.images.release(record.imageId, record.id));
    await makeWorkingDirectory(context, container, lower);
    record.mounts = await makeVolumes(context, record.id, planned, lower, undo);
    await save(container);
    context.store.add(container);
  } catch (error) {
    context.store.releaseName(record.name, record.id);
    await undoAll(context, undo);
    throw error;
  }
  publish(context, container, 'create');
  return { id: record.id, warnings: [...new Set([...warnings, ...adapted.warnings])] };
}

/** Docker's configuration is whatever of the body belongs to neither of the two. */
function isConfigEmpty(request: ContainerCreateRequest): boolean {
  return Object.keys(request).every((name) => name === 'HostConfig' || name === 'NetworkingConfig');
}

/** A container that the request leans on. 400, not 404: to clients a 404 of create means that the image is missing. */
function otherContainer(context: ContainersContext, name: string): Container {
  try {
    return context.store.get(name);
  } catch (error) {
    throw invalidArgument(messageOf(error), { cause: error });
  }
}

function isKnown({ store }: ContainersContext, idOrName: string): boolean {
  try {
    store.get(idOrName);
    return true;
  } catch {
    return false;
  }
}

function toRecord(
  context: ContainersContext,
  request: ContainerCreateRequest,
  platform: CreateOptions['platform'],
): ContainerRecord {
  const { HostConfig: hostRequest, NetworkingConfig: networking, ...configRequest } = request;
  if (!configRequest.Image) {
    const isEmpty = argvOf(configRequest).length === 0;
    throw invalidArgument(`no ${isEmpty ? 'command' : 'image'} specified`);
  }
  const image = context.images.get(configRequest.Image);
  checkPlatform(image, configRequest.Image, platform);
  const id = randomBytes(32).toString('hex');
  const hostConfig = completeHostConfig(hostRequest ?? {}, context.runtimes.defaultName);
  hostConfig.LogConfig = context.logs.complete(hostRequest?.LogConfig);
  context.runtimes.check(hostConfig.Runtime ?? '');
  if (configRequest.StopSignal) parseSignal(configRequest.StopSignal);
  if (configRequest.WorkingDir) configRequest.WorkingDir = cleanPath(configRequest.WorkingDir);
  checkModes(configRequest, hostConfig);
  const config = mergeConfig(configRequest, image.config.config ?? {});
  checkHealthcheck(config);
  for (const key of ['NetworkMode', 'PidMode', 'IpcMode'] as const) {
    const target = joinTarget(hostConfig[key]);
    if (target === undefined) continue;
    // As in Docker, whose network a container shares matters when it starts.
    const mayBeMissing = key === 'NetworkMode' && !isKnown(context, target);
    if (!mayBeMissing) hostConfig[key] = `container:${otherContainer(context, target).record.id}`;
  }
  const mode = networkModeOf(hostConfig);
  const ports = normalizePorts(config, hostConfig);
  if (Object.keys(ports.exposed).length > 0) config.ExposedPorts = ports.exposed;
  hostConfig.PortBindings = ports.bindings;
  if (mode.kind === 'container' && isKnown(context, mode.target)) {
    // The files that name it are shared, and so is the name.
    const { Hostname, Domainname } = context.store.get(mode.target).record.config;
    Object.assign(config, { Hostname, Domainname });
  }
  config.Hostname = hostnameFor(config, hostConfig, id);
  return {
    version: 1,
    id,
    name: '',
    createdAt: nowRfc3339(),
    imageId: image.id,
    platform: image.config.os,
    config,
    hostConfig,
    endpoints: mode.kind === 'network' ? endpointsOf(mode.name, networking) : {},
    mounts: [],
    state: {
      status: 'created',
      pid: 0,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: ZERO_TIME,
      finishedAt: ZERO_TIME,
    },
    attachment: null,
    cgroupDirectories: [],
    restartCount: 0,
    manuallyStopped: false,
  };
}

/** Go's filepath.Clean of an absolute path. */
const cleanPath = (text: string): string =>
  text.startsWith('/') ? path.posix.resolve(text) : path.posix.normalize(text);

function hostnameFor(config: ContainerConfig, hostConfig: HostConfig, id: string): string {
  if (config.Hostname) return config.Hostname;
  const mode = hostConfig.NetworkMode;
  return mode === 'host' || hostConfig.UTSMode === 'host' ? hostHostname() : id.slice(0, 12);
}

function endpointsOf(
  modeName: string,
  networking: NetworkingConfig | null | undefined,
): Record<string, EndpointSettings> {
  const endpoints: Record<string, EndpointSettings> = {};
  for (const [name, settings] of Object.entries(networking?.EndpointsConfig ?? {})) {
    endpoints[name === 'default' ? 'bridge' : name] = settings ?? {};
  }
  endpoints[modeName] ??= {};
  return endpoints;
}

/** Throws all that is wrong, as Docker does. */
function checkEndpoints(
  { networks }: ContainersContext,
  networking: NetworkingConfig | null | undefined,
): void {
  const errors: string[] = [];
  for (const [name, settings] of Object.entries(networking?.EndpointsConfig ?? {})) {
    try {
      networks.checkSettings(name, settings ?? {});
    } catch (error) {
      errors.push(`invalid config for network ${name}: ${messageOf(error)}`);
    }
  }
  if (errors.length > 0) throw invalidArgument(joinMessages(errors));
}

function checkPlatform({ config }: Image, reference: string, platform: CreateOptions['platform']): void {
  if (!platform) return;
  const [wanted, actual] = [platform, config].map(({ os, architecture }) => `${os}/${architecture}`);
  if (wanted === actual) return;
  throw notFound(
    `image with reference ${reference} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  );
}

const SHORTEST_PROBE_NS = 1_000_000;

function checkHealthcheck({ Healthcheck: check }: ContainerConfig): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check?.[name] ?? 0;
    if (value !== 0 && value < SHORTEST_PROBE_NS) {
      throw invalidArgument(`${name} in Healthcheck cannot be less than 1ms`);
    }
  }
  if ((check?.Retries ?? 0) < 0) throw invalidArgument('Retries in Healthcheck cannot be negative');
  const kind = check?.Test?.[0];
  if (kind !== undefined && !['NONE', 'CMD', 'CMD-SHELL', ''].includes(kind)) {
    throw invalidArgument(`Unknown healthcheck type '${kind}' (expected 'CMD')`);
  }
}

async function makeVolumes(
  context: ContainersContext,
  containerId: string,
  planned: PlannedMount[],
  lower: string[],
  undo: (() => Promise<void>)[],
): Promise<MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const { volume: request, ...mount } of planned) {
    if (mount.type === 'volume') {
      const volume = await useVolume(context, containerId, mount, request);
      mount.name = volume.name;
      mount.source = volume.mountpoint;
      if (mount.anonymous && request) undo.push(() => context.volumes.remove(volume.name, { force: true }));
      undo.push(() => context.volumes.release(volume.name, containerId));
      if (mount.copyUp) await fillVolume(context, containerId, lower, mount);
    }
    if (mount.type === 'image') {
      const { id } = context.images.get(mount.name);
      await context.images.hold(id, containerId);
      undo.push(() => context.images.release(id, containerId));
      mount.source = id;
    }
    mounts.push(mount);
  }
  return mounts;
}

async function undoAll(context: ContainersContext, undo: (() => Promise<void>)[]): Promise<void> {
  for (const step of undo.reverse()) {
    await step().catch((error: unknown) =>
      context.logger.warn('undoing a create failed', { error: messageOf(error) }),
    );
  }
}
