import path from 'node:path';
import type { NetworkAttacher } from '../networks/networks.ts';
import { argvOf } from './config-merge.ts';
import type { Container } from './container.ts';
import type { ContainersContext } from './context.ts';
import { linkNames } from './links.ts';
import { compileFilters, type FilterValues } from './list-filters.ts';
import { mountViews } from './mount-view.ts';
import { networksOf, portSummaries } from './network-view.ts';
import { isActive } from './record.ts';
import { statusText } from './status-text.ts';
import { writableSizeBytes } from './writable-size.ts';

export interface ListOptions {
  /** Also those that do not run. */
  all: boolean;
  /** The newest N, running or not. */
  limit: number | undefined;
  /** With SizeRw and SizeRootFs. */
  size: boolean;
  filters: FilterValues;
}

/** `GET /containers/json`, newest first. */
export async function listContainers(context: ContainersContext, options: ListOptions): Promise<object[]> {
  const { filters, limit = 0 } = options;
  const matches = compileFilters(filters, {
    store: context.store,
    images: context.images,
    resolveNetwork: (name) => context.networks.resolve(name),
  });
  const everything = options.all || limit > 0 || filters.has('status');
  const selected = context.store
    .list()
    .filter((container) => everything || isActive(container.record.state.status))
    .filter(matches)
    .sort((one, other) => (one.record.createdAt < other.record.createdAt ? 1 : -1));
  const listed = limit > 0 ? selected.slice(0, limit) : selected;
  const names = lookupsOf(context);
  if (!options.size) return listed.map((container) => toSummary(container, names));
  return Promise.all(
    listed.map(async (container) => toSummary(container, names, await sizesOf(context, container))),
  );
}

/** What the names in records mean, each asked for once: containers of one list share few images and networks. */
interface Lookups {
  /** Container ID → its names as a linked one. */
  links: ReadonlyMap<string, string[]>;
  imageId: (name: string) => string | undefined;
  network: (name: string) => ReturnType<NetworkAttacher['resolve']> | undefined;
}

function lookupsOf(context: ContainersContext): Lookups {
  return {
    links: linkNames(context),
    imageId: remembered((name) => context.images.get(name).id),
    network: remembered((name) => context.networks.resolve(name)),
  };
}

/** The lookup's result for each name, undefined where it throws. */
function remembered<T>(lookup: (name: string) => T): (name: string) => T | undefined {
  const known = new Map<string, T | undefined>();
  return (name) => {
    if (known.has(name)) return known.get(name);
    let found: T | undefined;
    try {
      found = lookup(name);
    } catch {
      // It is gone.
    }
    known.set(name, found);
    return found;
  };
}

function toSummary({ record }: Container, { links, imageId, network }: Lookups, sizes?: Sizes): object {
  const { health } = record.state;
  const image = record.config.Image ?? record.imageId;
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...(links.get(record.id) ?? [])],
    // The name asked for while it still means the same image, its ID afterwards.
    Image: imageId(image) === record.imageId ? image : record.imageId,
    ImageID: record.imageId,
    Command: commandText(argvOf(record.config)),
    Created: Math.floor(Date.parse(record.createdAt) / 1000),
    Ports: portSummaries(record),
    SizeRw: sizes?.SizeRw,
    SizeRootFs: sizes?.SizeRootFs,
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusText(record.state, Date.now()),
    Health: { Status: health?.Status ?? 'none', FailingStreak: health?.FailingStreak ?? 0 },
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode,
      Annotations: record.hostConfig.Annotations ?? {},
    },
    NetworkSettings: { Networks: networksOf(record, network) },
    Mounts: mountViews(record.mounts),
  };
}

interface Sizes {
  SizeRw: number;
  SizeRootFs: number;
}

export async function sizesOf(context: ContainersContext, container: Container): Promise<Sizes> {
  const SizeRw = await writableSizeBytes(path.join(container.directory, 'upper'));
  return { SizeRw, SizeRootFs: SizeRw + imageSizeBytes(context, container.record.imageId) };
}

function imageSizeBytes({ images }: ContainersContext, imageId: string): number {
  try {
    return images.get(imageId).sizeBytes;
  } catch {
    return 0;
  }
}

function commandText(argv: string[]): string {
  const [command = '', ...rest] = argv;
  return [command, ...rest.map((argument) => (argument.includes(' ') ? `'${argument}'` : argument))].join(
    ' ',
  );
}
