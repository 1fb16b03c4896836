import { conflict, messageOf, type EngineError } from '../lib/errors.ts';
import type { ContainerCreateRequest } from '../wire/container.ts';
import type { ComposeClient, ContainerRow } from './client.ts';
import type { ComposeModel } from './model.ts';
import { planUp, type ActualState, type ServiceStep } from './plan.ts';
import {
  containerLabels,
  LABEL,
  toContainerRequest,
  toEndpoints,
  toNetworkRequest,
  toVolumeRequest,
  type ProjectPlace,
} from './requests.ts';

const HEALTH_POLL_MS = 500;
/** API 1.44 takes more than one endpoint at creation. */
const MANY_ENDPOINTS_MINOR = 44;

/** One line of what `up` and `down` do, in docker compose's words. */
export interface Progress {
  kind: 'network' | 'volume' | 'container' | 'image' | 'project';
  name: string;
  status: string;
  message?: string;
}

interface UpOptions extends ProjectPlace {
  client: ComposeClient;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the engine match the file: images, networks, volumes, then containers in the order of their dependencies. A failure
 * is yielded with status `Error` and thrown; what was done before stays, and the next `up` goes on from there.
 */
export async function* up(model: ComposeModel, options: UpOptions): AsyncGenerator<Progress, void> {
  const { client, signal } = options;
  const actual = await readActual(client, model);
  const plan = planUp(model, actual);
  for (const { kind, name, message } of plan.obstacles) yield { kind, name, status: 'Error', message };
  if (plan.obstacles.length > 0) throw conflict(plan.obstacles.map(({ message }) => message).join('; '));
  for (const image of plan.pulls) {
    const pull = () => pullMissing(image, actual, options);
    yield* step('image', image, 'Pulling', 'Pulled', pull);
  }
  for (const row of plan.orphans) {
    const message = `the file has no service ${row.Labels[LABEL.service]} any more: down removes its container`;
    yield { kind: 'container', name: nameOf(row), status: 'Orphan', message };
  }
  for (const key of plan.networks) {
    const network = model.networks.get(key)!;
    const create = () => client.createNetwork(toNetworkRequest(model.project, key, network));
    yield* step('network', network.name, 'Creating', 'Created', create);
  }
  for (const key of plan.volumes) {
    const volume = model.volumes.get(key)!;
    const create = () => client.createVolume(toVolumeRequest(model.project, key, volume));
    yield* step('volume', volume.name, 'Creating', 'Created', create);
  }
  for (const row of plan.surplus) {
    const remove = () => client.getContainer(row.Id).remove({ force: true });
    yield* step('container', nameOf(row), 'Removing', 'Removed', remove);
  }
  const started = new Map<string, string>();
  for (const service of plan.services) {
    signal?.throwIfAborted();
    yield* waitForDependencies(model, service, started, options);
    started.set(service.service, yield* bringUp(model, service, actual, options));
  }
}

async function pullMissing(image: string, actual: ActualState, { client, signal }: UpOptions): Promise<void> {
  await client.pullImage(image, signal);
  const id = await imageId(client, image);
  if (id === undefined) throw conflict(`the image ${image} is gone again after it was pulled`);
  actual.images.set(image, id);
}

/** `Creating` → work → `Created`, or `Error` and the failure. */
async function* step<T>(
  kind: Progress['kind'],
  name: string,
  before: string,
  after: string,
  work: () => Promise<T>,
): AsyncGenerator<Progress, T> {
  yield { kind, name, status: before };
  try {
    const result = await work();
    yield { kind, name, status: after };
    return result;
  } catch (error) {
    yield { kind, name, status: 'Error', message: messageOf(error) };
    throw error;
  }
}

/** Returns the container's id. */
async function* bringUp(
  model: ComposeModel,
  plan: ServiceStep,
  actual: ActualState,
  options: UpOptions,
): AsyncGenerator<Progress, string> {
  const { client } = options;
  const { name, existing } = plan;
  if (existing && plan.action === 'keep') {
    yield { kind: 'container', name, status: 'Running' };
    return existing.Id;
  }
  let id = existing?.Id ?? '';
  if (plan.action === 'create') {
    id = yield* step('container', name, 'Creating', 'Created', () =>
      create(model, plan, name, actual, options),
    );
  } else if (existing && plan.action === 'recreate') {
    const replace = () => recreate(model, plan, existing, actual, options);
    if (plan.reason) yield { kind: 'container', name, status: 'Recreate', message: plan.reason };
    id = yield* step('container', name, 'Recreating', 'Recreated', replace);
  }
  yield* step('container', name, 'Starting', 'Started', () => client.getContainer(id).start());
  return id;
}

async function create(
  model: ComposeModel,
  { service, existing }: ServiceStep,
  name: string,
  actual: ActualState,
  options: UpOptions,
): Promise<string> {
  const { client } = options;
  const request = toContainerRequest(model, service, actual.manyEndpoints);
  const imageId = actual.images.get(request.Image ?? '') ?? '';
  const { id } = await client.createContainer({
    ...withAnonymousVolumes(request, existing),
    Labels: containerLabels(model, service, options, imageId),
    name,
  });
  if (actual.manyEndpoints) return id;
  try {
    for (const [network, endpoint] of Object.entries(toEndpoints(model, service)).slice(1)) {
      await client.getNetwork(network).connect({ Container: id, EndpointConfig: endpoint });
    }
  } catch (error) {
    // It has the right hash: the next `up` would take it as complete.
    await client.getContainer(id).remove({ force: true });
    throw error;
  }
  return id;
}

/** The new one is made whole before the old one is touched: a create that fails leaves the old one running. */
async function recreate(
  model: ComposeModel,
  plan: ServiceStep,
  existing: ContainerRow,
  actual: ActualState,
  options: UpOptions,
): Promise<string> {
  const { client } = options;
  const temporaryName = `${existing.Id.slice(0, 12)}_${plan.name}`;
  const id = await create(model, plan, temporaryName, actual, options);
  const old = client.getContainer(existing.Id);
  if (existing.State === 'running') await old.stop();
  await old.remove({ force: true });
  await client.getContainer(id).rename({ name: plan.name });
  return id;
}

/** Data in anonymous volumes follows its service into the new container, as with docker compose. */
function withAnonymousVolumes(
  request: ContainerCreateRequest,
  existing: ContainerRow | undefined,
): ContainerCreateRequest {
  const mounts = request.HostConfig?.Mounts ?? [];
  const inherited = (existing?.Mounts ?? []).filter(
    ({ Type, Name, Destination }) =>
      Type === 'volume' &&
      /^[0-9a-f]{64}$/.test(Name ?? '') &&
      !mounts.some((mount) => mount.Target === Destination && mount.Source !== undefined),
  );
  if (inherited.length === 0) return request;
  const replaced = new Set(inherited.map(({ Destination }) => Destination));
  const sources = inherited.map(({ Name, Destination }) => ({
    Type: 'volume',
    Source: Name,
    Target: Destination,
  }));
  const others = mounts.filter(({ Target }) => !replaced.has(Target ?? ''));
  return { ...request, HostConfig: { ...request.HostConfig, Mounts: [...others, ...sources] } };
}

async function* waitForDependencies(
  model: ComposeModel,
  { service }: ServiceStep,
  started: Map<string, string>,
  options: UpOptions,
): AsyncGenerator<Progress, void> {
  for (const [dependency, condition] of model.services.get(service)!.dependsOn) {
    const id = started.get(dependency)!;
    const name = `${model.project}/${dependency}`;
    if (condition === 'service_healthy') {
      yield* step('container', name, 'Waiting', 'Healthy', () => untilHealthy(dependency, id, options));
    } else if (condition === 'service_completed_successfully') {
      yield* step('container', name, 'Waiting', 'Exited', () => untilCompleted(dependency, id, options));
    }
  }
}

async function untilHealthy(service: string, id: string, { client, signal }: UpOptions): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const { State: state } = await client.getContainer(id).inspect();
    if (!state.Running) throw dependencyFailed(service, `exited with code ${state.ExitCode}`);
    if (!state.Health || state.Health.Status === 'none')
      throw dependencyFailed(service, 'has no health check');
    if (state.Health.Status === 'unhealthy') throw dependencyFailed(service, 'is unhealthy');
    if (state.Health.Status === 'healthy') return;
    await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
  }
}

