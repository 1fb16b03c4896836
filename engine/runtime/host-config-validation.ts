import os from 'node:os';
import { invalidArgument, messageOf, notImplemented } from '../lib/errors.ts';
import type { HostConfig, RestartPolicy } from '../wire/container.ts';
import { hostCapabilities, validateCapabilities } from './capabilities.ts';
import type { CgroupFeatures } from './cgroup.ts';
import { limitWarnings } from './cgroups/resources.ts';
import { parseCpuList } from './default-paths.ts';
import { parseDeviceRule } from './devices.ts';
import { validateFieldTypes } from './host-config-types.ts';
import { toRlimits } from './rlimits.ts';
import { parseProfile } from './seccomp-profile.ts';
import { parseSecurityOptions } from './security-options.ts';
import { validateSysctls } from './sysctls.ts';

const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

/**
 * Everything about a HostConfig that can be judged at create, without its container. Throws invalid-argument with
 * Docker's text; returns Docker's warnings. Mounts, ports and networks are judged by their own domains.
 */
export function validateHostConfig(hostConfig: HostConfig, host: CgroupFeatures): string[] {
  validateFieldTypes(hostConfig);
  validateLifetime(hostConfig);
  const available = hostCapabilities();
  validateCapabilities('CapAdd', hostConfig.CapAdd ?? [], available);
  validateCapabilities('CapDrop', hostConfig.CapDrop ?? [], available);
  validateMemory(hostConfig);
  validateCpu(hostConfig);
  validateCpuset(hostConfig, host);
  validateBlkio(hostConfig);
  validateModes(hostConfig);
  validateUnsupported(hostConfig);
  validateSysctls(hostConfig);
  toRlimits(hostConfig.Ulimits ?? []);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  if (!['default', 'unconfined'].includes(security.seccomp)) parseProfile(security.seccomp);
  return [...security.warnings, ...limitWarnings(hostConfig, host), ...networkWarnings(hostConfig)];
}

