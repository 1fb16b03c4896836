import { conflict, EngineError, invalidArgument, notImplemented } from '../lib/errors.ts';
import type { EndpointSettings } from '../wire/container.ts';
import type { Container } from './container.ts';
import { save, type ContainersContext } from './context.ts';
import { networkModeOf } from './modes.ts';
import { isActive } from './record.ts';

/**
 * Takes effect at the next start, where the settings are checked as those of a create are. Compose v1 does this
 * between create and start to give a service its aliases.
 */
export async function connectNetwork(
  context: ContainersContext,
  container: Container,
  network: string,
  settings: EndpointSettings,
): Promise<void> {
  const { id, name, driver } = context.networks.resolve(network);
  const { kind } = networkModeOf(container.record.hostConfig);
  if (kind === 'host' || driver === 'host') {
    throw invalidArgument('container cannot be disconnected from host network or connected to host network');
  }
  if (kind === 'container') {
    throw invalidArgument(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (kind === 'none' || driver === 'null') {
    throw invalidArgument(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
  await change(container, `connecting a running container to a network`, (endpoints) => {
    for (const key of keysOf(endpoints, id, name)) delete endpoints[key];
    endpoints[name] = settings;
  });
}

export async function disconnectNetwork(
  context: ContainersContext,
  container: Container,
  network: string,
): Promise<void> {
  const { id, name } = context.networks.resolve(network);
  await change(container, 'disconnecting a running container from a network', (endpoints) => {
    const keys = keysOf(endpoints, id, name);
    if (keys.length === 0) {
      throw new EngineError(
        'internal',
        `container ${container.record.id} is not connected to the network ${name}`,
      );
    }
    for (const key of keys) delete endpoints[key];
  });
}

async function change(
  container: Container,
  whenActive: string,
  edit: (endpoints: Record<string, EndpointSettings>) => void,
): Promise<void> {
  await container.mutex.run(async () => {
    const { record } = container;
    if (container.removing) throw conflict(`container ${record.id} is marked for removal`);
    if (isActive(record.state.status)) throw notImplemented(whenActive);
    const before = record.endpoints;
    record.endpoints = { ...before };
    try {
      edit(record.endpoints);
      await save(container);
    } catch (error) {
      record.endpoints = before;
      throw error;
    }
  });
}

/** A create may have named the network by ID or by a prefix of it. */
function keysOf(endpoints: Record<string, EndpointSettings>, id: string, name: string): string[] {
  return Object.keys(endpoints).filter((key) => key === name || (key !== '' && id.startsWith(key)));
}
