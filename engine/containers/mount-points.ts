import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import type { VolumeCreate } from '../volumes/volumes.ts';
import type { ContainerConfig, HostConfig } from '../wire/container.ts';
import { parseBind, parseVolumesFrom } from './bind-spec.ts';
import { BASE, planMountRequest, type PlannedMount } from './mount-request.ts';
import { propagationOf } from './mount-propagation.ts';
import type { MountPoint } from './record.ts';
import { parseTmpfsOptions } from './tmpfs-options.ts';

interface PlanOptions {
  /** Read-only binds leave the mounts below them writable. */
  readonlyNonRecursive: boolean;
  dataRoot: string;
}

/**
 * Every mount a container asks for, by destination: VolumesFrom, then Binds, Mounts and Tmpfs over it, then the
 * volumes of the configuration where nothing is mounted yet. Pure but for looking whether bind sources exist.
 */
export function planMounts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  mountsOf: (container: string) => MountPoint[],
  { readonlyNonRecursive, dataRoot }: PlanOptions,
): PlannedMount[] {
  const explicit = new Map<string, PlannedMount>();
  const add = (mount: PlannedMount): void => {
    if (explicit.has(mount.destination)) throw invalidArgument(`Duplicate mount point: ${mount.destination}`);
    if (mount.type === 'bind') mount.propagation = propagationOf(mount, dataRoot);
    if (readonlyNonRecursive && mount.type === 'bind' && mount.readonly) mount.readonlyRecursion = 'no';
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
      if (mount.specification === 'tmpfs') continue;
      all.set(mount.destination, {
        ...mount,
        readonly: mount.readonly || readonly === true,
        copyUp: false,
        specification: 'volumes-from',
      });
    }
  }
  for (const [destination, mount] of explicit) all.set(destination, mount);
  for (const place of Object.keys(config.Volumes ?? {})) {
    const volume = planAnonymous(place, hostConfig.VolumeDriver);
    if (!all.has(volume.destination)) all.set(volume.destination, volume);
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
  return { ...common, ...volumeOf(bind.source, volumeDriver), copyUp: !bind.noCopy };
}

/** SECURITY (2022-23648): an image says where a volume is, never what is mounted there: `/etc:/x` is one path. */
function planAnonymous(place: string, volumeDriver: string | undefined): PlannedMount {
  const destination = path.posix.resolve('/', place);
  if (destination === '/') throw invalidArgument("invalid specification: destination can't be '/'");
  return { ...BASE, ...volumeOf('', volumeDriver), destination, copyUp: true, specification: 'volume' };
}

/** '': a new volume without a name. */
function volumeOf(name: string, driver: string | undefined) {
  const anonymous = name === '';
  const volume: VolumeCreate = { anonymous };
  if (!anonymous) volume.name = name;
  if (driver) volume.driver = driver;
  return { type: 'volume', source: '', anonymous, volume, specification: 'bind' } as const;
}

function planTmpfs(target: string, options: string): PlannedMount {
  if (!target.startsWith('/'))
    throw invalidArgument(`invalid mount path: '${target}' mount path must be absolute`);
  parseTmpfsOptions(options);
  const destination = path.posix.resolve(target);
  if (destination === '/') throw invalidArgument("invalid specification: destination can't be '/'");
  return { ...BASE, type: 'tmpfs', source: '', destination, options, specification: 'tmpfs' };
}

function depth(target: string): number {
  return target.split('/').length;
}
