import { conflict, EngineError, invalidArgument } from '../lib/errors.ts';
import type { Attachment, ChangeLinks } from '../networks/networks.ts';
import type { EndpointSettings } from '../wire/container.ts';
import type { Container } from './container.ts';
import { save, type ContainersContext } from './context.ts';
import { attachRequestOf } from './launch.ts';
import { networkModeOf } from './modes.ts';
import type { ContainerRecord } from './record.ts';

/** The networks of a container that runs change at once, those of another at its next start. */
export async function connectNetwork(
  context: ContainersContext,
  container: Container,
  network: string,
  settings: EndpointSettings,
): Promise<void> {
  const { id, name, driver } = context.networks.resolve(network);
  refuseModes(networkModeOf(container.record.hostConfig).kind, driver);
  context.networks.checkSettings(id, settings);
  await change(container, async (record) => {
    const endpoints = { ...record.endpoints };
    for (const key of keysOf(endpoints, id, name)) delete endpoints[key];
    endpoints[name] = settings;
    if (!container.shim) return replace(container, { endpoints });
    const request = { ...attachRequestOf(container), endpoints };
    await savingPorts(container, () =>
      context.networks.connect(request, id, changeLinks(container, endpoints)),
    );
  });
}

export async function disconnectNetwork(
  context: ContainersContext,
  container: Container,
  network: string,
): Promise<void> {
  const { id, name, driver } = resolveForLeaving(context, container, network);
  if (networkModeOf(container.record.hostConfig).kind === 'host' && driver === 'host') {
    throw invalidArgument(
      'cannot disconnect container from host network - container was created in host network mode',
    );
  }
  await change(container, async (record) => {
    const endpoints = { ...record.endpoints };
    const keys = keysOf(endpoints, id, name);
    if (keys.length === 0) throw notConnected(container, name);
    for (const key of keys) delete endpoints[key];
    if (!container.shim) return replace(container, { endpoints });
    await savingPorts(container, () =>
      context.networks.disconnect(record.id, id, changeLinks(container, endpoints)),
    );
  });
}

/** A container that does not run may be on a network that is gone. */
function resolveForLeaving(
  context: ContainersContext,
  { shim, record }: Container,
  network: string,
): { id: string; name: string; driver: string } {
  try {
    return context.networks.resolve(network);
  } catch (error) {
    if (shim || !(network in record.endpoints)) throw error;
    return { id: '', name: network, driver: '' };
  }
}

function notConnected({ record, shim }: Container, name: string): EngineError {
  const text = shim ? `to network ${name}` : `to the network ${name}`;
  return new EngineError('internal', `container ${record.id} is not connected ${text}`);
}

function refuseModes(kind: string, driver: string): void {
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
}

async function change(container: Container, act: (record: ContainerRecord) => Promise<void>): Promise<void> {
  await container.mutex.run(async () => {
    if (container.removing) throw conflict(`container ${container.record.id} is marked for removal`);
    await act(container.record);
  });
}

/**
 * The record comes first: an engine that is killed in between finds there every address that a link may have, and
 * plugs in again what the kernel does not have.
 */
function changeLinks(container: Container, endpoints: Record<string, EndpointSettings>): ChangeLinks {
  return async (attachment: Attachment, networkChange) => {
    const { shim, record } = container;
    const before = { endpoints: record.endpoints, attachment: record.attachment };
    await replace(container, { endpoints, attachment });
    try {
      await shim?.changeNetwork(networkChange);
    } catch (error) {
      await replace(container, before);
      throw error;
    }
  };
}

/** Published ports come and go with the network that has the default route. */
async function savingPorts(container: Container, act: () => Promise<void>): Promise<void> {
  const { record } = container;
  const before = record.attachment?.ports;
  await act();
  if (record.attachment?.ports !== before) await save(container);
}

/** On disk, or nothing changed. */
async function replace(
  container: Container,
  fields: Partial<Pick<ContainerRecord, 'endpoints' | 'attachment'>>,
): Promise<void> {
  const { record } = container;
  const { endpoints, attachment } = record;
  Object.assign(record, fields);
  try {
    await save(container);
  } catch (error) {
    Object.assign(record, { endpoints, attachment });
    throw error;
  }
}

/** A create may have named the network by ID or by a prefix of it. */
function keysOf(endpoints: Record<string, EndpointSettings>, id: string, name: string): string[] {
  return Object.keys(endpoints).filter((key) => key === name || (key !== '' && id.startsWith(key)));
}
