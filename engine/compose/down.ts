import { messageOf } from '../lib/errors.ts';
import type { ComposeClient, ContainerRow } from './client.ts';
import { LABEL } from './requests.ts';
import { nameOf, type Progress } from './up.ts';

interface DownOptions {
  client: ComposeClient;
  /** Also the named volumes that the project made. */
  volumes: boolean;
}

/**
 * Removes a project by its labels, whoever started it: containers (dependents first), networks, on demand volumes.
 * What fails is yielded with status `Error`; the rest is done nevertheless, then the first failure is thrown.
 */
export async function* down(project: string, options: DownOptions): AsyncGenerator<Progress, void> {
  const { client } = options;
  const failures: unknown[] = [];
  const labelled = { label: [`${LABEL.project}=${project}`] };
  const containers = await client.listContainers({ all: true, filters: labelled });
  for (const level of stopOrder(containers)) {
    yield* together(
      level.map((row) => removeContainer(row, options)),
      failures,
    );
  }
  const networks = (await client.listNetworks()).filter((network) => isOwned(network.Labels, project));
  for (const { Id, Name } of networks) {
    yield* together([removal('network', Name, () => client.getNetwork(Id).remove())], failures);
  }
  if (options.volumes) {
    const { Volumes: volumes } = await client.listVolumes();
    for (const { Name } of (volumes ?? []).filter((volume) => isOwned(volume.Labels, project))) {
      yield* together([removal('volume', Name, () => client.getVolume(Name).remove())], failures);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function isOwned(labels: Record<string, string> | null | undefined, project: string): boolean {
  return labels?.[LABEL.project] === project;
}

async function* removeContainer(row: ContainerRow, options: DownOptions): AsyncGenerator<Progress, void> {
  const container = options.client.getContainer(row.Id);
  const name = nameOf(row);
  if (['running', 'paused', 'restarting'].includes(row.State)) {
    yield { kind: 'container', name, status: 'Stopping' };
    await container.stop();
    yield { kind: 'container', name, status: 'Stopped' };
  }
  yield* removal('container', name, () => container.remove({ force: true, v: options.volumes }));
}

async function* removal(
  kind: Progress['kind'],
  name: string,
  remove: () => Promise<unknown>,
): AsyncGenerator<Progress, void> {
  yield { kind, name, status: 'Removing' };
  try {
    await remove();
  } catch (error) {
    yield { kind, name, status: 'Error', message: messageOf(error) };
    throw error;
  }
  yield { kind, name, status: 'Removed' };
}

/** Runs several generators at once and yields what each says when it says it; failures are collected. */
async function* together<T>(
  sources: AsyncGenerator<T, void>[],
  failures: unknown[],
): AsyncGenerator<T, void> {
  type Turn = { source: AsyncGenerator<T, void>; result?: IteratorResult<T, void>; error?: unknown };
  const advance = async (source: AsyncGenerator<T, void>): Promise<Turn> => {
    try {
      return { source, result: await source.next() };
    } catch (error) {
      return { source, error };
    }
  };
  const running = new Map(sources.map((source) => [source, advance(source)]));
  while (running.size > 0) {
    const { source, result, error } = await Promise.race(running.values());
    if (result && !result.done) {
      running.set(source, advance(source));
      yield result.value;
    } else {
      running.delete(source);
      if (!result) failures.push(error);
    }
  }
}

/** Groups in which nobody depends on another: the first holds what nothing depends on. Cycles end up in one group. */
export function stopOrder(containers: ContainerRow[]): ContainerRow[][] {
  const levels: ContainerRow[][] = [];
  let rest = containers;
  while (rest.length > 0) {
    const needed = new Set(rest.flatMap(dependenciesOf));
    const free = rest.filter((row) => !needed.has(row.Labels[LABEL.service] ?? ''));
    const level = free.length > 0 ? free : rest;
    levels.push(level);
    rest = rest.filter((row) => !level.includes(row));
  }
  return levels;
}

/** The label reads `db:service_started:false,cache:service_healthy:false`. */
function dependenciesOf(row: ContainerRow): string[] {
  return (row.Labels[LABEL.dependsOn] ?? '').split(',').map((entry) => entry.split(':')[0]!);
}
