import { notImplemented } from '../lib/errors.ts';
import { isRootless } from '../lib/user-namespace.ts';
import type { HostConfig } from '../wire/container.ts';
import { defaultMaskedPaths, DEFAULT_READONLY_PATHS } from './default-paths.ts';
import { defaultMounts, hasPrivateCgroupNamespace } from './default-mounts.ts';
import { withDeviceRequests } from './device-requests.ts';
import { resolveDevices } from './devices.ts';
import { mapText, outsideOf, type IdMaps } from './id-maps.ts';
import type { PlanInput, ResolvedMount } from './plan-input.ts';
import type { ContainerPlan, MountOperation, ProcessPlan, UserNamespacePlan } from './plan.ts';
import { confinement, containerEnvironment } from './process-plan.ts';
import { parseSecurityOptions, type SecurityOptions } from './security-options.ts';
import { resolveSysctls, validateSysctls } from './sysctls.ts';

/**
 * Docker's policy for one container, from its HostConfig to the plan that the shim executes. Reads the host's device
 * nodes, changes nothing. Throws invalid-argument with Docker's text for what cannot be built.
 */
export function buildContainerPlan(given: PlanInput): ContainerPlan {
  const input = withDeviceRequests(given);
  const { hostConfig, config } = input;
  const idMaps = idMapsOf(input);
  // The kernel mounts no procfs of a pid namespace that a user namespace does not own.
  if (isRootless() && input.pid.kind === 'host') throw notImplemented('pid mode host in rootless mode');
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const cgroup = input.cgroups.plan(input.id, hostConfig);
  validateSysctls(hostConfig);
  return {
    id: input.id,
    runDirectory: input.runDirectory,
    hostname: input.uts.kind === 'new' ? (config.Hostname ?? '') : '',
    domainname: input.uts.kind === 'new' ? (config.Domainname ?? '') : '',
    namespaces: {
      pid: input.pid,
      network: input.network,
      ipc: input.ipc,
      uts: input.uts,
      cgroup: { kind: hasPrivateCgroupNamespace(hostConfig) ? 'new' : 'host' },
    },
    user: idMaps ? userNamespace(idMaps, input) : null,
    cgroup,
    rootfs: {
      lower: [input.initLayer, ...input.lower],
      upper: input.upper,
      work: input.work,
      volatile: hostConfig.AutoRemove === true,
      readonly: hostConfig.ReadonlyRootfs === true,
    },
    mounts: allMounts(input, security, idMaps),
    devices: resolveDevices(hostConfig).nodes,
    ...hiddenPaths(hostConfig, security),
    sysctls: resolveSysctls(hostConfig, input.network, idMaps !== undefined),
    interfaces: input.interfaces,
    resolver: input.resolver,
    init: hostConfig.Init === true && input.pid.kind === 'new',
    process: initialProcess(input),
    log: input.log,
    external: null,
    oci: null,
  };
}

/** undefined: in the host's user namespace. */
export const idMapsOf = ({
  idMaps,
  hostConfig,
}: Pick<PlanInput, 'idMaps' | 'hostConfig'>): IdMaps | undefined =>
  hostConfig.UsernsMode === 'host' ? undefined : idMaps;

/** Namespaces that are shared belong to the user namespace of the container that they came from: it is shared, too. */
function userNamespace(
  { uids, gids }: IdMaps,
  { network, ipc, pid }: Pick<PlanInput, 'network' | 'ipc' | 'pid'>,
): UserNamespacePlan {
  const joined = [network, ipc, pid].find((source) => source.kind === 'join');
  return {
    uidMap: mapText(uids),
    gidMap: mapText(gids),
    rootUid: outsideOf(0, uids) ?? 0,
    rootGid: outsideOf(0, gids) ?? 0,
    joinPid: joined?.pid ?? 0,
  };
}

