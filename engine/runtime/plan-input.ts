import type { ContainerConfig, HostConfig } from '../wire/container.ts';
import type { CgroupDriver } from './cgroup.ts';
import type { IdMaps } from './id-maps.ts';
import type {
  ContainerPlan,
  ExecPlan,
  InterfacePlan,
  MountFlag,
  NamespaceSource,
  ResolverPlan,
} from './plan.ts';

/** A mount whose source is resolved: volumes have their directory, binds are checked to exist. */
export interface ResolvedMount {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Volume name or image reference, '' otherwise. */
  name: string;
  /** Host path; '' for tmpfs and images. */
  source: string;
  /** image: overlay lower directories, topmost first. */
  layers: string[];
  /** Relative, the part of a volume or image that is mounted; '': all. */
  subpath: string;
  target: string;
  readonly: boolean;
  recursive: boolean;
  /** A read-only mount makes those below it read-only, too. */
  readonlyRecursive: boolean;
  propagation: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
  /** Whether the source is a directory (tmpfs: true). */
  directory: boolean;
  /** tmpfs mount options without the flags, e.g. `size=64m,mode=1777`. */
  data: string;
  flags: MountFlag[];
}

/** What the containers domain hands to the policy that makes the plan. */
export interface PlanInput {
  id: string;
  runDirectory: string;
  /** Image defaults and request merged: Entrypoint/Cmd are arrays, Env complete. */
  config: ContainerConfig;
  hostConfig: HostConfig;
  argv: string[];
  /** Overlay lower directories, topmost first, without the init layer. */
  lower: string[];
  /** Engine-made layer with /dev, /proc, /sys, /etc/{hosts,hostname,resolv.conf}, /.dockerenv. */
  initLayer: string;
  upper: string;
  work: string;
  mounts: ResolvedMount[];
  /** Host paths bind-mounted to /etc/hosts, /etc/hostname, /etc/resolv.conf; undefined: not mounted. */
  files: { hosts?: string; hostname?: string; resolvConf?: string };
  network: NamespaceSource;
  pid: NamespaceSource;
  ipc: NamespaceSource;
  uts: NamespaceSource;
  interfaces: InterfacePlan[];
  resolver: ResolverPlan | null;
  cgroups: CgroupDriver;
  /** Of an engine that gives containers user namespaces. */
  idMaps?: IdMaps | undefined;
  log: ContainerPlan['log'];
}

/** `docker exec` options on top of the container's own. */
export interface ExecRequest {
  id: string;
  argv: string[];
  env: string[];
  cwd: string;
  user: string;
  tty: boolean;
  openStdin: boolean;
  privileged: boolean;
  rows: number;
  columns: number;
}

export type BuildContainerPlan = (input: PlanInput) => ContainerPlan;
export type BuildExecPlan = (
  container: Pick<PlanInput, 'config' | 'hostConfig'>,
  request: ExecRequest,
) => ExecPlan;
