import path from 'node:path';
import type { RootAccess } from '../images/image-store.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, type ContainersContext } from './context.ts';

/** How archive operations (`docker cp`, changes, export) reach a container's files. */
export function rootAccessOf(context: ContainersContext, container: Container): RootAccess {
  const { record, directory, shim } = container;
  if (shim) return { kind: 'process', pid: shim.pid };
  return {
    kind: 'stopped',
    lower: [initLayerDirectory(context), ...context.images.lowerDirectories(record.imageId)],
    upper: path.join(directory, 'upper'),
    work: path.join(directory, 'work'),
    binds: record.mounts
      .filter(({ type }) => type !== 'tmpfs')
      .map(({ source, destination, readonly }) => ({ source, target: destination, readonly })),
  };
}
