import { statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, invalidArgument, notImplemented } from '../lib/errors.ts';
import type { CgroupDriver } from '../runtime/cgroup.ts';
import type { SpecMount } from '../runtime/oci/spec.ts';
import type { MountFlag, MountOperation, Propagation } from '../runtime/plan.ts';

/** What each option word sets; '' is the kernel's default, which needs no bit. */
const FLAGS: Readonly<Record<string, MountFlag | ''>> = {
  ro: 'ro',
  nosuid: 'nosuid',
  nodev: 'nodev',
  noexec: 'noexec',
  noatime: 'noatime',
  nodiratime: 'nodiratime',
  relatime: 'relatime',
  strictatime: 'strictatime',
  nosymfollow: 'nosymfollow',
  ...Object.fromEntries(
    'rw suid dev exec atime diratime norelatime nostrictatime symfollow defaults'
      .split(' ')
      .map((word) => [word, '' as const]),
  ),
};
const PROPAGATIONS = new Set(
  'private shared slave unbindable rprivate rshared rslave runbindable'.split(' '),
);
/** mount(8) says these recursively with an `r` in front; the plan's attributes of a recursive bind are. */
const RECURSIVE_FLAGS = /^r(ro|nosuid|nodev|noexec|noatime|nodiratime|relatime|strictatime|nosymfollow)$/;

interface Options {
  flags: MountFlag[];
  propagation: Propagation | undefined;
  bind: 'bind' | 'rbind' | undefined;
  copyUp: boolean;
  /** For the filesystem. */
  data: string[];
}

/** `mounts` of config.json, in their order. `bundle`: what relative sources are relative to. */
export function compileMounts(
  mounts: readonly SpecMount[],
  { bundle, cgroups }: { bundle: string; cgroups: CgroupDriver },
): MountOperation[] {
  return mounts.flatMap((mount) => {
    const target = path.posix.normalize(path.posix.join('/', mount.destination));
    const options = readOptions(mount.options ?? []);
    if (options.bind || mount.type === 'bind') return [compileBind(mount, target, options, bundle)];
    if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
      const readonly = options.flags.includes('ro');
      return cgroups.mounts({ readonly }).map((operation) => ({ ...operation, target }));
    }
    if (!mount.type) throw invalidArgument(`mount ${target} has no type`);
    return [
      {
        kind: 'filesystem' as const,
        type: mount.type,
        target,
        flags: options.flags,
        data: options.data.join(','),
        copyUp: options.copyUp,
        propagation: options.propagation ?? 'rprivate',
        source: mount.source ?? mount.type,
      },
    ];
  });
}

function compileBind(mount: SpecMount, target: string, options: Options, bundle: string): MountOperation {
  const source = path.resolve(bundle, mount.source ?? '');
  return {
    kind: 'bind',
    source,
    target,
    recursive: options.bind !== 'bind',
    readonly: options.flags.includes('ro'),
    flags: options.flags.filter((flag) => flag !== 'ro'),
    propagation: options.propagation ?? 'rprivate',
    create: isDirectory(source) ? 'directory' : 'file',
  };
}

function isDirectory(source: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw invalidArgument(`bind mount source ${source}: no such file or directory`, { cause: error });
  }
}

function readOptions(words: readonly string[]): Options {
  const options: Options = { flags: [], propagation: undefined, bind: undefined, copyUp: false, data: [] };
  for (const word of words) {
    const recursive = RECURSIVE_FLAGS.exec(word)?.[1];
    const flag = Object.hasOwn(FLAGS, recursive ?? word) ? FLAGS[recursive ?? word] : undefined;
    if (flag) options.flags.push(flag);
    else if (flag === '') continue;
    else if (word === 'bind' || word === 'rbind') options.bind = word;
    else if (PROPAGATIONS.has(word)) options.propagation = word as Propagation;
    else if (word === 'tmpcopyup') options.copyUp = true;
    else if (word === 'idmap' || word === 'ridmap') throw notImplemented('an id-mapped mount');
    else options.data.push(word);
  }
  return { ...options, flags: [...new Set(options.flags)] };
}
