import path from 'node:path';
import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { CgroupDriver } from '../runtime/cgroup.ts';
import { resolveDevices } from '../runtime/devices.ts';
import { LATER, splitDocument } from '../runtime/oci/split-document.ts';
import type { HookKind, RuntimeSpec, SpecDevice, SpecIdMapping, SpecLinux } from '../runtime/oci/spec.ts';
import type {
  ContainerPlan,
  HookPlan,
  NamespaceSource,
  OciPlan,
  PlannedNode,
  Propagation,
} from '../runtime/plan.ts';
import { compileMounts } from './compile-mounts.ts';
import { compileProcess, refuseLabel } from './compile-process.ts';
import { compileDeviceRules, compileResources } from './compile-resources.ts';
import { OCI_VERSION } from './container-state.ts';

interface CompileInput {
  id: string;
  spec: RuntimeSpec;
  bundle: string;
  /** The container's state directory. */
  directory: string;
  cgroups: CgroupDriver;
  /** Where its cgroup is in every hierarchy. */
  cgroup: { id: string; parent: string };
  noPivot: boolean;
  noNewKeyring: boolean;
  preservedDescriptors: number;
}

/** config.json → the plan that the native side executes. Throws invalid-argument for what no container can be. */
export function compilePlan(input: CompileInput): ContainerPlan {
  const { id, spec, bundle, directory, cgroups, cgroup } = input;
  const { process, linux = {} } = spec;
  if (!process) throw invalidArgument('process property must not be empty');
  refuseLabel(linux.mountLabel);
  const namespaces = namespaceSources(linux);
  const resources = linux.resources ?? {};
  const plan = cgroups.plan(
    cgroup.id,
    { CgroupParent: cgroup.parent },
    { resources: compileResources(resources), rules: compileDeviceRules(resources) },
  );
  return {
    id,
    runDirectory: directory,
    hostname: spec.hostname ?? '',
    domainname: spec.domainname ?? '',
    namespaces: {
      pid: namespaces('pid'),
      network: namespaces('network'),
      ipc: namespaces('ipc'),
      uts: namespaces('uts'),
      cgroup: namespaces('cgroup'),
    },
    cgroup: { ...plan, writes: [...plan.writes, ...furtherWrites(plan.directories, linux)] },
    rootfs: {
      lower: [path.resolve(bundle, spec.root?.path ?? '')],
      upper: '',
      work: '',
      volatile: false,
      readonly: spec.root?.readonly === true,
    },
    mounts: compileMounts(spec.mounts ?? [], { bundle, cgroups }),
    devices: [...resolveDevices({}).nodes, ...(linux.devices ?? []).map(toNode)],
    maskedPaths: linux.maskedPaths ?? [],
    readonlyPaths: linux.readonlyPaths ?? [],
    sysctls: Object.entries(linux.sysctl ?? {}).map(([name, value]) => ({ name, value })),
    interfaces: [],
    resolver: null,
    init: false,
    process: compileProcess(process, linux.seccomp),
    log: { format: 'none' },
    external: null,
    user: null,
    oci: compileExtras(input, namespaces),
  };
}