async function untilCompleted(service: string, id: string, { client }: UpOptions): Promise<void> {
  const { StatusCode: code } = await client.getContainer(id).wait();
  if (code !== 0) throw dependencyFailed(service, `exited with code ${code}`);
}

function dependencyFailed(service: string, how: string): EngineError {
  return conflict(`the service ${service}, which others depend on, ${how}`);
}

async function readActual(client: ComposeClient, model: ComposeModel): Promise<ActualState> {
  const [{ ApiVersion: version }, containers, networks, { Volumes: volumes }] = await Promise.all([
    client.version(),
    client.listContainers({ all: true, filters: { label: [`${LABEL.project}=${model.project}`] } }),
    client.listNetworks(),
    client.listVolumes(),
  ]);
  const images = new Map<string, string>();
  for (const image of new Set([...model.services.values()].map((service) => service.image))) {
    const id = await imageId(client, image);
    if (id !== undefined) images.set(image, id);
  }
  return {
    containers: containers.filter((row) => row.Labels[LABEL.oneoff] !== 'True'),
    networks: new Set(networks.map(({ Name }) => Name)),
    volumes: new Set((volumes ?? []).map(({ Name }) => Name)),
    images,
    manyEndpoints: Number(version.split('.')[1]) >= MANY_ENDPOINTS_MINOR,
  };
}

async function imageId(client: ComposeClient, image: string): Promise<string | undefined> {
  try {
    return (await client.getImage(image).inspect()).Id;
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return undefined;
    throw error;
  }
}

export function nameOf(row: ContainerRow): string {
  return (row.Names[0] ?? row.Id).replace(/^\//, '');
}
