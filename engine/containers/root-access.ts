import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ContainerRoot, RootAccess } from '../images/image-store.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, type ContainersContext } from './context.ts';

/** How archive operations (`docker cp`, changes, export) reach a container's files. */
export function useRoot<T>(
  context: ContainersContext,
  container: Container,
  use: (root: ContainerRoot) => Promise<T>,
): Promise<T> {
  if (container.shim) return use(rootOf(context, container));
  // A second overlay mount on the same upper directory is undefined behaviour: a start has to wait.
  return container.mutex.run(() => useStopped(context, container, use));
}

async function useStopped<T>(
  context: ContainersContext,
  container: Container,
  use: (root: ContainerRoot) => Promise<T>,
): Promise<T> {
  const { record } = container;
  // It may run by now.
  const volumes = container.shim ? [] : record.mounts.filter(({ type }) => type === 'volume');
  try {
    for (const { name } of volumes) await context.volumes.mount(name, record.id);
    return await use(rootOf(context, container));
  } finally {
    for (const { name } of volumes) await context.volumes.unmount(name, record.id);
  }
}

function rootOf(context: ContainersContext, container: Container): ContainerRoot {
  const { record, directory } = container;
  const layers = {
    lower: [initLayerDirectory(context), ...context.images.lowerDirectories(record.imageId)],
    upper: path.join(directory, 'upper'),
  };
  return {
    access: accessOf(container, layers),
    layers,
    readonlyRootfs: record.hostConfig.ReadonlyRootfs ?? false,
    user: record.config.User ?? '',
  };
}

function accessOf({ record, directory, shim }: Container, layers: ContainerRoot['layers']): RootAccess {
  if (shim) return { kind: 'process', pid: shim.pid };
  return {
    kind: 'stopped',
    ...layers,
    work: path.join(directory, 'work'),
    binds: [
      ...networkFiles(directory),
      // A part of a volume is found inside the volume only when it is mounted: a link there could lead out of it.
      ...record.mounts
        .filter(({ type, subpath }) => (type === 'bind' || type === 'volume') && !subpath)
        .map(({ source, destination, readonly }) => ({ source, target: destination, readonly })),
    ],
  };
}

/** What the last run saw under /etc: its files are the engine's, not of the writable layer. */
function networkFiles(directory: string): { source: string; target: string; readonly: boolean }[] {
  return ['hosts', 'hostname', 'resolv.conf']
    .map((name) => ({ source: path.join(directory, name), target: `/etc/${name}`, readonly: false }))
    .filter(({ source }) => existsSync(source));
}
