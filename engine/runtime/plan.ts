/**
 * The plan: everything the native shim does for one container or one exec, decided in TypeScript.
 * `plan-encoding.ts` turns it into a flat, bounded TLV; the C side checks lengths and executes in order.
 * All host paths are absolute and made by the engine; nothing here is taken unchecked from a request.
 */

/**
 * Where a namespace comes from. `join` names a process whose namespace is entered through its pidfd, `path` a file of
 * a namespace.
 */
export type NamespaceSource =
  { kind: 'new' } | { kind: 'host' } | { kind: 'join'; pid: number } | { kind: 'path'; path: string };

interface Namespaces {
  pid: NamespaceSource;
  network: NamespaceSource;
  ipc: NamespaceSource;
  uts: NamespaceSource;
  cgroup: NamespaceSource;
}

/** Made by a cgroup driver (v1, v2, hybrid): the shim only makes directories, writes values, joins, removes. */
export interface CgroupPlan {
  /** Made in order, parents first; removed in reverse order after the last process is gone. */
  directories: string[];
  /** Written in order after the directories exist. `optional`: a missing file or EINVAL is not an error. */
  writes: { file: string; value: string; optional?: boolean }[];
  /** `cgroup.procs` files that PID 1 (and every exec) joins. */
  join: string[];
  /** `cgroup.kill` where the kernel has it (v2, also hybrid), else empty: the shim kills by reading `join[0]`. */
  killFile: string;
  /** v2 device policy: a BPF_PROG_TYPE_CGROUP_DEVICE program attached to `directory`, or null on v1. */
  deviceProgram: { directory: string; instructions: Uint8Array } | null;
  /** Where OOM kills are counted: `memory.oom_control` (v1, line `oom_kill N`) or `memory.events` (v2, same line). */
  oomFile: string;
}

interface RootfsPlan {
  /** Overlay lower directories, topmost first (the engine's init layer is the first). */
  lower: string[];
  upper: string;
  work: string;
  /** overlay `volatile`: only where the writable layer does not outlive the container (AutoRemove). */
  volatile: boolean;
  readonly: boolean;
}

/** A user namespace of the container's own: `0 100000 65536` lines for the kernel, and what its root is outside. */
export interface UserNamespacePlan {
  uidMap: string;
  gidMap: string;
  rootUid: number;
  rootGid: number;
  /** Whose user namespace is joined instead of made: that of the container whose other ones are; 0: nobody's. */
  joinPid: number;
}

/** Executed in order on the new root before pivot_root. `target` is a container path, resolved inside the root. */
export type MountOperation =
  | {
      kind: 'filesystem';
      /** proc, sysfs, tmpfs, devpts, mqueue, cgroup2; config.json may name any. */
      type: string;
      /** What is mounted where that is no filesystem without a device: its `source` option; default: the type. */
      source?: string;
      /** Default: rprivate. */
      propagation?: Propagation;
      target: string;
      /** Mount attributes: any of ro, nosuid, nodev, noexec, noatime, … */
      flags: MountFlag[];
      /** Filesystem data, e.g. `mode=755,size=65536k`. */
      data: string;
      /** tmpfs only: copy what the image has at the target into the fresh tmpfs first (tmpcopyup). */
      copyUp?: boolean;
      /** tmpfs only: its root has the mode of the directory that it covers. */
      keepMode?: boolean;
    }
  | {
      kind: 'bind';
      source: string;
      target: string;
      recursive: boolean;
      readonly: boolean;
      flags: MountFlag[];
      propagation: Propagation;
      /** What to create at the target when it is missing: a directory, or an empty file. */
      create: 'directory' | 'file';
      /** With `readonly` and `recursive`: also what is mounted below the source. */
      readonlyRecursive?: boolean;
      /** Relative: this part of the source instead, resolved inside it; `create` follows what is found there. */
      subpath?: string;
      /** In a user namespace of the container's own, its root owns what root owns here. */
      mapped?: boolean;
      /** `source` is a path in the mount namespace of this process: what a container shares with another. */
      sourcePid?: number;
    }
  /** The root file system of an image, read-only. `layers`: overlay lower directories, topmost first. */
  | { kind: 'overlay'; layers: string[]; target: string; subpath: string }
  /** cgroup v1 as Docker shows it: a tmpfs with one ro mount per hierarchy and the usual symlinks. */
  | {
      kind: 'cgroup-v1';
      target: string;
      readonly: boolean;
      hierarchies: { name: string; options: string; hostMount: string }[];
      symlinks: { name: string; to: string }[];
    };

