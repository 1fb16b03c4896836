import path from 'node:path';
import { argvOf } from './config-merge.ts';
import type { Container } from './container.ts';
import type { ContainersContext } from './context.ts';
import { linkNames } from './links.ts';
import { compileFilters, type FilterValues } from './list-filters.ts';
import { mountViews } from './mount-view.ts';
import { networksOf, portSummaries } from './network-view.ts';
import { isActive } from './record.ts';
import { statusText } from './status-text.ts';
import { toEpochMs } from './timestamps.ts';
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
  const links = linkNames(context);
  return Promise.all(listed.map((container) => toSummary(context, container, links, options.size)));
}

async function toSummary(
  context: ContainersContext,
  container: Container,
  links: ReadonlyMap<string, string[]>,
  withSize: boolean,
): Promise<object> {
  const { record } = container;
  const { health } = record.state;
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...(links.get(record.id) ?? [])],
    Image: imageNameOf(context, container),
    ImageID: record.imageId,
    Command: commandText(argvOf(record.config)),
    Created: Math.floor(toEpochMs(record.createdAt) / 1000),
    Ports: portSummaries(record),
    ...(withSize ? await sizesOf(context, container) : {}),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusText(record.state, Date.now()),
    Health: { Status: health?.Status ?? 'none', FailingStreak: health?.FailingStreak ?? 0 },
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode,
      Annotations: record.hostConfig.Annotations ?? {},
    },
    NetworkSettings: { Networks: networksOf(record, (name) => context.networks.resolve(name)) },
    Mounts: mountViews(record.mounts),
  };
}

export async function sizesOf(
  context: ContainersContext,
  container: Container,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const SizeRw = await writableSizeBytes(path.join(container.directory, 'upper'));
  return { SizeRw, SizeRootFs: SizeRw + imageSizeBytes(context, container.record.imageId) };
}

/** The name asked for while it still means the same image, its ID afterwards. */
function imageNameOf({ images }: ContainersContext, { record }: Container): string {
  const name = record.config.Image ?? record.imageId;
  try {
    return images.get(name).id === record.imageId ? name : record.imageId;
  } catch {
    return record.imageId;
  }
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
