/**
 * The plan on the wire: what `native/plan.c` decodes. Little-endian throughout.
 *
 *     plan   := magic u32 ("GCP1" container, "GEP1" exec, "GNP1" network change; the digit is the version), fields
 *     fields := { tag u16, length u32, value }…
 *     value  := u32 | u64 | string, its UTF-8 ended by NUL | bytes | fields (a group)
 *
 * In each group the tags are the row numbers of the group's table in plan.c, from 1: the order of the calls below.
 * A scalar occurs exactly once, a list entry any number of times up to a limit. A whole plan is at most 1 MiB.
 */
import { invalidArgument } from '../lib/errors.ts';
import { GroupWriter } from './group-writer.ts';
import type {
  ContainerPlan,
  ExecPlan,
  InterfacePlan,
  LogPlan,
  MountFlag,
  MountOperation,
  NamespaceSource,
  OciPlan,
  NetworkChange,
  ProcessPlan,
  ResolverPlan,
  RoutePlan,
  Sysctl,
} from './plan.ts';

const CONTAINER_MAGIC = 0x31504347;
const EXEC_MAGIC = 0x31504547;
const NETWORK_MAGIC = 0x31504e47;
const PLAN_MAX_BYTES = 1 << 20;

/** MOUNT_ATTR_* of linux/mount.h; relatime is the absence of the others. */
const MOUNT_ATTRIBUTES: Record<MountFlag, number> = {
  ro: 0x01,
  nosuid: 0x02,
  nodev: 0x04,
  noexec: 0x08,
  relatime: 0,
  noatime: 0x10,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
  strictatime: 0x20,
};
const MS_REC = 0x4000;
const PROPAGATIONS = {
  private: 0x40000,
  rprivate: 0x40000 | MS_REC,
  slave: 0x80000,
  rslave: 0x80000 | MS_REC,
  shared: 0x100000,
  rshared: 0x100000 | MS_REC,
  unbindable: 0x20000,
  runbindable: 0x20000 | MS_REC,
} as const;
const NAMESPACE_KINDS = { new: 1, host: 2, join: 3, path: 3 } as const;
const HOOK_MOMENTS = { createRuntime: 1, createContainer: 2, startContainer: 3 } as const;
const OCI_NO_PIVOT = 1;
const OCI_NO_NEW_KEYRING = 2;
const OCI_SET_PERSONALITY = 4;
const S_IFIFO = 0o010000;
const MOUNT_KINDS = { filesystem: 1, bind: 2, 'cgroup-v1': 3, overlay: 4 } as const;
const MOUNT_COPY_UP = 1;
const MOUNT_RECURSIVE = 2;
const MOUNT_READONLY = 4;
const MOUNT_CREATE_FILE = 8;
const MOUNT_READONLY_RECURSIVE = 16;
const MOUNT_KEEP_MODE = 32;
const MOUNT_MAPPED = 64;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const DEVICE_TYPES = { c: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;

const LOG_JSON = 0;
const LOG_ENTRIES = 1;

function finish(magic: number, write: (group: GroupWriter) => void): Buffer {
  const group = new GroupWriter().magic(magic);
  write(group);
  const plan = group.finish();
  if (plan.length > PLAN_MAX_BYTES)
    throw invalidArgument(`command, environment and mounts exceed ${PLAN_MAX_BYTES} bytes`);
  return plan;
}

/** Throws `invalid-argument` for a NUL inside a string and for a plan over `PLAN_MAX_BYTES`. */
export function encodeContainerPlan(plan: ContainerPlan): Buffer {
  const { cgroup, namespaces, rootfs } = plan;
  return finish(CONTAINER_MAGIC, (group) =>
    group
      .string(plan.id)
      .string(plan.runDirectory)
      .string(plan.hostname)
      .string(plan.domainname)
      .group((g) => {
        const { pid, network, ipc, uts } = namespaces;
        for (const source of [pid, network, ipc, uts, namespaces.cgroup])
          g.group((inner) => writeNamespace(inner, source));
      })
      .group((g) =>
        g
          .strings(cgroup.directories)
          .groups(cgroup.writes, (w, write) =>
            w
              .string(write.file)
              .string(write.value)
              .flag(write.optional ?? false),
          )
          .strings(cgroup.join)
          .string(cgroup.killFile)
          .string(cgroup.deviceProgram?.directory ?? '')
          .bytes(cgroup.deviceProgram?.instructions ?? new Uint8Array())
          .string(cgroup.oomFile),
      )
      .group((g) =>
        g
          .strings(rootfs.lower)
          .string(rootfs.upper)
          .string(rootfs.work)
          .flag(rootfs.volatile)
          .flag(rootfs.readonly),
      )
      .groups(plan.mounts, writeMount)
      .groups(plan.devices, (g, device) =>
        g
          .string(device.path)
          .u32(DEVICE_TYPES[device.type])
          .u32(device.major)
          .u32(device.minor)
          .u32(device.mode)
          .u32(device.uid)
          .u32(device.gid),
      )
      .strings(plan.maskedPaths)
      .strings(plan.readonlyPaths)
      .groups(plan.sysctls, writeSysctl)
      .groups(plan.interfaces, writeInterface)
      .group((g) => writeResolver(g, plan.resolver))
      .flag(plan.init)
      .group((g) => writeProcess(g, plan.process))
      .group((g) => writeLog(g, plan.log))
      .groups(plan.oci === null ? [] : [plan.oci], writeOci)
      .group((g) =>
        g
          .strings(plan.external?.command ?? [])
          .strings(plan.external?.hidden ?? [])
          .string(plan.external?.config.head ?? '')
          .string(plan.external?.config.tail ?? ''),
      )
      .group((g) =>
        g
          .string(plan.user?.uidMap ?? '')
          .string(plan.user?.gidMap ?? '')
          .u32(plan.user?.rootUid ?? 0)
          .u32(plan.user?.rootGid ?? 0)
          .u32(plan.user?.joinPid ?? 0),
      ),
  );
}

/** Throws like `encodeContainerPlan`. */
export function encodeExecPlan(plan: ExecPlan): Buffer {
  return finish(EXEC_MAGIC, (group) =>
    group
      .string(plan.id)
      .string(plan.document?.head ?? '')
      .string(plan.document?.tail ?? '')
      .group((g) => writeProcess(g, plan.process)),
  );
}

/** Throws like `encodeContainerPlan`. */
export function encodeNetworkChange(change: NetworkChange): Buffer {
  return finish(NETWORK_MAGIC, (group) =>
    group
      .groups(change.oldRoutes, writeRoute)
      .groups(change.removed, (g, link) =>
        g.string(link.hostName).string(link.hostName === '' ? link.containerName : ''),
      )
      .groups(change.added, writeInterface)
      .groups(change.newRoutes, writeRoute)
      .group((g) => writeResolver(g, change.resolver)),
  );
}

function writeResolver(group: GroupWriter, plan: ResolverPlan | null): void {
  group
    .string(plan?.directory ?? '')
    .string(plan?.id ?? '')
    .u32(plan?.port ?? 0)
    .bytes(plan?.rules ?? new Uint8Array());
}

function writeRoute(group: GroupWriter, route: RoutePlan): void {
  group.string(route.containerName).string(route.gateway4).string(route.gateway6);
}

function writeNamespace(group: GroupWriter, source: NamespaceSource): void {
  group
    .u32(NAMESPACE_KINDS[source.kind])
    .u32(source.kind === 'join' ? source.pid : 0)
    .string(source.kind === 'path' ? source.path : '');
}

function writeOci(group: GroupWriter, plan: OciPlan): void {
  let options = 0;
  if (plan.noPivot) options |= OCI_NO_PIVOT;
  if (plan.noNewKeyring) options |= OCI_NO_NEW_KEYRING;
  if (plan.personality !== null) options |= OCI_SET_PERSONALITY;
  group
    .u32(PROPAGATIONS[plan.rootPropagation])
    .u32(options)
    .u32(plan.umask)
    .u32(plan.personality ?? 0)
    .u32(plan.preservedDescriptors)
    .group((g) => writeNamespace(g, plan.mount))
    .group((g) => writeNamespace(g, plan.user))
    .string(plan.uidMap)
    .string(plan.gidMap)
    .group((g) => writeNamespace(g, plan.time))
    .string(plan.timeOffsets)
    .groups(plan.hooks, (g, hook) =>
      g
        .u32(HOOK_MOMENTS[hook.moment])
        .string(hook.path)
        .strings(hook.argv)
        .strings(hook.env)
        .u32(hook.timeoutMs)
        .string(hook.state.head)
        .string(hook.state.tail),
    );
}

function writeMount(group: GroupWriter, mount: MountOperation): void {
  const isBind = mount.kind === 'bind';
  const isFilesystem = mount.kind === 'filesystem';
  const isCgroup = mount.kind === 'cgroup-v1';
  const isOverlay = mount.kind === 'overlay';
  const flags = isBind || isFilesystem ? mount.flags : [];
  group
    .u32(MOUNT_KINDS[mount.kind])
    .string(isFilesystem ? mount.type : '')
    .string(('source' in mount && mount.source) || '')
    .string(mount.target)
    .string(isFilesystem ? mount.data : '')
    .u32(flags.reduce((bits, flag) => bits | MOUNT_ATTRIBUTES[flag], 0))
    .u32(mountOptions(mount))
    .u32(PROPAGATIONS[('propagation' in mount && mount.propagation) || 'rprivate'])
    .groups(isCgroup ? mount.hierarchies : [], (g, h) =>
      g.string(h.name).string(h.options).string(h.hostMount),
    )
    .groups(isCgroup ? mount.symlinks : [], (g, link) => g.string(link.name).string(link.to))
    .strings(isOverlay ? mount.layers : [])
    .string((isBind || isOverlay ? mount.subpath : undefined) ?? '')
    .u32((isBind ? mount.sourcePid : undefined) ?? 0);
}

function mountOptions(mount: MountOperation): number {
  switch (mount.kind) {
    case 'filesystem':
      return (mount.copyUp ? MOUNT_COPY_UP : 0) | (mount.keepMode ? MOUNT_KEEP_MODE : 0);
    case 'bind':
      return (
        (mount.recursive ? MOUNT_RECURSIVE : 0) |
        (mount.readonly ? MOUNT_READONLY : 0) |
        (mount.readonly && mount.readonlyRecursive ? MOUNT_READONLY_RECURSIVE : 0) |
        (mount.create === 'file' ? MOUNT_CREATE_FILE : 0) |
        (mount.mapped ? MOUNT_MAPPED : 0)
      );
    case 'cgroup-v1':
      return mount.readonly ? MOUNT_READONLY : 0;
    default:
      return MOUNT_READONLY;
  }
}

function writeInterface(group: GroupWriter, plan: InterfacePlan): void {
  group
    .string(plan.kind)
    .u32(plan.mode)
    .string(plan.hostName)
    .string(plan.link)
    .string(plan.containerName)
    .string(plan.mac)
    .u32(plan.mtu)
    .strings(plan.addresses)
    .string(plan.gateway4)
    .string(plan.gateway6)
    .groups(plan.sysctls, writeSysctl);
}

function writeSysctl(group: GroupWriter, { name, value }: Sysctl): void {
  group.string(name).string(value);
}

function writeProcess(group: GroupWriter, plan: ProcessPlan): void {
  const { capabilities } = plan;
  group
    .strings(plan.argv)
    .strings(plan.env)
    .string(plan.cwd)
    .string(plan.user)
    .strings(plan.additionalGroups)
    .group((g) =>
      g
        .u64(capabilities.bounding)
        .u64(capabilities.effective)
        .u64(capabilities.permitted)
        .u64(capabilities.ambient),
    )
    .flag(plan.noNewPrivileges)
    .bytes(plan.seccomp)
    .groups(plan.rlimits, (g, limit) => g.u32(limit.resource).u64(limit.soft).u64(limit.hard))
    .flag(plan.oomScoreAdj !== null)
    .u32(plan.oomScoreAdj ?? 0)
    .flag(plan.tty)
    .u32(plan.rows)
    .u32(plan.columns)
    .flag(plan.openStdin)
    .flag(plan.stdinOnce)
    .string(plan.apparmor);
}

function writeLog(group: GroupWriter, log: LogPlan): void {
  const isFile = log.format !== 'none';
  group
    .string(isFile ? log.path : '')
    .u64(BigInt(isFile ? log.maxBytes : 0))
    .u32(isFile ? log.maxFiles : 0)
    .string(isFile ? log.attributes : '')
    .u32(log.format === 'entries' ? LOG_ENTRIES : LOG_JSON)
    .flag(isFile && log.compress)
    .flag(isFile && log.hold);
}
