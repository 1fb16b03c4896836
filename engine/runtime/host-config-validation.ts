import { invalidArgument } from '../lib/errors.ts';
import type { HostConfig, RestartPolicy } from '../wire/container.ts';
import { hostCapabilities, validateCapabilities } from './capabilities.ts';
import type { CgroupFeatures } from './cgroup.ts';
import { defaultMaskedPaths, DEFAULT_READONLY_PATHS } from './default-paths.ts';
import { parseDeviceRule } from './devices.ts';
import { validateFieldTypes } from './host-config-types.ts';
import { verifyLimits } from './resource-limits.ts';
import { toRlimits } from './rlimits.ts';
import { parseProfile } from './seccomp-profile.ts';
import { parseSecurityOptions } from './security-options.ts';
import { validateSysctls } from './sysctls.ts';

/**
 * Everything about a HostConfig that can be judged at create, without its container: the request without what this
 * host discards and with the paths that are hidden, and Docker's warnings. Throws invalid-argument with Docker's text. Mounts, ports and networks are
 * judged by their own domains.
 */
export function validateHostConfig(
  request: HostConfig,
  host: CgroupFeatures,
  { remapped = false } = {},
): { hostConfig: HostConfig; warnings: string[] } {
  validateFieldTypes(request);
  validateForLinux(request, host);
  validateLifetime(request);
  const available = hostCapabilities();
  validateCapabilities('CapAdd', request.CapAdd ?? [], available);
  validateCapabilities('CapDrop', request.CapDrop ?? [], available);
  if (Object.keys(request.Annotations ?? {}).includes('')) {
    throw invalidArgument('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  const { hostConfig, warnings } = verifyLimits(request, host);
  validateModes(hostConfig);
  if (remapped && hostConfig.UsernsMode !== 'host') validateUserNamespace(hostConfig);
  validateSysctls(hostConfig);
  toRlimits(hostConfig.Ulimits ?? []);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  if (!['default', 'unconfined'].includes(security.seccomp)) parseProfile(security.seccomp);
  return {
    hostConfig: { ...hostConfig, ...hiddenPaths(hostConfig, security.unconfinedPaths) },
    warnings: [...security.warnings, ...warnings, ...networkWarnings(hostConfig)],
  };
}

/** A privileged container sees everything, unless the request names paths itself. */
function hiddenPaths(
  { Privileged, MaskedPaths, ReadonlyPaths }: HostConfig,
  unconfined: boolean,
): Pick<HostConfig, 'MaskedPaths' | 'ReadonlyPaths'> {
  const open = Privileged === true || unconfined;
  return {
    MaskedPaths: MaskedPaths ?? (open ? null : [...defaultMaskedPaths()]),
    ReadonlyPaths: ReadonlyPaths ?? (open ? null : [...DEFAULT_READONLY_PATHS]),
  };
}

/** For `POST /containers/{id}/update`: the limits and the restart policy of it. Throws like `validateHostConfig`. */
export function validateUpdate(
  request: HostConfig,
  host: CgroupFeatures,
): { hostConfig: HostConfig; warnings: string[] } {
  validateFieldTypes(request);
  validateRestartPolicy(request.RestartPolicy ?? {});
  return verifyLimits(request, host, { update: true });
}

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

/** What Docker refuses while it decodes a request. */
function validateForLinux(request: HostConfig, host: CgroupFeatures): void {
  const { Isolation = '', CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 } = request;
  if (!['', 'default'].includes(Isolation.toLowerCase())) {
    throw invalidArgument(`invalid isolation (${Isolation}): linux only supports 'default'`);
  }
  if (request.IOMaximumBandwidth) {
    throw invalidArgument('invalid option: QoS maximum bandwidth configuration is not supported on linux');
  }
  if (request.IOMaximumIOps) {
    throw invalidArgument('invalid option: QoS maximum IOPs configuration is not supported on linux');
  }
  if ((period !== 0 || runtime !== 0) && !host.cpuRealtime) {
    throw invalidArgument('kernel does not support CPU real-time scheduler');
  }
  if (period !== 0 && runtime > period) {
    throw invalidArgument('cpu real-time runtime cannot be higher than cpu real-time period');
  }
  if ((request.CpuShares ?? 0) < 0) {
    throw invalidArgument(`invalid CPU shares (${request.CpuShares}): value must be a positive integer`);
  }
}

function validateModes(hostConfig: HostConfig): void {
  const { IpcMode = '', PidMode = '', UTSMode = '', UsernsMode = '', CgroupnsMode = '' } = hostConfig;
  if (!['', 'none', 'private', 'host', 'shareable'].includes(IpcMode) && !/^container:.+/.test(IpcMode)) {
    throw invalidArgument(`invalid IPC mode: ${IpcMode}`);
  }
  if (!['', 'host'].includes(PidMode) && !/^container:.+/.test(PidMode)) {
    throw invalidArgument(`invalid PID mode: ${PidMode}`);
  }
  const { ShmSize = 0, OomScoreAdj: score = 0 } = hostConfig;
  if (ShmSize < 0) throw invalidArgument('SHM size can not be less than 0');
  if (!['', 'host'].includes(UTSMode)) throw invalidArgument(`invalid UTS mode: ${UTSMode}`);
  if (score < -1000 || score > 1000) {
    throw invalidArgument(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
  if (!['', 'host', 'private'].includes(UsernsMode))
    throw invalidArgument(`invalid USER mode: ${UsernsMode}`);
  if (!['', 'host', 'private'].includes(CgroupnsMode)) {
    throw invalidArgument(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  }
}

/** What only the host's user namespace can do. */
function validateUserNamespace({ Privileged, NetworkMode, PidMode, SecurityOpt }: HostConfig): void {
  if (Privileged === true) {
    throw invalidArgument(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
  }
  if (NetworkMode === 'host') {
    throw invalidArgument("cannot share the host's network namespace when user namespaces are enabled");
  }
  if (PidMode === 'host') {
    throw invalidArgument('cannot share the host PID namespace when user namespaces are enabled');
  }
  if (parseSecurityOptions(SecurityOpt ?? []).writableCgroups === true) {
    throw invalidArgument('option WritableCgroups conflicts with user namespaces and rootless mode');
  }
}

function networkWarnings(hostConfig: HostConfig): string[] {
  const published = Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return hostConfig.NetworkMode === 'host' && published
    ? ['Published ports are discarded when using host network mode']
    : [];
}
