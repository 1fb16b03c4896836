import { conflict, EngineError, invalidArgument } from '../lib/errors.ts';
import type { NamespaceSource } from '../runtime/plan.ts';
import type { HostConfig } from '../wire/container.ts';
import type { Container } from './container.ts';
import { notRunning } from './kill.ts';
import type { ContainerRecord } from './record.ts';
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
export function resolveNamespaces(
  store: ContainerStore,
  { id, hostConfig }: Pick<ContainerRecord, 'id' | 'hostConfig'>,
): NamespaceSources {
  return {
    network: networkSource(store, id, hostConfig.NetworkMode),
    pid: sourceOf(store, hostConfig.PidMode, runningPid),
    ipc: sourceOf(store, hostConfig.IpcMode, shareablePid),
    uts: hostConfig.UTSMode === 'host' ? { kind: 'host' } : { kind: 'new' },
  };
}

function sourceOf(
  store: ContainerStore,
  mode: string | undefined,
  pidOf: (owner: Container) => number,
): NamespaceSource {
  if (mode === 'host') return { kind: 'host' };
  const target = joinTarget(mode);
  return target === undefined ? { kind: 'new' } : { kind: 'join', pid: pidOf(store.get(target)) };
}

function networkSource(store: ContainerStore, id: string, mode: string | undefined): NamespaceSource {
  return sourceOf(store, mode, ({ record, shim }) => {
    // Not refused at create, where the name may be of a container that is yet to come.
    if (record.id === id) throw new EngineError('internal', 'cannot join own network namespace');
    if (shim) return shim.pid;
    throw conflict(
      `cannot join network namespace of a non running container: container ${record.name} is ${record.state.status}`,
    );
  });
}

function runningPid(owner: Container): number {
  if (!owner.shim) throw notRunning(owner);
  return owner.shim.pid;
}

function shareablePid(owner: Container): number {
  const pid = runningPid(owner);
  if (isShareable(owner.record.hostConfig)) return pid;
  throw invalidArgument(
    `container ${owner.record.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
}

/** The host's, or one that was made to be shared, perhaps by way of a third container. */
const isShareable = ({ IpcMode = '' }: HostConfig): boolean =>
  IpcMode === 'shareable' || IpcMode === 'host' || IpcMode.startsWith('container:');
