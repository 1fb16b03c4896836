import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildInitramfs, kernelRelease, REPOSITORY, type Equipment } from './initramfs.ts';

const KERNEL_DIRECTORY = path.join(REPOSITORY, 'build/tools/vm-kernel');

/** Modules the engine leans on; the rest of the kernel package stays out. */
const MODULES = [
  'fs/overlayfs',
  'fs/quota',
  'fs/fscache',
  'fs/lockd',
  'fs/netfs',
  'fs/nfs',
  'fs/nfs_common',
  'fs/nfsd',
  'fs/xfs',
  'net',
  'lib',
  'crypto',
  'drivers/net/veth.ko',
  'drivers/net/vxlan',
  'drivers/block/loop.ko',
  'arch/x86/crypto',
];

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

interface MachineOptions {
  /** A script for node, the one program of the machine. */
  guest: string;
  equipment: Equipment;
  memoryMb: number;
  timeoutMs: number;
  /** What the console says, as it comes. */
  onOutput?: (text: string) => void;
}

/**
 * Boots Debian's kernel with the built engine and the guest's script in memory, on cgroup v2 alone and without a
 * network, and resolves with what the console said. Needs no root.
 */
export async function runInVirtualMachine(options: MachineOptions): Promise<string> {
  const { guest, equipment } = options;
  const work = mkdtempSync(path.join(os.tmpdir(), 'gantry-vm-'));
  try {
    const kernel = KERNEL_DIRECTORY;
    const initramfs = buildInitramfs({ work, kernel, guest, equipment, modules: MODULES });
    return await boot(initramfs, options);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function boot(initramfs: string, { memoryMb, timeoutMs, onOutput }: MachineOptions): Promise<string> {
  const kernel = path.join(KERNEL_DIRECTORY, 'boot', `vmlinuz-${kernelRelease(KERNEL_DIRECTORY)}`);
  // Not KVM: nested virtualisation that is only half there hangs instead of failing.
  const machine = `-m ${memoryMb} -smp 2 -nographic -no-reboot -nic none -accel tcg,thread=multi -cpu max`;
  const append = 'console=ttyS0 panic=-1 loglevel=1';
  const argv = [...machine.split(' '), '-kernel', kernel, '-initrd', initramfs, '-append', append];
  const qemu = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [qemu.stdout, qemu.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      const text = chunk.toString().replaceAll('\r', '');
      output += text;
      onOutput?.(text);
    });
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      qemu.kill('SIGKILL');
      reject(new Error(`the machine did not end in time:\n${output}`));
    }, timeoutMs);
    qemu.on('error', reject);
    qemu.on('exit', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
