import { existsSync } from 'node:fs';
import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import type { VolumeCreate } from '../volumes/volumes.ts';
import type { MountRequest } from '../wire/container.ts';
import { PROPAGATIONS } from './bind-spec.ts';
import type { MountPoint } from './record.ts';
import { parseTmpfsOptions } from './tmpfs-options.ts';

/** A mount point whose volume is not made yet: `volume` says what to create. */
export type PlannedMount = MountPoint & { volume?: VolumeCreate };

export const BASE: Omit<MountPoint, 'type' | 'source' | 'destination' | 'specification'> = {
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

type Fail = (problem: string) => Error;

/** One entry of HostConfig.Mounts; 400 `invalid mount config for type "x": …`. */
export function planMountRequest(mount: MountRequest): PlannedMount {
  const type = mount.Type ?? '';
  const fail: Fail = (problem) => invalidArgument(`invalid mount config for type "${type}": ${problem}`);
  refuseForeignOptions(mount, fail);
  const target = mount.Target ?? '';
  if (target === '') throw fail('field Target must not be empty');
  const destination = path.posix.resolve('/', target);
  if (destination === '/') throw fail("invalid specification: destination can't be '/'");
  if (!target.startsWith('/')) throw fail(`invalid mount path: '${target}' mount path must be absolute`);
  const common = { ...BASE, destination, readonly: mount.ReadOnly ?? false, specification: 'mount' as const };
  switch (type) {
    case 'tmpfs':
      if (mount.Source) throw fail('field Source must not be specified');
      return { ...common, type, source: '', options: tmpfsOptionsOf(mount, fail) };
    case 'bind':
      return { ...common, type, ...bindOf(mount, fail) };
    case 'volume':
      return { ...common, type, source: '', mode: 'z', ...volumeOf(mount, fail) };
    case 'image':
      return { ...common, type, source: '', ...imageOf(mount, fail) };
    default:
      throw fail('mount type unknown');
  }
}

function refuseForeignOptions(mount: MountRequest, fail: Fail): void {
  for (const [field, type] of [
    ['BindOptions', 'bind'],
    ['VolumeOptions', 'volume'],
    ['ImageOptions', 'image'],
    ['TmpfsOptions', 'tmpfs'],
    ['ClusterOptions', 'cluster'],
  ] as const) {
    if (mount[field] && mount.Type !== type) throw fail(`field ${field} must not be specified`);
  }
}

function bindOf(
  mount: MountRequest,
  fail: Fail,
): Pick<MountPoint, 'source' | 'propagation' | 'recursive' | 'createSource' | 'readonlyRecursion'> {
  const source = mount.Source ?? '';
  const options = mount.BindOptions ?? {};
  if (source === '') throw fail('field Source must not be empty');
  if (options.Propagation && !PROPAGATIONS.includes(options.Propagation)) {
    throw fail(`invalid propagation mode: ${options.Propagation}`);
  }
  if (!source.startsWith('/')) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
  const createSource = options.CreateMountpoint ?? false;
  if (!createSource && !existsSync(source)) throw fail(`bind source path does not exist: ${source}`);
  return {
    source: path.posix.resolve(source),
    propagation: options.Propagation ?? '',
    recursive: !options.NonRecursive,
    createSource,
    readonlyRecursion: readonlyRecursionOf(mount),
  };
}

function readonlyRecursionOf({ ReadOnly, BindOptions }: MountRequest): 'yes' | 'no' | 'force' {
  const { ReadOnlyNonRecursive: not = false, ReadOnlyForceRecursive: force = false } = BindOptions ?? {};
  const conflicting = (one: string, other: string): Error =>
    invalidArgument(`mount options conflict: ${one} && BindOptions.${other}`);
  if (not && !ReadOnly) throw conflicting('!ReadOnly', 'ReadOnlyNonRecursive');
  if (force && !ReadOnly) throw conflicting('!ReadOnly', 'ReadOnlyForceRecursive');
  if (not && force) throw conflicting('ReadOnlyNonRecursive', 'ReadOnlyForceRecursive');
  return force ? 'force' : not ? 'no' : 'yes';
}

function volumeOf(
  mount: MountRequest,
  fail: Fail,
): Pick<PlannedMount, 'volume' | 'copyUp' | 'anonymous' | 'subpath'> {
  const options = mount.VolumeOptions ?? {};
  const anonymous = !mount.Source;
  if (anonymous && options.Subpath) throw fail('must not set Subpath when using anonymous volumes');
  const volume: VolumeCreate = { anonymous };
  if (mount.Source) volume.name = mount.Source;
  if (options.Labels) volume.labels = options.Labels;
  if (options.DriverConfig?.Name) volume.driver = options.DriverConfig.Name;
  if (options.DriverConfig?.Options) volume.options = options.DriverConfig.Options;
  const subpath = subpathOf(options.Subpath, fail);
  // A part of a volume is somebody's already.
  return { volume, copyUp: !options.NoCopy && !subpath, anonymous, ...(subpath ? { subpath } : {}) };
}

function imageOf(
  mount: MountRequest,
  fail: Fail,
): Pick<PlannedMount, 'name' | 'readonly' | 'propagation' | 'subpath'> {
  if (!mount.Source) throw fail('field Source must not be empty');
  const subpath = subpathOf(mount.ImageOptions?.Subpath, fail);
  return { name: mount.Source, readonly: true, propagation: 'rprivate', ...(subpath ? { subpath } : {}) };
}

/** Relative and inside, as far as the text can tell (Go's filepath.IsLocal); links are resolved at the mount. */
function subpathOf(subpath: string | undefined, fail: Fail): string | undefined {
  if (!subpath) return undefined;
  const clean = path.posix.normalize(subpath);
  if (subpath.startsWith('/') || clean === '..' || clean.startsWith('../')) {
    throw fail('subpath must be a relative path within the volume');
  }
  return clean;
}

function tmpfsOptionsOf(mount: MountRequest, fail: Fail): string {
  const { Options = [], SizeBytes, Mode } = mount.TmpfsOptions ?? {};
  for (const option of Options ?? []) {
    if (option.length < 1 || option.length > 2) throw fail('invalid option array length');
    if (!['exec', 'noexec'].includes(option[0] as string)) throw fail(`invalid option: ${option[0]}`);
  }
  const options = (Options ?? []).map((pair) => pair.join('='));
  if (SizeBytes) options.push(`size=${SizeBytes}`);
  if (Mode) options.push(`mode=${Mode.toString(8)}`);
  if (mount.ReadOnly) options.push('ro');
  const text = options.join(',');
  parseTmpfsOptions(text);
  return text;
}
