import type Dockerode from 'dockerode';
import type { ComposeClient } from '../../engine/compose/client.ts';
import type { RegistryAccounts } from '../registry-accounts.ts';
import { createContainer, createNetwork, createVolume } from './engine-request.ts';
import { pullImage } from './image-transfers.ts';

/** The engine as compose sees it. */
export function composeClientOf(docker: Dockerode, accounts: RegistryAccounts): ComposeClient {
  return {
    version: () => docker.version(),
    listContainers: (options) => docker.listContainers(options),
    listNetworks: () => docker.listNetworks(),
    listVolumes: () => docker.listVolumes(),
    createContainer: ({ name, ...request }) => createContainer(docker, name, request),
    createNetwork: (request) => createNetwork(docker, request),
    createVolume: (request) => createVolume(docker, request),
    getContainer: (id) => docker.getContainer(id),
    getNetwork: (id) => docker.getNetwork(encodeURIComponent(id)),
    getVolume: (name) => docker.getVolume(encodeURIComponent(name)),
    getImage: (name) => docker.getImage(name),
    async pullImage(name, signal) {
      for await (const step of pullImage(docker, accounts, { name, platform: undefined }, signal)) void step;
    },
  };
}
