import path from 'node:path';
import type { ContainerSnapshot } from '../images/image-store.ts';
import { conflict, EngineError } from '../lib/errors.ts';
import { completeConfig } from './config-merge.ts';
import type { Container } from './container.ts';
import { publish, type ContainersContext } from './context.ts';
import { pauseContainer, unpauseContainer } from './lifecycle.ts';

/** `docker commit`'s view of a container whose writable layer does not change while `use` reads it. */
export async function useSnapshot<T>(
  context: ContainersContext,
  container: Container,
  pause: boolean,
  use: (snapshot: ContainerSnapshot) => Promise<T>,
): Promise<T> {
  const snapshot = (): Promise<T> => use(snapshotOf(context, container));
  const { record } = container;
  const { status } = record.state;
  if (status === 'dead') throw conflict(`You cannot commit container ${record.id} which is Dead`);
  if (status === 'removing') {
    throw conflict(`You cannot commit container ${record.id} which is being removed`);
  }
  // A start would write to the layer: it waits.
  if (!container.shim) return container.mutex.run(snapshot);
  if (!pause || status !== 'running') return snapshot();
  try {
    await pauseContainer(context, container);
  } catch (error) {
    // It ended just now.
    if (!(error instanceof EngineError && error.kind === 'conflict')) throw error;
    return container.mutex.run(snapshot);
  }
  try {
    return await snapshot();
  } finally {
    // Somebody else may have let it go on, killed or removed it meanwhile.
    if (record.state.status === 'paused') await unpauseContainer(context, container);
  }
}

function snapshotOf(context: ContainersContext, container: Container): ContainerSnapshot {
  const { record, directory } = container;
  return {
    id: record.id,
    imageId: record.imageId,
    config: record.config,
    upper: path.join(directory, 'upper'),
    complete: (wanted) => completeConfig(wanted, record.config),
    published: (attributes) => publish(context, container, 'commit', attributes),
  };
}
