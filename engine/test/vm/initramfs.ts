import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** `engine`: the built engine alone. `suites`: also the sources, vitest and every program that the tests call. */
export type Equipment = 'engine' | 'suites';

interface InitramfsOptions {
  /** An empty directory for the tree and the archive. */
  work: string;
  /** Unpacked kernel package. */
  kernel: string;
  /** Becomes /gantry/guest.mjs, the program of the machine. */
  guest: string;
  equipment: Equipment;
  /** Kernel modules, folders or files below `kernel/`. */
  modules: readonly string[];
}

/** The first process: leaves the initramfs, from which pivot_root is not possible, for a tmpfs. */
const INIT = `#!/bin/busybox sh
/bin/busybox mkdir /new
/bin/busybox mount -t tmpfs -o size=90% none /new
for d in bin etc gantry lib lib64 sbin usr; do /bin/busybox cp -a /$d /new/; done
cd /new && exec /new/bin/busybox switch_root /new /sbin/start
`;

const START = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /proc /sys /dev /run /tmp /var/lib /root
chmod 1777 /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
/bin/ip link set lo up
modprobe overlay
modprobe loop
node /gantry/guest.mjs
poweroff -f
`;

const PROGRAMS: Record<Equipment, readonly string[]> = {
  engine: ['nft', 'ip'],
  suites:
    'nft ip bridge docker ps script curl unshare nsenter setpriv newuidmap newgidmap slirp4netns tar zstd mount umount losetup mke2fs mkfs.ext4 mkfs.xfs repquota'.split(
      ' ',
    ),
};

/** What the suites are run with; what it needs itself follows from package-lock.json. */
const PACKAGES = ['vitest', 'dockerode', 'ws', 'yaml', 'ajv'];

export function buildInitramfs({ work, kernel, guest, equipment, modules }: InitramfsOptions): string {
  const root = path.join(work, 'root');
  for (const directory of ['bin', 'sbin', 'etc', 'lib', 'lib64', 'usr/bin', 'usr/sbin', 'gantry']) {
    mkdirSync(path.join(root, directory), { recursive: true });
  }
  writeExecutable(path.join(root, 'init'), INIT);
  writeExecutable(path.join(root, 'sbin/start'), START);
  putUsers(root);
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
  // busybox's own shell prefers its applets to the programs of PATH.
  if (equipment === 'suites') copyProgram(root, '/bin/sh', 'bin/sh');
  else symlinkSync('/bin/busybox', path.join(root, 'bin/sh'));
  symlinkSync('/bin/modprobe', path.join(root, 'sbin/modprobe'));
  copyProgram(root, process.execPath, 'usr/bin/node');
  for (const name of PROGRAMS[equipment]) {
    const found = which(name);
    if (found !== undefined) copyProgram(root, found, `usr/sbin/${name}`);
  }
  for (const part of ['engine', 'native/gantry-shim', 'starter', 'test']) {
    const source = path.join(REPOSITORY, 'build', part);
    if (existsSync(source)) cpSync(source, path.join(root, 'gantry/build', part), { recursive: true });
  }
  if (equipment === 'suites') copySources(root);
  copyFileSync(guest, path.join(root, 'gantry/guest.mjs'));
  copyModules(root, kernel, modules);
  const archive = path.join(work, 'initramfs');
  execFileSync('sh', ['-c', `find . | busybox cpio -o -H newc > "$1"`, 'sh', archive], {
    cwd: root,
    stdio: 'ignore',
  });
  return archive;
}

function putUsers(root: string): void {
  const files = {
    passwd: 'root:x:0:0:root:/root:/bin/sh\n',
    group: 'root:x:0:\n',
    subuid: '',
    subgid: '',
    hosts: '127.0.0.1 localhost\n',
    'resolv.conf': 'nameserver 127.0.0.1\n',
    shells: '/bin/sh\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, 'etc', name), text);
}

function writeExecutable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function which(name: string): string | undefined {
  const directories = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':');
  return directories.map((directory) => path.join(directory, name)).find((file) => existsSync(file));
}

/** The program, set-user-ID bits included, with the shared libraries that ldd names. */
function copyProgram(root: string, source: string, target: string): void {
  const to = path.join(root, target);
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(source, to);
  chmodSync(to, statSync(source).mode & 0o7777);
  copyLibraries(root, source);
}

function copyLibraries(root: string, file: string): void {
  let listing: string;
  try {
    listing = execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return; // static
  }
  for (const [, library = ''] of listing.matchAll(/(\/\S+) \(0x/g)) {
    mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
    copyFileSync(library, path.join(root, library));
  }
}

function copySources(root: string): void {
  const to = path.join(root, 'gantry');
  for (const name of ['engine', 'vitest.config.ts', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(REPOSITORY, name), path.join(to, name), { recursive: true });
  }
  for (const directory of packageClosure(PACKAGES)) {
    cpSync(path.join(REPOSITORY, directory), path.join(to, directory), { recursive: true });
  }
  const files = readdirSync(path.join(to, 'node_modules'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.node'))) {
    copyLibraries(root, path.join(to, 'node_modules', file));
  }
}

/** Folders of the packages and of all that they need, as package-lock.json and node's resolution have it. */
function packageClosure(names: readonly string[]): string[] {
  type Entry = Record<'dependencies' | 'optionalDependencies' | 'peerDependencies', object | undefined>;
  const lock = JSON.parse(readFileSync(path.join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Entry>;
  };
  const found = new Set<string>();
  const resolve = (from: string, name: string): string | undefined => {
    for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
      const candidate = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
      if (candidate in lock.packages && existsSync(path.join(REPOSITORY, candidate))) return candidate;
      if (base === '') return undefined;
    }
  };
  const queue = names.flatMap((name) => resolve('', name) ?? []);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    const directory = next;
    const { dependencies, optionalDependencies, peerDependencies } = lock.packages[directory] ?? {};
    const needed = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    queue.push(...needed.flatMap((name) => resolve(directory, name) ?? []));
  }
  return [...found];
}

function copyModules(root: string, kernel: string, modules: readonly string[]): void {
  const release = kernelRelease(kernel);
  const from = path.join(kernel, 'lib/modules', release);
  const to = path.join(root, 'lib/modules', release);
  for (const part of modules) {
    const source = path.join(from, 'kernel', part);
    if (existsSync(source)) cpSync(source, path.join(to, 'kernel', part), { recursive: true });
  }
  for (const list of ['modules.builtin', 'modules.order'])
    copyFileSync(path.join(from, list), path.join(to, list));
  execFileSync('busybox', ['depmod', '-b', root, release], { stdio: 'ignore' });
}

export function kernelRelease(kernel: string): string {
  const [release] = readdirSync(path.join(kernel, 'lib/modules'));
  if (release === undefined) throw new Error(`no kernel modules in ${kernel}`);
  return release;
}
