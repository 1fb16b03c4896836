import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const KERNEL_DIRECTORY = path.join(REPOSITORY, 'build/tools/vm-kernel');

/** Modules the engine leans on; the rest of the kernel package stays out. */
const MODULES = ['fs/overlayfs', 'net', 'lib', 'crypto', 'drivers/net/veth.ko', 'arch/x86/crypto'];

/** Why a machine cannot be had here, or undefined when it can. */
export function virtualMachineMissing(): string | undefined {
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0)
    return 'qemu-system-x86_64 is not installed';
  if (existsSync(path.join(KERNEL_DIRECTORY, 'boot'))) return undefined;
  return downloadKernel() ? undefined : 'Debian offers no linux-image-cloud-amd64 here';
}

/** Unpacks Debian's cloud kernel below build/; installs nothing. */
function downloadKernel(): boolean {
  const work = `${KERNEL_DIRECTORY}.download`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const depends = spawnSync('apt-cache', ['depends', 'linux-image-cloud-amd64'], { encoding: 'utf8' }).stdout;
  const name = /Depends: (linux-image-\S+)/.exec(depends ?? '')?.[1];
  if (name === undefined) return false;
  spawnSync('apt-get', ['download', '-qq', name], { cwd: work, stdio: 'ignore' });
  const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
  if (archive === undefined) return false;
  execFileSync('dpkg-deb', ['-x', archive, KERNEL_DIRECTORY], { cwd: work });
  rmSync(work, { recursive: true });
  return true;
}

/** The first process: leaves the initramfs, from which pivot_root is not possible, for a tmpfs. */
const INIT = `#!/bin/busybox sh
/bin/busybox mkdir /new
/bin/busybox mount -t tmpfs -o size=80% none /new
for d in bin etc gantry lib lib64 sbin usr; do /bin/busybox cp -a /$d /new/; done
cd /new && exec /bin/busybox switch_root /new /sbin/start
`;

const START = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run /tmp /var/lib
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
ip link set lo up
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/
modprobe overlay
node /gantry/guest.mjs
poweroff -f
`;

/**
 * Boots Debian's kernel with the built engine and `guest.mjs` in memory, on cgroup v2 alone and without a network,
 * and resolves with what the console said. Needs no root.
 */
export async function runInVirtualMachine(guestScript: string, timeoutMs: number): Promise<string> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'gantry-vm-'));
  try {
    const initramfs = buildInitramfs(work, guestScript);
    return await boot(initramfs, timeoutMs);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function buildInitramfs(work: string, guestScript: string): string {
  const root = path.join(work, 'root');
  for (const directory of ['bin', 'sbin', 'etc', 'lib', 'lib64', 'usr', 'gantry']) {
    mkdirSync(path.join(root, directory), { recursive: true });
  }
  writeExecutable(path.join(root, 'init'), INIT);
  writeExecutable(path.join(root, 'sbin/start'), START);
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
  symlinkSync('/bin/modprobe', path.join(root, 'sbin/modprobe'));
  copyProgram(root, process.execPath, 'bin/node');
  for (const name of ['nft', 'ip']) copyProgram(root, which(name), `usr/sbin/${name}`);
  for (const part of ['engine', 'native/gantry-shim', 'starter']) {
    cpSync(path.join(REPOSITORY, 'build', part), path.join(root, 'gantry/build', part), { recursive: true });
  }
  copyFileSync(guestScript, path.join(root, 'gantry/guest.mjs'));
  copyModules(root);
  const archive = path.join(work, 'initramfs');
  execFileSync('sh', ['-c', `find . | busybox cpio -o -H newc > "$1"`, 'sh', archive], {
    cwd: root,
    stdio: 'ignore',
  });
  return archive;
}

function writeExecutable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

const which = (name: string): string =>
  execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin command -v "$1"', 'sh', name], {
    encoding: 'utf8',
  }).trim();

/** The program with the shared libraries that ldd names, at the paths they are searched at. */
function copyProgram(root: string, source: string, target: string): void {
  mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
  copyFileSync(source, path.join(root, target));
  const libraries = execFileSync('ldd', [source], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const [, library = ''] of libraries) {
    mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
    copyFileSync(library, path.join(root, library));
  }
}

function copyModules(root: string): void {
  const release = kernelRelease();
  const from = path.join(KERNEL_DIRECTORY, 'lib/modules', release);
  const to = path.join(root, 'lib/modules', release);
  for (const part of MODULES) {
    const source = path.join(from, 'kernel', part);
    if (existsSync(source)) cpSync(source, path.join(to, 'kernel', part), { recursive: true });
  }
  for (const list of ['modules.builtin', 'modules.order'])
    copyFileSync(path.join(from, list), path.join(to, list));
  execFileSync('busybox', ['depmod', '-b', root, release], { stdio: 'ignore' });
}

function kernelRelease(): string {
  const [release] = readdirSync(path.join(KERNEL_DIRECTORY, 'lib/modules'));
  if (release === undefined) throw new Error(`no kernel modules in ${KERNEL_DIRECTORY}`);
  return release;
}

function boot(initramfs: string, timeoutMs: number): Promise<string> {
  const kernel = path.join(KERNEL_DIRECTORY, 'boot', `vmlinuz-${kernelRelease()}`);
  // Not KVM: nested virtualisation that is only half there hangs instead of failing.
  const machine = '-m 2048 -smp 2 -nographic -no-reboot -nic none -accel tcg,thread=multi -cpu max';
  const append = 'console=ttyS0 panic=-1 quiet';
  const argv = [...machine.split(' '), '-kernel', kernel, '-initrd', initramfs, '-append', append];
  const qemu = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [qemu.stdout, qemu.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      qemu.kill('SIGKILL');
      reject(new Error(`the machine did not end in time:\n${output}`));
    }, timeoutMs);
    qemu.on('error', reject);
    qemu.on('exit', () => {
      clearTimeout(timer);
      resolve(output.replaceAll('\r', ''));
    });
  });
}
