import { isGroupMapped, isRootless } from '../lib/user-namespace.ts';
import type { HostConfig } from '../wire/container.ts';
import type { CgroupDriver } from './cgroup.ts';
import { outsideOf, type IdMaps } from './id-maps.ts';
import type { MountFlag, MountOperation, NamespaceSource } from './plan.ts';

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

interface DefaultMountInput {
  hostConfig: HostConfig;
  ipc: NamespaceSource;
  cgroups: CgroupDriver;
  /** Of the container's own user namespace. */
  idMaps: IdMaps | undefined;
  /** Privileged, or asked for by security-opt. */
  writableCgroups: boolean;
}

/** Docker's own mounts in its order. */
export function defaultMounts(input: DefaultMountInput): MountOperation[] {
  const privileged = input.hostConfig.Privileged === true;
  return [
    filesystem('proc', '/proc', ['nosuid', 'noexec', 'nodev']),
    filesystem('tmpfs', '/dev', ['nosuid', 'strictatime'], 'mode=755,size=65536k'),
    filesystem('devpts', '/dev/pts', ['nosuid', 'noexec'], terminalOptions(input.idMaps)),
    filesystem('sysfs', '/sys', [...(privileged ? [] : RO), 'nosuid', 'noexec', 'nodev']),
    ...input.cgroups.mounts({ readonly: !input.writableCgroups }),
    filesystem('mqueue', '/dev/mqueue', ['nosuid', 'noexec', 'nodev']),
    ...sharedMemory(input.hostConfig, input.ipc),
  ];
}

/** Group 5 is tty, which an ordinary user without an /etc/subgid range does not have. */
function terminalOptions(idMaps: IdMaps | undefined): string {
  // Mounted outside of the container's user namespace, so with the number that the group has there.
  const group = idMaps ? outsideOf(5, idMaps.gids) : isRootless() && !isGroupMapped(5) ? undefined : 5;
  return `newinstance,ptmxmode=0666,mode=0620${group === undefined ? '' : `,gid=${group}`}`;
}

const RO: readonly MountFlag[] = ['ro'];

/** SECURITY: 2022-0492: private unless the request says `host`, on cgroup v1 too (Docker's default there is host). */
export const hasPrivateCgroupNamespace = (hostConfig: HostConfig): boolean =>
  hostConfig.CgroupnsMode !== 'host';

function sharedMemory(hostConfig: HostConfig, ipc: NamespaceSource): MountOperation[] {
  if (hostConfig.IpcMode === 'none') return [];
  if (ipc.kind === 'new') {
    const size = hostConfig.ShmSize || DEFAULT_SHM_BYTES;
    const flags: MountFlag[] = ['nosuid', 'noexec', 'nodev'];
    const data = `mode=1777,size=${size}`;
    return [{ kind: 'filesystem', type: 'tmpfs', source: 'shm', target: '/dev/shm', flags, data }];
  }
  return [
    {
      kind: 'bind',
      source: '/dev/shm',
      target: '/dev/shm',
      recursive: false,
      readonly: false,
      flags: ['nosuid', 'noexec', 'nodev'],
      propagation: 'rprivate',
      create: 'directory',
      sourcePid: ipc.kind === 'join' ? ipc.pid : 0,
    },
  ];
}

function filesystem(
  type: Extract<MountOperation, { kind: 'filesystem' }>['type'],
  target: string,
  flags: MountFlag[],
  data = '',
): MountOperation {
  return { kind: 'filesystem', type, target, flags, data };
}