export type Propagation =
  'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | 'unbindable' | 'runbindable';

export type MountFlag =
  | 'ro'
  | 'nosuid'
  | 'nodev'
  | 'noexec'
  | 'noatime'
  | 'nodiratime'
  | 'relatime'
  | 'strictatime'
  | 'nosymfollow';

export interface DeviceNode {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  mode: number;
  uid: number;
  gid: number;
}

/** One link of a container; its end inside is named and configured in the namespace. */
export interface InterfacePlan {
  kind: 'veth' | 'macvlan' | 'ipvlan';
  /** MACVLAN_MODE_* or IPVLAN_MODE_* of linux/if_link.h; 0 for a veth. */
  mode: number;
  /** Of a veth's end on the host; '' for the other kinds. */
  hostName: string;
  /** The bridge of a veth, the parent link of the other kinds. */
  link: string;
  containerName: string;
  mac: string;
  mtu: number;
  /** CIDR notation, IPv4 or IPv6. */
  addresses: string[];
  /** Default gateways; empty string: none; `dev`: a default route without one. */
  gateway4: string;
  gateway6: string;
  /** Of this interface, written once it is there. */
  sysctls: Sysctl[];
}

/** As sysctl(8) has it: dots separate, a slash stands for a dot. */
export interface Sysctl {
  name: string;
  value: string;
}

/** Default routes through one interface; as in `InterfacePlan`. */
export interface RoutePlan {
  containerName: string;
  gateway4: string;
  gateway6: string;
}

/** The DNS server of a container, which its shim starts and keeps. */
export interface ResolverPlan {
  /** Where the name tables are. */
  directory: string;
  /** Name of the container's own table in it. */
  id: string;
  /** Where it listens inside. */
  port: number;
  /** An nf_tables transaction that leads port 53 to it. */
  rules: Uint8Array;
}

/** How the links of a running container change, in this order. */
export interface NetworkChange {
  oldRoutes: RoutePlan[];
  removed: Pick<InterfacePlan, 'hostName' | 'containerName'>[];
  added: InterfacePlan[];
  newRoutes: RoutePlan[];
  /** To be there from now on. */
  resolver: ResolverPlan | null;
}

/** config.json can ask for a FIFO, too. */
export type PlannedNode = Omit<DeviceNode, 'type'> & { type: DeviceNode['type'] | 'p' };

export interface Rlimit {
  /** RLIMIT_* number of the kernel (x86-64/arm64 numbering). */
  resource: number;
  soft: bigint;
  hard: bigint;
}

/** Capability sets as bit masks (bit N = capability N). Inheritable is always empty (SECURITY 2022-24769). */
export interface CapabilitySets {
  bounding: bigint;
  effective: bigint;
  permitted: bigint;
  ambient: bigint;
}

export interface ProcessPlan {
  argv: string[];
  /** Complete environment, `NAME=value`; HOME is added by the shim from the image's passwd when absent. */
  env: string[];
  /** Created inside the container when missing (as root, after pivot), like Docker's WORKDIR. */
  cwd: string;
  /** `''`, `name`, `uid`, `name:group`, `uid:gid`: resolved by the shim inside the container's root. */
  user: string;
  /** Names or numbers. */
  additionalGroups: string[];
  capabilities: CapabilitySets;
  noNewPrivileges: boolean;
  /** AppArmor profile from execve on; '': whatever the engine has. */
  apparmor: string;
  /** Compiled BPF program (struct sock_filter[]), empty: unconfined. */
  seccomp: Uint8Array;
  rlimits: Rlimit[];
  oomScoreAdj: number | null;
  tty: boolean;
  /** Initial terminal size, 0: unset. */
  rows: number;
  columns: number;
  /** A pipe or the terminal is kept open for stdin; false: /dev/null. */
  openStdin: boolean;
  /** Close stdin when the first attached client that had stdin goes away. */
  stdinOnce: boolean;
}

