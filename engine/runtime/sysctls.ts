import { existsSync } from 'node:fs';
import { invalidArgument } from '../lib/errors.ts';
import { isRootless } from '../lib/user-namespace.ts';
import type { HostConfig } from '../wire/container.ts';
import type { NamespaceSource } from './plan.ts';

const IPC_SYSCTLS = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/**
 * Only sysctls that a namespace of the container's own keeps away from the host; the texts are those of the OCI
 * runtimes. Throws invalid-argument.
 */
export function validateSysctls(hostConfig: HostConfig): void {
  for (const name of Object.keys(hostConfig.Sysctls ?? {})) {
    // SECURITY: 2025-52881: the name becomes a path below /proc/sys.
    if (!/^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_:@-]+)*$/.test(name)) {
      throw invalidArgument(`invalid sysctl name: ${JSON.stringify(name)}`);
    }
    const dotted = name.replaceAll('/', '.');
    if (IPC_SYSCTLS.has(dotted) || dotted.startsWith('fs.mqueue.')) {
      if (hostConfig.IpcMode === 'host') throw notSeparate(name);
    } else if (dotted.startsWith('net.')) {
      if (hostConfig.NetworkMode === 'host') {
        throw invalidArgument(`sysctl "${name}" not allowed in host network namespace`);
      }
    } else if (dotted !== 'kernel.domainname' || hostConfig.UTSMode === 'host') {
      throw notSeparate(name);
    }
  }
}

const notSeparate = (name: string) =>
  invalidArgument(`sysctl "${name}" is not in a separate kernel namespace`);

/** Docker's own two for a new network namespace (unprivileged low ports and ping), then the request's. */
export function resolveSysctls(
  hostConfig: HostConfig,
  network: NamespaceSource,
  isMapped = false,
): { name: string; value: string }[] {
  const values = new Map<string, string>();
  if (network.kind === 'new') {
    // Not every group exists in a user namespace, and the kernel refuses a range with one that does not.
    if (!isRootless() && !isMapped && existsSync('/proc/sys/net/ipv4/ping_group_range')) {
      values.set('net.ipv4.ping_group_range', '0 2147483647');
    }
    if (existsSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) {
      values.set('net.ipv4.ip_unprivileged_port_start', '0');
    }
  }
  for (const [name, value] of Object.entries(hostConfig.Sysctls ?? {})) values.set(name, value);
  return [...values].map(([name, value]) => ({ name, value }));
}