function compileExtras(
  { id, spec, bundle, noPivot, noNewKeyring, preservedDescriptors }: CompileInput,
  namespaces: (type: string) => NamespaceSource,
): OciPlan {
  const { linux = {} } = spec;
  const user = namespaces('user');
  const hasMaps = (linux.uidMappings ?? []).length > 0 && (linux.gidMappings ?? []).length > 0;
  if (user.kind === 'new' && !hasMaps)
    throw invalidArgument('User namespaces enabled, but no uid mappings found.');
  const time = namespaces('time');
  if (time.kind !== 'new' && linux.timeOffsets && Object.keys(linux.timeOffsets).length > 0)
    throw invalidArgument("time namespace offsets specified, but time namespace isn't enabled");
  return {
    rootPropagation: propagationOf(linux.rootfsPropagation),
    noPivot,
    noNewKeyring,
    umask: spec.process?.user.umask ?? 0o022,
    personality: linux.personality ? personalityOf(linux.personality.domain) : null,
    preservedDescriptors,
    mount: namespaces('mount'),
    user,
    uidMap: mapLines(linux.uidMappings),
    gidMap: mapLines(linux.gidMappings),
    time,
    timeOffsets: Object.entries(linux.timeOffsets ?? {})
      .map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`)
      .join(''),
    hooks: compileHooks(id, spec, bundle),
  };
}

/** A type that is not listed is the caller's own namespace. */
function namespaceSources({ namespaces = [] }: SpecLinux): (type: string) => NamespaceSource {
  const types = namespaces.map(({ type }) => type);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined)
    throw invalidArgument(`malformed spec file: duplicated ns ${JSON.stringify(twice)}`);
  if (!types.includes('mount')) throw notImplemented('a container without a mount namespace of its own');
  return (type) => {
    const found = namespaces.find((namespace) => namespace.type === type);
    if (!found) return { kind: 'host' };
    if (!found.path) return { kind: 'new' };
    if (!path.isAbsolute(found.path)) throw invalidArgument(`namespace path ${found.path} is not absolute`);
    return { kind: 'path', path: found.path };
  };
}

const PROPAGATIONS = new Set([
  '',
  'private',
  'shared',
  'slave',
  'unbindable',
  'rprivate',
  'rshared',
  'rslave',
  'runbindable',
]);

function propagationOf(text = ''): Propagation {
  if (!PROPAGATIONS.has(text)) throw invalidArgument(`rootfsPropagation=${text} is not supported`);
  return text === '' ? 'rprivate' : (text as Propagation);
}

const PERSONALITIES: Readonly<Record<string, number>> = { LINUX: 0, LINUX32: 8 };

function personalityOf(domain: string): number {
  const value = Object.hasOwn(PERSONALITIES, domain) ? PERSONALITIES[domain] : undefined;
  if (value === undefined) throw invalidArgument(`invalid personality domain: ${domain}`);
  return value;
}

const mapLines = (mappings: readonly SpecIdMapping[] = []): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

const DEVICE_TYPES: Readonly<Record<string, PlannedNode['type']>> = { c: 'c', u: 'c', b: 'b', p: 'p' };

function toNode({
  type,
  path: file,
  major = 0,
  minor = 0,
  fileMode = 0o666,
  uid = 0,
  gid = 0,
}: SpecDevice): PlannedNode {
  const kind = Object.hasOwn(DEVICE_TYPES, type) ? DEVICE_TYPES[type] : undefined;
  if (kind === undefined) throw invalidArgument(`invalid device type ${JSON.stringify(type)} for ${file}`);
  return { path: file, type: kind, major, minor, mode: fileMode & 0o777, uid, gid };
}

/** Limits that HostConfig has no word for. A file that this host lacks is an error, as the limit would not hold. */
function furtherWrites(
  directories: readonly string[],
  { resources = {} }: SpecLinux,
): { file: string; value: string }[] {
  const at = (controller: string): string =>
    directories.find((directory) => directory.split('/')[4]?.split(',').includes(controller)) ??
    directories[0] ??
    '';
  const isUnified = Object.keys(resources.unified ?? {}).length > 0;
  const unified = directories.find((directory) => directory.includes('/unified/')) ?? directories[0] ?? '';
  return [
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) => ({
      file: `${at('hugetlb')}/hugetlb.${pageSize}.limit_in_bytes`,
      value: String(limit),
    })),
    ...(resources.network?.classID
      ? [{ file: `${at('net_cls')}/net_cls.classid`, value: String(resources.network.classID) }]
      : []),
    ...(resources.network?.priorities ?? []).map(({ name, priority }) => ({
      file: `${at('net_prio')}/net_prio.ifpriomap`,
      value: `${name} ${priority}`,
    })),
    ...(isUnified
      ? Object.entries(resources.unified ?? {}).map(([file, value]) => ({
          file: `${unified}/${file}`,
          value,
        }))
      : []),
  ];
}

const MOMENTS: [HookKind, HookPlan['moment'], string][] = [
  // Deprecated, and older than the status `creating`.
  ['prestart', 'createRuntime', 'created'],
  ['createRuntime', 'createRuntime', 'creating'],
  ['createContainer', 'createContainer', 'creating'],
  ['startContainer', 'startContainer', 'created'],
];

function compileHooks(id: string, spec: RuntimeSpec, bundle: string): HookPlan[] {
  return MOMENTS.flatMap(([kind, moment, status]) => {
    const view = { ociVersion: OCI_VERSION, id, status, pid: LATER, bundle, annotations: spec.annotations };
    return (spec.hooks?.[kind] ?? []).map((hook) => {
      if (!path.isAbsolute(hook.path)) throw invalidArgument(`hook path ${hook.path} is not absolute`);
      return {
        moment,
        path: hook.path,
        argv: hook.args ?? [],
        env: hook.env ?? [],
        timeoutMs: (hook.timeout ?? 0) * 1000,
        state: splitDocument(view),
      };
    });
  });
}
