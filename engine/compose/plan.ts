import { startOrder } from './check.ts';
import type { ContainerRow } from './client.ts';
import type { ComposeModel } from './model.ts';
import { configHash, containerName, LABEL } from './requests.ts';

/** What the engine has now, as far as the project is concerned. */
export interface ActualState {
  /** The project's containers, one-off runs left out. */
  containers: ContainerRow[];
  /** Names of all networks and volumes of the engine. */
  networks: Set<string>;
  volumes: Set<string>;
  /** Image reference → id, for the images that are there. */
  images: Map<string, string>;
  /** Whether a container can be created with more than one endpoint. */
  manyEndpoints: boolean;
}

export interface ServiceStep {
  service: string;
  name: string;
  action: 'create' | 'recreate' | 'start' | 'keep';
  /** Why it is made anew. */
  reason: 'configuration changed' | 'image changed' | undefined;
  existing: ContainerRow | undefined;
}

interface UpPlan {
  /** References of images that are not there. */
  pulls: string[];
  /** Keys of the file's networks and volumes that are to be made. */
  networks: string[];
  volumes: string[];
  /** In the order of their dependencies. */
  services: ServiceStep[];
  /** Containers beyond the one of each service (`docker compose up --scale` made them): to be removed. */
  surplus: ContainerRow[];
  /** Containers of services that the file no longer has: told, not touched. */
  orphans: ContainerRow[];
  /** What makes `up` impossible; nothing is changed then. */
  obstacles: { kind: 'network' | 'volume'; name: string; message: string }[];
}

/** Pure: what `up` would do. */
export function planUp(model: ComposeModel, actual: ActualState): UpPlan {
  const containersOf = (service: string) =>
    actual.containers.filter((row) => row.Labels[LABEL.service] === service);
  const services = startOrder(model).map((service) =>
    planService(model, actual, service, containersOf(service)),
  );
  const kept = new Set(services.map(({ existing }) => existing?.Id));
  const images = new Set([...model.services.values()].map(({ image }) => image));
  return {
    pulls: [...images].filter((image) => !actual.images.has(image)),
    networks: missing(model.networks, actual.networks),
    volumes: missing(model.volumes, actual.volumes),
    services,
    surplus: [...model.services.keys()].flatMap(containersOf).filter(({ Id }) => !kept.has(Id)),
    orphans: actual.containers.filter(({ Labels }) => !model.services.has(Labels[LABEL.service] ?? '')),
    obstacles: findObstacles(model, actual),
  };
}

function missing(wanted: Map<string, { name: string; external: boolean }>, present: Set<string>): string[] {
  return [...wanted].filter(([, { name, external }]) => !external && !present.has(name)).map(([key]) => key);
}

function planService(
  model: ComposeModel,
  actual: ActualState,
  service: string,
  containers: ContainerRow[],
): ServiceStep {
  const existing = containers.toSorted((a, b) => numberOf(a) - numberOf(b))[0];
  const step = { service, name: containerName(model, service), existing };
  if (!existing) return { ...step, action: 'create', reason: undefined };
  const imageId = actual.images.get(model.services.get(service)!.image);
  if (existing.Labels[LABEL.configHash] !== configHash(model, service)) {
    return { ...step, action: 'recreate', reason: 'configuration changed' };
  }
  if (existing.Labels[LABEL.image] !== imageId)
    return { ...step, action: 'recreate', reason: 'image changed' };
  return { ...step, action: existing.State === 'running' ? 'keep' : 'start', reason: undefined };
}

function numberOf(row: ContainerRow): number {
  return Number(row.Labels[LABEL.number] ?? 1);
}

function findObstacles(model: ComposeModel, actual: ActualState): UpPlan['obstacles'] {
  const external = (kind: 'network' | 'volume', wanted: typeof model.networks | typeof model.volumes) =>
    [...wanted.values()]
      .filter(({ external, name }) => external && !actual[`${kind}s`].has(name))
      .map(({ name }) => ({ kind, name, message: `the external ${kind} ${name} does not exist` }));
  return [...external('network', model.networks), ...external('volume', model.volumes)];
}
