import path from 'node:path';
import type { NetworkPlace } from '../networks/reach/reach.ts';
import type { Container } from './container.ts';
import { networkModeOf } from './modes.ts';
import type { ContainerStore } from './store.ts';

/** In whose network a container is. Throws not-found where it shares that of a container that is gone. */
export function networkPlaceOf(store: ContainerStore, container: Container): NetworkPlace {
  const owner = ownerOf(store, container);
  const { record, shim } = container;
  return {
    id: record.id,
    name: record.name,
    pid: shim?.pid,
    ownerId: owner.record.id,
    onHost: networkModeOf(owner.record.hostConfig).kind === 'host',
    files: {
      hosts: path.join(owner.directory, 'hosts'),
      resolvConf: path.join(owner.directory, 'resolv.conf'),
    },
  };
}

/** At the end of `container:` modes. A container can only join one that was there before it, so there is no circle. */
function ownerOf(store: ContainerStore, container: Container): Container {
  const mode = networkModeOf(container.record.hostConfig);
  return mode.kind === 'container' ? ownerOf(store, store.get(mode.target)) : container;
}
