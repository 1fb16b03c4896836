import { invalidArgument } from '../lib/errors.ts';
import type { MountFlag } from '../runtime/plan.ts';

const DATA_OPTIONS = ['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol', 'huge'];

/** `option` switches `flag` on or off. */
const FLAG_OPTIONS: Record<string, { flag: MountFlag; on: boolean }> = {
  ro: { flag: 'ro', on: true },
  rw: { flag: 'ro', on: false },
  nosuid: { flag: 'nosuid', on: true },
  suid: { flag: 'nosuid', on: false },
  nodev: { flag: 'nodev', on: true },
  dev: { flag: 'nodev', on: false },
  noexec: { flag: 'noexec', on: true },
  exec: { flag: 'noexec', on: false },
  noatime: { flag: 'noatime', on: true },
  relatime: { flag: 'relatime', on: true },
  strictatime: { flag: 'strictatime', on: true },
};

/** Of mount(8), without a meaning for a tmpfs that is the container's own. */
const IGNORED = new Set(
  'defaults async sync dirsync atime diratime nodiratime nostrictatime norelatime mand nomand private rprivate shared rshared slave rslave unbindable runbindable'.split(
    ' ',
  ),
);

/** `rw,size=64m,exec` → flags and filesystem data; Docker's base is noexec, nosuid, nodev. 400 for the unknown. */
export function parseTmpfsOptions(options: string): { flags: MountFlag[]; data: string } {
  const flags = new Set<MountFlag>(['noexec', 'nosuid', 'nodev']);
  const data: string[] = [];
  for (const option of options.split(',').filter((part) => part !== '')) {
    const known = FLAG_OPTIONS[option];
    if (known?.on) flags.add(known.flag);
    else if (known) flags.delete(known.flag);
    else if (DATA_OPTIONS.includes(option.split('=', 1)[0] as string) && option.includes('='))
      data.push(option);
    else if (!IGNORED.has(option)) throw invalidArgument(`invalid tmpfs option ["${option}"]`);
  }
  return { flags: [...flags], data: data.join(',') };
}
