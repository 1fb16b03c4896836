import { isIP } from 'node:net';
import { invalidArgument } from '../lib/errors.ts';
import type { ContainerConfig, HostConfig } from '../wire/container.ts';

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/** The request's HostConfig with the defaults Docker echoes in inspect. */
export function completeHostConfig(request: HostConfig, defaultRuntime = 'gantry'): HostConfig {
  const mode = request.NetworkMode;
  return {
    ...request,
    Binds: request.Binds ?? null,
    ContainerIDFile: request.ContainerIDFile ?? '',
    LogConfig: { Type: request.LogConfig?.Type || 'json-file', Config: request.LogConfig?.Config ?? {} },
    NetworkMode: mode === undefined || mode === '' || mode === 'default' ? 'bridge' : mode,
    PortBindings: request.PortBindings ?? {},
    RestartPolicy: {
      Name: request.RestartPolicy?.Name || 'no',
      MaximumRetryCount: request.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: request.AutoRemove ?? false,
    VolumeDriver: request.VolumeDriver ?? '',
    VolumesFrom: request.VolumesFrom ?? null,
    ConsoleSize: request.ConsoleSize ?? [0, 0],
    CapAdd: request.CapAdd ?? null,
    CapDrop: request.CapDrop ?? null,
    CgroupnsMode: request.CgroupnsMode || 'private',
    Dns: request.Dns ?? null,
    DnsOptions: request.DnsOptions ?? null,
    DnsSearch: request.DnsSearch ?? null,
    ExtraHosts: request.ExtraHosts ?? null,
    GroupAdd: request.GroupAdd ?? null,
    IpcMode: request.IpcMode || 'private',
    Cgroup: request.Cgroup ?? '',
    Links: request.Links ?? null,
    OomScoreAdj: request.OomScoreAdj ?? 0,
    PidMode: request.PidMode ?? '',
    Privileged: request.Privileged ?? false,
    PublishAllPorts: request.PublishAllPorts ?? false,
    ReadonlyRootfs: request.ReadonlyRootfs ?? false,
    SecurityOpt: completeSecurityOptions(request),
    UTSMode: request.UTSMode ?? '',
    UsernsMode: request.UsernsMode ?? '',
    ShmSize: request.ShmSize || DEFAULT_SHM_BYTES,
    Runtime: request.Runtime || defaultRuntime,
    Isolation: request.Isolation ?? '',
    MaskedPaths: request.MaskedPaths ?? null,
    ReadonlyPaths: request.ReadonlyPaths ?? null,
    ...completeResources(request),
  };
}

function completeResources(request: HostConfig): HostConfig {
  return {
    CpuShares: request.CpuShares ?? 0,
    Memory: request.Memory ?? 0,
    NanoCpus: request.NanoCpus ?? 0,
    CgroupParent: request.CgroupParent ?? '',
    BlkioWeight: request.BlkioWeight ?? 0,
    BlkioWeightDevice: request.BlkioWeightDevice ?? null,
    BlkioDeviceReadBps: request.BlkioDeviceReadBps ?? null,
    BlkioDeviceWriteBps: request.BlkioDeviceWriteBps ?? null,
    BlkioDeviceReadIOps: request.BlkioDeviceReadIOps ?? null,
    BlkioDeviceWriteIOps: request.BlkioDeviceWriteIOps ?? null,
    CpuPeriod: request.CpuPeriod ?? 0,
    CpuQuota: request.CpuQuota ?? 0,
    CpuRealtimePeriod: request.CpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: request.CpuRealtimeRuntime ?? 0,
    CpusetCpus: request.CpusetCpus ?? '',
    CpusetMems: request.CpusetMems ?? '',
    Devices: request.Devices ?? null,
    DeviceCgroupRules: request.DeviceCgroupRules ?? null,
    DeviceRequests: request.DeviceRequests ?? null,
    MemoryReservation: request.MemoryReservation ?? 0,
    MemorySwap: completeSwap(request),
    MemorySwappiness: request.MemorySwappiness ?? null,
    OomKillDisable: request.OomKillDisable ?? false,
    // 0 and every negative number have meant "unlimited".
    PidsLimit: (request.PidsLimit ?? 0) > 0 ? request.PidsLimit : null,
    Ulimits: request.Ulimits ?? null,
    CpuCount: request.CpuCount ?? 0,
    CpuPercent: request.CpuPercent ?? 0,
    IOMaximumIOps: request.IOMaximumIOps ?? 0,
    IOMaximumBandwidth: request.IOMaximumBandwidth ?? 0,
  };
}

/** Docker takes SELinux labels away from what shares the host's processes or its memory. */
function completeSecurityOptions(request: HostConfig): string[] | null {
  const options = request.SecurityOpt ?? null;
  const shares = request.Privileged === true || request.IpcMode === 'host' || request.PidMode === 'host';
  const labelled = (options ?? []).some((option) => option.split('=')[0] === 'label');
  return shares && !labelled ? [...(options ?? []), 'label=disable'] : options;
}

/** Docker: with a memory limit and no swap limit, memory + swap is twice the memory. */
function completeSwap(request: HostConfig): number {
  if (request.Memory && !request.MemorySwap) return request.Memory * 2;
  return request.MemorySwap ?? 0;
}

/** 400 for settings that contradict each other; texts are Docker's. */
export function checkModes(config: ContainerConfig, hostConfig: HostConfig): void {
  checkHostname(config.Hostname ?? '');
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw invalidArgument(
      `the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`,
    );
  }
  if (hostConfig.UTSMode === 'host' && config.Hostname) {
    throw invalidArgument('conflicting options: hostname and the UTS mode');
  }
  for (const entry of hostConfig.ExtraHosts ?? []) checkExtraHost(entry);
  checkNetworkMode(config, hostConfig);
}