/** Formats: `native/log_file.h`. */
export type LogPlan =
  | { format: 'none' }
  | {
      format: 'json' | 'entries';
      /** json: the log, rotated to `.1`, `.2`, … like Docker; entries: files are `<path>.<sequence>`. */
      path: string;
      /** Of one file, 0: unlimited. */
      maxBytes: number;
      maxFiles: number;
      /** json: extra `"attrs"` object as JSON text, or ''. */
      attributes: string;
      /** Of rotated files. */
      compress: boolean;
      /** entries: a file goes only when the engine has said that it read it; until then output waits. */
      hold: boolean;
    };

/** A JSON text with a hole that the shim fills. */
export interface SplitDocument {
  head: string;
  tail: string;
}

/** Makes the container instead of the shim itself, which stays parent of PID 1, keeper of its stdio and its log. */
export interface ExternalRuntime {
  /** Absolute path of an OCI runtime and its global flags. */
  command: string[];
  /** Mounts of the host that the runtime must not see. */
  hidden: string[];
  /**
   * config.json without `process.user`. Its bundle, `<run-directory>/staging`, exists in the shim's mount namespace
   * only: `rootfs` is the root, `mounts/N` the source of mount N, `network` the network namespace.
   */
  config: SplitDocument;
}

/** A program that the creator of an OCI container wants run on the way (config.md, "POSIX-platform Hooks"). */
export interface HookPlan {
  /** In the runtime's namespaces; in the container's, before its root is entered; inside, before its process. */
  moment: 'createRuntime' | 'createContainer' | 'startContainer';
  path: string;
  argv: string[];
  env: string[];
  /** 0: none. */
  timeoutMs: number;
  /** What it reads on stdin; the hole is the pid. */
  state: SplitDocument;
}

/** What only containers of the OCI command line have. Their root is the directory `rootfs.lower[0]`, not an overlay. */
export interface OciPlan {
  rootPropagation: Propagation;
  /** chroot instead of pivot_root, for a root on the initial ramfs. */
  noPivot: boolean;
  /** The session keyring stays the caller's. */
  noNewKeyring: boolean;
  umask: number;
  /** Of personality(2); null: unchanged. */
  personality: number | null;
  /** Descriptors from 3 that the process inherits. */
  preservedDescriptors: number;
  /** `new`, or one to join, in which the root is built. */
  mount: NamespaceSource;
  user: NamespaceSource;
  /** Lines of /proc/PID/uid_map and gid_map of a new user namespace. */
  uidMap: string;
  gidMap: string;
  time: NamespaceSource;
  /** Lines of /proc/PID/timens_offsets. */
  timeOffsets: string;
  hooks: HookPlan[];
}

export interface ContainerPlan {
  id: string;
  /** `<run-root>/containers/<id>`, exists, 0700. The shim keeps `shim.sock`, `shim.pid` and `exit.json` there. */
  runDirectory: string;
  hostname: string;
  domainname: string;
  namespaces: Namespaces;
  /** null: the host's. */
  user: UserNamespacePlan | null;
  cgroup: CgroupPlan;
  rootfs: RootfsPlan;
  mounts: MountOperation[];
  devices: PlannedNode[];
  maskedPaths: string[];
  readonlyPaths: string[];
  /** Written inside the new namespaces: `net.ipv4.ip_forward` → value. */
  sysctls: Sysctl[];
  /** Loopback is always brought up in a new network namespace. */
  interfaces: InterfacePlan[];
  resolver: ResolverPlan | null;
  /** PID 1 is a built-in tini-like init that forks the process and reaps. */
  init: boolean;
  process: ProcessPlan;
  log: LogPlan;
  /** null: the shim makes the container itself. */
  external: ExternalRuntime | null;
  /** null: a container of the engine. */
  oci: OciPlan | null;
}

export interface ExecPlan {
  /** 64 hex digits. */
  id: string;
  process: ProcessPlan;
  /** The file of `exec --process` without its `user`, where an external runtime made the container. */
  document: SplitDocument | null;
}
