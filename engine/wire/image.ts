import type { ContainerConfig, HealthConfig } from './container.ts';

/** Image shapes of the Docker Engine API as they travel on the wire (field names are Docker's). */

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Unix seconds. */
  Created: number;
  Size: number;
  /** -1: not computed. */
  SharedSize: number;
  /** Before API 1.44. */
  VirtualSize?: number;
  Labels: Record<string, string> | null;
  /** -1: not computed. */
  Containers: number;
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  /** Before API 1.45: the container that was committed, and its configuration. */
  Container?: string;
  ContainerConfig?: ContainerConfig | undefined;
  Created?: string;
  DockerVersion: string;
  Author: string;
  Config: ImageConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  /** Before API 1.44. */
  VirtualSize?: number;
  GraphDriver: { Name: string; Data: Record<string, string> };
  RootFS: { Type: 'layers'; Layers: string[] };
  Metadata: { LastTagTime: string };
}

interface ImageConfig {
  User: string;
  ExposedPorts?: Record<string, object>;
  Env: string[];
  Cmd: string[] | null;
  Healthcheck?: HealthConfig;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  OnBuild: string[] | null;
  Labels: Record<string, string> | null;
  StopSignal?: string;
  Shell?: string[];
}

export interface ImageHistoryItem {
  /** `<missing>` for layers whose own image is not here. */
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

export type ImageDeleteItem = { Untagged: string } | { Deleted: string };

/** `GET /gantry/v1/images/{name}/layers`; beyond Docker. */
export interface ImageLayers {
  /** Lowest first. */
  Layers: ImageLayerChanges[];
  /** Stored, but replaced or hidden by an upper layer. */
  WastedBytes: number;
}

export interface ImageLayerChanges {
  DiffId: string;
  CreatedBy: string;
  Size: number;
  Added: number;
  Changed: number;
  Deleted: number;
  /** Of the layers below, what this one replaces or hides. */
  WastedBytes: number;
  /** Largest first. */
  Entries: ImageLayerEntry[];
  /** Entries that are only counted. */
  Unlisted: number;
}

export interface ImageLayerEntry {
  Path: string;
  Kind: 'file' | 'directory' | 'symlink' | 'hard-link' | 'other';
  Change: 'added' | 'changed' | 'deleted';
  Size: number;
}

/** `GET /gantry/v1/images/prune`: what `POST /images/prune` would take. */
export interface ImagePrunePreview {
  Images: { Id: string; Names: string[]; Size: number }[];
  /** Of layers that no other image has. */
  SpaceReclaimed: number;
}
