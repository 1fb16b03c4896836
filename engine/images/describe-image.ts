import type { ImageHistoryItem, ImageInspect, ImageSummary } from '../wire/image.ts';
import type { CatalogImage, ImageCatalog } from './image-catalog.ts';
import type { ImageUsers, OciImageConfig } from './image-store.ts';
import { overlayLowers, type LayerStore } from './layer-store.ts';

interface Parts {
  catalog: ImageCatalog;
  layers: LayerStore;
  users: ImageUsers;
}

type HistoryEntry = NonNullable<OciImageConfig['history']>[number];

const NEVER = '0001-01-01T00:00:00Z';

/** Unix seconds of an image's own creation time; 0 where it does not say. */
export function createdSeconds({ config }: CatalogImage): number {
  const time = Date.parse(config.created ?? '');
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000);
}

/** How many images have a layer: what `SharedSize` is computed of, once for all images of an answer. */
export type LayerUse = ReadonlyMap<string, number>;

export function countLayerUse(catalog: ImageCatalog): LayerUse {
  const use = new Map<string, number>();
  for (const { layers } of catalog.all())
    for (const diffId of new Set(layers)) use.set(diffId, (use.get(diffId) ?? 0) + 1);
  return use;
}

/** An item of `GET /images/json`; without `use` the shared size is not told. */
export function toSummary(parts: Parts, image: CatalogImage, use?: LayerUse): ImageSummary {
  const { tags, digests, sizeBytes } = parts.catalog.describe(image);
  return {
    Id: image.id,
    ParentId: image.parent,
    RepoTags: tags,
    RepoDigests: digests,
    Created: createdSeconds(image),
    Size: sizeBytes,
    SharedSize: use ? sharedSize(parts, image, use) : -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: parts.users.usersOf(image.id).length,
  };
}

/** Bytes in layers that another image has, too. */
function sharedSize({ layers }: Parts, image: CatalogImage, use: LayerUse): number {
  const shared = image.layers.filter((diffId) => (use.get(diffId) ?? 0) > 1);
  return shared.reduce((sum, diffId) => sum + (layers.get(diffId)?.sizeBytes ?? 0), 0);
}

/** `GET /images/{name}/json`. */
export function toInspect({ catalog, layers }: Parts, image: CatalogImage): ImageInspect {
  const { config } = image;
  const { tags, digests, sizeBytes } = catalog.describe(image);
  const [upper, ...lowers] = overlayLowers(layers, image.layers);
  return {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: image.parent,
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? '',
    ...(config.created === undefined ? {} : { Created: config.created }),
    ...(config.container ? { Container: config.container } : {}),
    ...(config.container_config ? { ContainerConfig: config.container_config } : {}),
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: toConfig(image),
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    Size: sizeBytes,
    GraphDriver: {
      Name: 'overlay2',
      Data: {
        ...(lowers.length > 0 ? { LowerDir: lowers.join(':') } : {}),
        ...(upper === undefined ? {} : { UpperDir: upper }),
      },
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: image.lastTagTime || NEVER },
  };
}

function toConfig({ config: { config = {} } }: CatalogImage): ImageInspect['Config'] {
  return {
    User: config.User ?? '',
    ...(config.ExposedPorts ? { ExposedPorts: config.ExposedPorts } : {}),
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.Shell ? { Shell: config.Shell } : {}),
  };
}

/** `GET /images/{name}/history`, newest first: every history entry, its layer's size unless it made none. */
export function toHistory({ catalog, layers }: Parts, image: CatalogImage): ImageHistoryItem[] {
  const sizes = image.layers.map((diffId) => layers.get(diffId)?.sizeBytes ?? 0);
  // Some builders write no history: one line per layer then.
  const history = image.config.history ?? sizes.map((): HistoryEntry => ({}));
  const items = history.map((entry) => ({
    Id: '<missing>',
    Created: Math.floor(Date.parse(entry.created ?? image.config.created ?? NEVER) / 1000) || 0,
    CreatedBy: entry.created_by ?? '',
    Tags: null as string[] | null,
    Size: entry.empty_layer ? 0 : (sizes.shift() ?? 0),
    Comment: entry.comment ?? '',
  }));
  items.reverse();
  // What it was made of here has an ID for as long as it is kept.
  let step: CatalogImage | undefined = image;
  for (const item of items) {
    if (!step) break;
    const { tags } = catalog.describe(step);
    Object.assign(item, { Id: step.id, Tags: tags.length > 0 ? tags : null });
    step = catalog.byId(step.parent);
  }
  return items;
}
