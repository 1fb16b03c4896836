import type Dockerode from 'dockerode';
import type { ImageLayers as EngineLayers } from '../../../engine/wire/image.ts';
import type { ImageDetails, ImageLayers, ImageSummary } from '../types.ts';
import { timeOf } from './time.ts';

/** One row of `GET /images/{name}/history`. */
export interface HistoryRow {
  Created: number;
  CreatedBy: string;
  Size: number;
  Comment: string;
}

/** A row of `GET /images/json`; an untagged image has no tags (Docker may say `<none>:<none>`). */
export function toImageSummary(info: Dockerode.ImageInfo): ImageSummary {
  return {
    id: info.Id,
    tags: realTags(info.RepoTags),
    createdAt: info.Created * 1000,
    sizeBytes: info.Size,
    containers: info.Containers ?? -1,
    labels: info.Labels ?? {},
  };
}

export function toImageDetails(
  info: Dockerode.ImageInspectInfo,
  history: HistoryRow[],
  containers: number,
): ImageDetails {
  const config: Partial<Dockerode.ImageInspectInfo['Config']> = info.Config ?? {};
  return {
    id: info.Id,
    tags: realTags(info.RepoTags),
    createdAt: timeOf(info.Created) ?? 0,
    sizeBytes: info.Size,
    containers,
    labels: config.Labels ?? {},
    architecture: info.Architecture,
    os: info.Os,
    command: config.Cmd ?? [],
    entrypoint: typeof config.Entrypoint === 'string' ? [config.Entrypoint] : (config.Entrypoint ?? []),
    environment: config.Env ?? [],
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    volumes: Object.keys(config.Volumes ?? {}),
    workingDirectory: config.WorkingDir ?? '',
    user: config.User ?? '',
    history: history.map((row) => ({
      createdAt: row.Created * 1000,
      createdBy: row.CreatedBy,
      sizeBytes: row.Size,
      comment: row.Comment,
    })),
    raw: info,
  };
}

export function toImageLayers({ Layers, WastedBytes }: EngineLayers): ImageLayers {
  return {
    wastedBytes: WastedBytes,
    layers: Layers.map((layer) => ({
      diffId: layer.DiffId,
      createdBy: layer.CreatedBy,
      sizeBytes: layer.Size,
      added: layer.Added,
      changed: layer.Changed,
      deleted: layer.Deleted,
      wastedBytes: layer.WastedBytes,
      unlisted: layer.Unlisted,
      entries: layer.Entries.map(({ Path, Kind, Change, Size }) => ({
        path: Path,
        kind: Kind,
        change: Change,
        sizeBytes: Size,
      })),
    })),
  };
}

function realTags(tags: string[] | null | undefined): string[] {
  return (tags ?? []).filter((tag) => tag !== '<none>:<none>');
}
