import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';

/** The machine as `docker info` and `docker version` describe it. */
interface Host {
  architecture: string;
  kernelVersion: string;
  /** PRETTY_NAME and VERSION_ID of os-release. */
  operatingSystem: string;
  osVersion: string;
  name: string;
  cpus: number;
  memoryBytes: number;
}

const MACHINES: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' };
/** Go's names, which `Arch` fields use. */
const GO_ARCHITECTURES: Record<string, string> = { x64: 'amd64' };

export const goArchitecture = (): string => GO_ARCHITECTURES[process.arch] ?? process.arch;

export async function readHost(): Promise<Host> {
  const release = await readOsRelease();
  return {
    architecture: MACHINES[process.arch] ?? process.arch,
    kernelVersion: os.release(),
    operatingSystem: release.get('PRETTY_NAME') ?? 'Linux',
    osVersion: release.get('VERSION_ID') ?? '',
    name: os.hostname(),
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
  };
}

async function readOsRelease(): Promise<Map<string, string>> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return new Map(
    [...text.matchAll(/^(\w+)=("?)(.*)\2$/gm)].map(([, name = '', , value = '']) => [name, value]),
  );
}

/** statfs magic numbers, include/uapi/linux/magic.h. */
const FILESYSTEMS: Record<number, string> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlayfs',
  0xf2f52010: 'f2fs',
};

export async function filesystemOf(directory: string): Promise<string> {
  const { type } = await statfs(directory);
  return FILESYSTEMS[type] ?? `0x${type.toString(16)}`;
}