function initialProcess({ argv, config, hostConfig }: PlanInput): ProcessPlan {
  const tty = config.Tty === true;
  const [rows = 0, columns = 0] = hostConfig.ConsoleSize ?? [];
  return {
    ...confinement(hostConfig),
    argv,
    env: containerEnvironment(config, tty),
    cwd: config.WorkingDir || '/',
    user: config.User ?? '',
    additionalGroups: hostConfig.GroupAdd ?? [],
    tty,
    rows: tty ? rows : 0,
    columns: tty ? columns : 0,
    openStdin: config.OpenStdin === true,
    stdinOnce: config.StdinOnce === true,
  };
}

/** The request's own lists win over the defaults; a privileged container sees everything. */
function hiddenPaths(
  hostConfig: HostConfig,
  security: SecurityOptions,
): Pick<ContainerPlan, 'maskedPaths' | 'readonlyPaths'> {
  const open = hostConfig.Privileged === true || security.unconfinedPaths;
  return {
    maskedPaths: [...(hostConfig.MaskedPaths ?? (open ? [] : defaultMaskedPaths()))],
    readonlyPaths: [...(hostConfig.ReadonlyPaths ?? (open ? [] : DEFAULT_READONLY_PATHS))],
  };
}

/**
 * Docker's mounts, then the engine's /etc files and the user's, by depth of their target so that a mount below
 * another comes after it. A user's mount replaces the default one at its target (and all below, for /dev).
 */
function allMounts(
  input: PlanInput,
  security: SecurityOptions,
  idMaps: IdMaps | undefined,
): MountOperation[] {
  const targets = new Set(input.mounts.map((mount) => mount.target));
  const replaced = ({ target }: MountOperation): boolean =>
    targets.has(target) || (targets.has('/dev') && target.startsWith('/dev/'));
  const own = defaultMounts({
    hostConfig: input.hostConfig,
    ipc: input.ipc,
    cgroups: input.cgroups,
    idMaps,
    writableCgroups: security.writableCgroups ?? input.hostConfig.Privileged === true,
  });
  const files = networkFiles(input).filter((mount) => !replaced(mount));
  const user = [...files, ...input.mounts.map(toOperation)];
  return [
    ...own.filter((mount) => !replaced(mount)),
    ...user.toSorted((a, b) => depthOf(a.target) - depthOf(b.target)),
  ];
}

const depthOf = (target: string): number => target.split('/').filter((part) => part !== '').length;

function networkFiles({ files, hostConfig }: PlanInput): MountOperation[] {
  const entries: [string, string | undefined][] = [
    ['/etc/resolv.conf', files.resolvConf],
    ['/etc/hostname', files.hostname],
    ['/etc/hosts', files.hosts],
  ];
  return entries.flatMap(([target, source]): MountOperation[] =>
    source === undefined
      ? []
      : [
          {
            kind: 'bind',
            source,
            target,
            recursive: false,
            readonly: hostConfig.ReadonlyRootfs === true,
            flags: [],
            propagation: 'rprivate',
            create: 'file',
            mapped: true,
          },
        ],
  );
}

function toOperation(mount: ResolvedMount): MountOperation {
  const { target, subpath } = mount;
  if (mount.type === 'tmpfs') {
    const flags = mount.readonly ? [...new Set(['ro' as const, ...mount.flags])] : mount.flags;
    const keepMode = !/(?:^|,)mode=/.test(mount.data);
    return { kind: 'filesystem', type: 'tmpfs', target, flags, data: mount.data, keepMode };
  }
  if (mount.layers.length > 0) return { kind: 'overlay', layers: mount.layers, target, subpath };
  return {
    kind: 'bind',
    source: mount.source,
    target,
    recursive: mount.recursive,
    readonly: mount.readonly,
    readonlyRecursive: mount.readonlyRecursive,
    flags: mount.flags,
    propagation: mount.propagation,
    create: mount.directory ? 'directory' : 'file',
    subpath,
    // A path of the host stays the host's; what the engine keeps for containers is theirs.
    mapped: mount.type !== 'bind',
  };
}
