import { existsSync } from 'node:fs';
import path from 'node:path';
import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { VolumeCreate } from '../volumes/volumes.ts';
import type { ContainerConfig, HostConfig, MountRequest } from '../wire/container.ts';
import { parseBind, parseVolumesFrom } from './bind-spec.ts';
import type { MountPoint } from './record.ts';
import { parseTmpfsOptions } from './tmpfs-options.ts';

/** A mount point whose volume is not made yet: `volume` says what to create. */
export type PlannedMount = MountPoint & { volume?: VolumeCreate };

const BASE: Omit<MountPoint, 'type' | 'source' | 'destination' | 'specification'> = {
  name: '',
  mode: '',
  readonly: false,
  propagation: '',
  recursive: true,
  copyUp: false,
  createSource: false,
  options: '',
  anonymous: false,
};

/**
 * Every mount a container asks for, by destination: VolumesFrom, then Binds, Mounts and Tmpfs over it, then the
 * volumes of the configuration where nothing is mounted yet. Pure but for looking whether bind sources exist.
 */
export function planMounts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  mountsOf: (container: string) => MountPoint[],
): PlannedMount[] {
  const explicit = new Map<string, PlannedMount>();
  const add = (mount: PlannedMount): void => {
    if (explicit.has(mount.destination)) throw invalidArgument(`Duplicate mount point: ${mount.destination}`);
    explicit.set(mount.destination, mount);
  };
  for (const bind of hostConfig.Binds ?? []) add(planBind(bind, hostConfig.VolumeDriver));
  for (const mount of hostConfig.Mounts ?? []) add(planMountRequest(mount));
  for (const [destination, options] of Object.entries(hostConfig.Tmpfs ?? {}))
    add(planTmpfs(destination, options));

  const all = new Map<string, PlannedMount>();
  for (const specification of hostConfig.VolumesFrom ?? []) {
    const { container, readonly } = parseVolumesFrom(specification);
    for (const mount of mountsOf(container)) {
      if (mount.type === 'tmpfs') continue;
      all.set(mount.destination, {
        ...mount,
        readonly: readonly ?? mount.readonly,
        copyUp: false,
        specification: 'volumes-from',
      });
    }
  }
  for (const [destination, mount] of explicit) all.set(destination, mount);
  for (const destination of Object.keys(config.Volumes ?? {})) {
    const bind = parseBind(destination);
    if (all.has(bind.destination)) continue;
    all.set(bind.destination, { ...planBind(destination, hostConfig.VolumeDriver), mode: '' });
  }
  // Parents before what is mounted inside them.
  return [...all.values()].sort((one, other) => depth(one.destination) - depth(other.destination));
}

function planBind(specification: string, volumeDriver: string | undefined): PlannedMount {
  const bind = parseBind(specification);
  const common = { ...BASE, destination: bind.destination, mode: bind.mode, readonly: bind.readonly };
  if (bind.kind === 'bind') {
    const propagation = bind.propagation;
    return {
      ...common,
      type: 'bind',
      source: bind.source,
      propagation,
      createSource: true,
      specification: 'bind',
    };
  }
  const anonymous = bind.source === '';
  const volume: VolumeCreate = { anonymous };
  if (!anonymous) volume.name = bind.source;
  if (volumeDriver) volume.driver = volumeDriver;
  return {
    ...common,
    type: 'volume',
    source: '',
    copyUp: !bind.noCopy,
    anonymous,
    volume,
    specification: 'bind',
  };
}

function planMountRequest(mount: MountRequest): PlannedMount {
  const type = mount.Type ?? '';
  const fail = (problem: string): Error =>
    invalidArgument(`invalid mount config for type "${type}": ${problem}`);
  if (type === 'image' || type === 'cluster') throw notImplemented(`a mount of type "${type}"`);
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') throw fail('mount type unknown');
  const target = mount.Target ?? '';
  if (target === '') throw fail('field Target must not be empty');
  if (!target.startsWith('/')) throw fail(`invalid mount path: '${target}' mount path must be absolute`);
  const destination = path.posix.resolve(target);
  if (destination === '/') throw fail("invalid specification: destination can't be '/'");
  const common = { ...BASE, destination, readonly: mount.ReadOnly ?? false, specification: 'mount' as const };
  if (type === 'tmpfs') {
    if (mount.Source) throw fail('field Source must not be specified');
    return { ...common, type, source: '', options: tmpfsOptionsOf(mount) };
  }
  if (type === 'bind') return { ...common, type, ...bindSourceOf(mount, fail) };
  return { ...common, type, source: '', mode: 'z', ...volumeOf(mount) };
}

function bindSourceOf(
  mount: MountRequest,
  fail: (problem: string) => Error,
): Pick<MountPoint, 'source' | 'propagation' | 'recursive' | 'createSource'> {
  const source = mount.Source ?? '';
  if (source === '') throw fail('field Source must not be empty');
  if (!source.startsWith('/')) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
  const createSource = mount.BindOptions?.CreateMountpoint ?? false;
  if (!createSource && !existsSync(source)) throw fail(`bind source path does not exist: ${source}`);
  return {
    source: path.posix.resolve(source),
    propagation: mount.BindOptions?.Propagation || 'rprivate',
    recursive: !mount.BindOptions?.NonRecursive,
    createSource,
  };
}

function volumeOf(mount: MountRequest): Pick<PlannedMount, 'volume' | 'copyUp' | 'anonymous'> {
  const options = mount.VolumeOptions;
  // A subpath is chosen by whoever writes into the volume: it needs a rooted resolution at mount time.
  if (options?.Subpath) throw notImplemented('VolumeOptions.Subpath');
  const volume: VolumeCreate = { anonymous: !mount.Source };
  if (mount.Source) volume.name = mount.Source;
  if (options?.Labels) volume.labels = options.Labels;
  if (options?.DriverConfig?.Name) volume.driver = options.DriverConfig.Name;
  if (options?.DriverConfig?.Options) volume.options = options.DriverConfig.Options;
  return { volume, copyUp: !options?.NoCopy, anonymous: !mount.Source };
}

function tmpfsOptionsOf(mount: MountRequest): string {
  const options = (mount.TmpfsOptions?.Options ?? []).map((pair) => pair.join('='));
  if (mount.TmpfsOptions?.SizeBytes) options.push(`size=${mount.TmpfsOptions.SizeBytes}`);
  if (mount.TmpfsOptions?.Mode) options.push(`mode=${mount.TmpfsOptions.Mode.toString(8)}`);
  if (mount.ReadOnly) options.push('ro');
  const text = options.join(',');
  parseTmpfsOptions(text);
  return text;
}

function planTmpfs(target: string, options: string): PlannedMount {
  if (!target.startsWith('/'))
    throw invalidArgument(`invalid mount path: '${target}' mount path must be absolute`);
  parseTmpfsOptions(options);
  const destination = path.posix.resolve(target);
  return { ...BASE, type: 'tmpfs', source: '', destination, options, specification: 'tmpfs' };
}

function depth(target: string): number {
  return target.split('/').length;
}