/** Also for `POST /containers/{id}/update`. Throws invalid-argument. */
function validateRestartPolicy({ Name = '', MaximumRetryCount = 0 }: RestartPolicy): void {
  switch (Name) {
    case '':
      return;
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (MaximumRetryCount === 0) return;
      throw invalidArgument(
        `invalid restart policy: maximum retry count can only be used with 'on-failure'${MaximumRetryCount < 0 ? ' and cannot be negative' : ''}`,
      );
    case 'on-failure':
      if (MaximumRetryCount >= 0) return;
      throw invalidArgument('invalid restart policy: maximum retry count cannot be negative');
    default:
      throw invalidArgument(
        `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}

function validateLifetime(hostConfig: HostConfig): void {
  const policy = hostConfig.RestartPolicy ?? {};
  if (hostConfig.AutoRemove === true && !['', 'no'].includes(policy.Name ?? '')) {
    throw invalidArgument("can't create 'AutoRemove' container with restart policy");
  }
  validateRestartPolicy(policy);
}

function validateMemory({ Memory = 0, MemorySwap = 0, ...rest }: HostConfig): void {
  const reservation = rest.MemoryReservation ?? 0;
  const swappiness = rest.MemorySwappiness ?? -1;
  if (Memory !== 0 && Memory < MIN_MEMORY_BYTES) throw invalidArgument('Minimum memory limit allowed is 6MB');
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalidArgument('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (Memory === 0 && MemorySwap > 0) {
    throw invalidArgument('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  // -1 is what old clients send for "not set".
  if (swappiness < -1 || swappiness > 100) {
    throw invalidArgument(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && reservation < MIN_MEMORY_BYTES) {
    throw invalidArgument('Minimum memory reservation allowed is 6MB');
  }
  if (Memory > 0 && reservation > Memory) {
    throw invalidArgument('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  const shmSize = rest.ShmSize ?? 0;
  if (shmSize < 0) throw invalidArgument('SHM size can not be less than 0');
  const score = rest.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) {
    throw invalidArgument(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
}

function validateCpu({ NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0 }: HostConfig): void {
  if (NanoCpus > 0 && CpuPeriod > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (NanoCpus > 0 && CpuQuota > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  const count = os.availableParallelism();
  if (NanoCpus < 0 || NanoCpus > count * 1e9) {
    throw invalidArgument(
      `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
    );
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalidArgument(
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (CpuQuota > 0 && CpuQuota < 1000) {
    throw invalidArgument('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (CpuShares < 0) {
    throw invalidArgument(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  }
}

function validateCpuset(hostConfig: HostConfig, host: CgroupFeatures): void {
  if (!host.cpuset) return;
  const check = (requested: string, available: string, field: string, subject: string): void => {
    let numbers: number[];
    try {
      numbers = parseCpuList(requested);
    } catch (error) {
      throw invalidArgument(`Invalid value ${requested} for cpuset ${field}: ${messageOf(error)}`);
    }
    const known = new Set(parseCpuList(available));
    if (numbers.some((number) => !known.has(number))) {
      throw invalidArgument(
        `Requested ${subject} are not available - requested ${requested}, available: ${available}`,
      );
    }
  };
  check(hostConfig.CpusetCpus ?? '', host.cpus, 'cpus', 'CPUs');
  check(hostConfig.CpusetMems ?? '', host.memoryNodes, 'mems', 'memory nodes');
}

function validateBlkio(hostConfig: HostConfig): void {
  const weights = [
    hostConfig.BlkioWeight ?? 0,
    ...(hostConfig.BlkioWeightDevice ?? []).map(({ Weight = 0 }) => Weight),
  ];
  if (weights.some((weight) => weight !== 0 && (weight < 10 || weight > 1000))) {
    throw invalidArgument('Range of blkio weight is from 10 to 1000');
  }
}

function validateModes(hostConfig: HostConfig): void {
  const { IpcMode = '', PidMode = '', UTSMode = '', UsernsMode = '', CgroupnsMode = '' } = hostConfig;
  if (!['', 'none', 'private', 'host', 'shareable'].includes(IpcMode) && !IpcMode.startsWith('container:')) {
    throw invalidArgument(`invalid IPC mode: ${IpcMode}`);
  }
  if (IpcMode.startsWith('container:')) throw notImplemented("sharing another container's IPC namespace");
  if (!['', 'host'].includes(PidMode) && !/^container:.+/.test(PidMode)) {
    throw invalidArgument(`invalid PID mode: ${PidMode}`);
  }
  if (!['', 'host'].includes(UTSMode)) throw invalidArgument(`invalid UTS mode: ${UTSMode}`);
  if (!['', 'host'].includes(UsernsMode)) throw invalidArgument(`invalid USER mode: ${UsernsMode}`);
  if (!['', 'host', 'private'].includes(CgroupnsMode)) {
    throw invalidArgument(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  }
}

function validateUnsupported(hostConfig: HostConfig): void {
  const { Isolation = '' } = hostConfig;
  if (!['', 'default'].includes(Isolation.toLowerCase())) {
    throw invalidArgument(`invalid isolation '${Isolation}' on linux`);
  }
  if (Object.keys(hostConfig.Annotations ?? {}).includes('')) {
    throw invalidArgument('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  if (Object.keys(hostConfig.StorageOpt ?? {}).length > 0) {
    throw invalidArgument("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  for (const request of hostConfig.DeviceRequests ?? []) {
    const { Driver = '', Capabilities = [] } = request as { Driver?: string; Capabilities?: string[][] };
    const groups = Capabilities.map((group) => `[${group.join(' ')}]`).join(' ');
    throw invalidArgument(`could not select device driver "${Driver}" with capabilities: [${groups}]`);
  }
}

function networkWarnings(hostConfig: HostConfig): string[] {
  const published = Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return hostConfig.NetworkMode === 'host' && published
    ? ['Published ports are discarded when using host network mode']
    : [];
}