function checkExtraHost(entry: string): void {
  const separator = entry.indexOf(':');
  const address = entry.slice(separator + 1);
  if (separator < 1) throw invalidArgument(`bad format for add-host: ${JSON.stringify(entry)}`);
  if (address !== 'host-gateway' && isIP(address) === 0) {
    throw invalidArgument(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
}

const MAX_HOSTNAME_BYTES = 64;

function checkHostname(hostname: string): void {
  if (Buffer.byteLength(hostname) > MAX_HOSTNAME_BYTES) {
    throw invalidArgument(
      `hostname ${JSON.stringify(hostname)} is too long (maximum ${MAX_HOSTNAME_BYTES} bytes)`,
    );
  }
  // It becomes a word of /etc/hosts and a line of /etc/hostname.
  if (/[\s#\p{Cc}]/u.test(hostname)) throw invalidArgument(`invalid hostname format: ${hostname}`);
}

function checkNetworkMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? '';
  const conflicting = (what: string) => invalidArgument(`conflicting options: ${what}`);
  if (mode === 'host' && hostConfig.Links?.length) {
    throw conflicting(
      "host type networking can't be used with links. This would result in undefined behavior",
    );
  }
  // Not the name of a network, either.
  if (mode === 'container' || mode === 'container:') {
    throw invalidArgument('invalid network mode: invalid container format container:<name|id>');
  }
  if (!mode.startsWith('container:')) return;
  if (config.Hostname) throw conflicting('hostname and the network mode');
  if (hostConfig.Links?.length) {
    throw conflicting(
      "container type network can't be used with links. This would result in undefined behavior",
    );
  }
  if (hostConfig.Dns?.length) throw conflicting('dns and the network mode');
  if (hostConfig.ExtraHosts?.length) throw conflicting('custom host-to-IP mapping and the network mode');
  if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts) {
    throw conflicting('port publishing and the container type network mode');
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw conflicting('port exposing and the container type network mode');
  }
}
