import { resolveResources } from '../cgroups/resources.ts';
import { resolveDevices } from '../devices.ts';
import type { PlanInput } from '../plan-input.ts';
import type { ContainerPlan, MountOperation, NamespaceSource, PlannedNode } from '../plan.ts';
import { selectProfile } from '../seccomp.ts';
import { parseSecurityOptions } from '../security-options.ts';
import { processDocument } from './process-document.ts';
import { resourcesDocument } from './resources-document.ts';
import { seccompDocument } from './seccomp-document.ts';
import type { RuntimeSpec, SpecDevice, SpecMount, SpecSeccomp } from './spec.ts';

/** Where the shim puts the engine's own init for a container that asked for one, as dockerd does. */
const INIT_PATH = '/sbin/docker-init';

/**
 * The same policy as the plan that the shim executes, as config.json for an OCI runtime that makes the container in
 * its place. `staging`: the bundle that the shim fills (plan.ts).
 */
export function runtimeConfig(
  input: PlanInput,
  plan: ContainerPlan,
  { staging, binary, cgroupsPath }: { staging: string; binary: string; cgroupsPath: string },
): object {
  const { hostConfig } = input;
  const { rules } = resolveDevices(hostConfig);
  const resources = resolveResources(hostConfig, input.cgroups.features());
  const argv = plan.init ? [INIT_PATH, '--', ...plan.process.argv] : plan.process.argv;
  const config: Omit<RuntimeSpec, 'process'> = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: plan.rootfs.readonly },
    ...(plan.hostname === '' ? {} : { hostname: plan.hostname }),
    mounts: [
      ...plan.mounts.map((mount, index) => toSpecMount(mount, `${staging}/mounts/${index}`)),
      ...(plan.init ? [initMount(binary)] : []),
    ],
    annotations: { ...hostConfig.Annotations },
    linux: {
      namespaces: namespacesOf(plan, staging),
      cgroupsPath,
      resources: resourcesDocument(resources, rules),
      devices: plan.devices.filter(({ path }) => !DEFAULT_NODES.has(path)).map(toSpecDevice),
      sysctl: sysctlsOf(plan),
      maskedPaths: plan.maskedPaths,
      readonlyPaths: plan.readonlyPaths,
      ...seccompOf(input, plan),
    },
  };
  return { ...config, process: processDocument(plan.process, argv) };
}

/** What every OCI runtime makes by itself (config-linux.md, "Default Devices"). */
const DEFAULT_NODES = new Set(
  ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`),
);

function toSpecMount(mount: MountOperation, staged: string): SpecMount {
  const { target: destination } = mount;
  if (mount.kind === 'bind') {
    const flags = [...(mount.readonly ? ['ro'] : []), ...mount.flags, mount.propagation];
    const options = [mount.recursive ? 'rbind' : 'bind', ...new Set(flags)];
    return { destination, type: 'bind', source: staged, options };
  }
  if (mount.kind === 'overlay') {
    return { destination, type: 'bind', source: staged, options: ['bind', 'ro', 'rprivate'] };
  }
  if (mount.kind === 'cgroup-v1') {
    const options = [...(mount.readonly ? ['ro'] : []), 'nosuid', 'noexec', 'nodev'];
    return { destination, type: 'cgroup', source: 'cgroup', options };
  }
  const type = mount.type === 'cgroup2' ? 'cgroup' : mount.type;
  const data = mount.data === '' ? [] : mount.data.split(',');
  const options = [...mount.flags, ...data, ...(mount.copyUp ? ['tmpcopyup'] : [])];
  return { destination, type, source: mount.source ?? type, options };
}

const initMount = (binary: string): SpecMount => ({
  destination: INIT_PATH,
  type: 'bind',
  source: binary,
  options: ['bind', 'ro'],
});

/** A domain name has no place in config.json before 1.1: it is the sysctl that it stands for. */
function sysctlsOf({ sysctls, domainname }: ContainerPlan): Record<string, string> {
  const own = Object.fromEntries(sysctls.map(({ name, value }) => [name, value]));
  return domainname === '' ? own : { 'kernel.domainname': domainname, ...own };
}

/** The network namespace is the shim's work, so that its interfaces exist when the runtime writes `net.*` sysctls. */
function namespacesOf({ namespaces }: ContainerPlan, staging: string): { type: string; path?: string }[] {
  const entries: [string, NamespaceSource][] = [
    ['pid', namespaces.pid],
    ['ipc', namespaces.ipc],
    ['uts', namespaces.uts],
    ['cgroup', namespaces.cgroup],
  ];
  const { network } = namespaces;
  return [
    { type: 'mount' },
    ...entries.flatMap(([type, source]) => namespaceOf(type, type, source)),
    ...(network.kind === 'new'
      ? [{ type: 'network', path: `${staging}/network` }]
      : namespaceOf('network', 'net', network)),
  ];
}

function namespaceOf(type: string, file: string, source: NamespaceSource): { type: string; path?: string }[] {
  if (source.kind === 'host') return [];
  if (source.kind === 'new') return [{ type }];
  return [{ type, path: source.kind === 'path' ? source.path : `/proc/${source.pid}/ns/${file}` }];
}

const toSpecDevice = ({ path, type, major, minor, mode, uid, gid }: PlannedNode): SpecDevice => ({
  path,
  type,
  major,
  minor,
  fileMode: mode,
  uid,
  gid,
});

/** The plan has the compiled program; a runtime compiles for itself. */
function seccompOf({ hostConfig }: PlanInput, plan: ContainerPlan): { seccomp?: SpecSeccomp } {
  if (plan.process.seccomp.length === 0) return {};
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  return { seccomp: seccompDocument(selectProfile(seccomp, plan.process.capabilities.bounding)) };
}
