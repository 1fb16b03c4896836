import { conflict, invalidArgument } from '../lib/errors.ts';
import type { NamespaceSource } from '../runtime/plan.ts';
import type { HostConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './store.ts';

export type NetworkMode =
  | { kind: 'network'; name: string }
  | { kind: 'host' }
  | { kind: 'none' }
  | { kind: 'container'; target: string };

export function networkModeOf(hostConfig: HostConfig): NetworkMode {
  const mode = hostConfig.NetworkMode ?? 'bridge';
  if (mode === 'host' || mode === 'none') return { kind: mode };
  const target = joinTarget(mode);
  return target === undefined ? { kind: 'network', name: mode } : { kind: 'container', target };
}

/** `container:x` → `x`. */
export function joinTarget(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

interface NamespaceSources {
  network: NamespaceSource;
  pid: NamespaceSource;
  ipc: NamespaceSource;
  uts: NamespaceSource;
}

/** Where the container's namespaces come from; 409 when one to join belongs to a container that does not run. */
export function resolveNamespaces(store: ContainerStore, hostConfig: HostConfig): NamespaceSources {
  return {
    network: sourceOf(store, hostConfig.NetworkMode, 'network'),
    pid: sourceOf(store, hostConfig.PidMode, 'PID'),
    ipc: sourceOf(store, hostConfig.IpcMode, 'IPC'),
    uts: hostConfig.UTSMode === 'host' ? { kind: 'host' } : { kind: 'new' },
  };
}

function sourceOf(
  store: ContainerStore,
  mode: string | undefined,
  what: 'network' | 'PID' | 'IPC',
): NamespaceSource {
  if (mode === 'host') return { kind: 'host' };
  const target = joinTarget(mode);
  if (target === undefined) return { kind: 'new' };
  const owner = store.get(target);
  const pid = runningPid(owner, what);
  if (what === 'IPC' && !isShareable(owner.record.hostConfig)) {
    throw invalidArgument(
      `container ${target}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  return { kind: 'join', pid };
}

/** The host's, or one that was made to be shared, perhaps by way of a third container. */
const isShareable = ({ IpcMode = '' }: HostConfig): boolean =>
  IpcMode === 'shareable' || IpcMode === 'host' || IpcMode.startsWith('container:');

function runningPid(container: Container, what: string): number {
  if (!container.shim) {
    const space = what === 'network' ? 'network' : `${what} namespace`;
    throw conflict(`cannot join ${space} of a non running container: ${container.record.id}`);
  }
  return container.shim.pid;
}
