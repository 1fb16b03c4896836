import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeJsonAtomic } from '../lib/atomic-file.ts';
import { errnoOf } from '../lib/errors.ts';
import { isObject, isText, listOf } from '../lib/field-types.ts';
import type { Attachment } from '../networks/networks.ts';
import type { HealthState } from './health.ts';
import type { ContainerConfig, EndpointSettings, HostConfig } from '../wire/container.ts';

/** `paused` and `restarting` count as running for clients, as in Docker. */
export type ContainerStatus =
  'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerState {
  status: ContainerStatus;
  /** On the host; 0: none. */
  pid: number;
  exitCode: number;
  /** Why the last start failed, '' otherwise. */
  error: string;
  oomKilled: boolean;
  /** RFC 3339; Go's zero time when never. */
  startedAt: string;
  finishedAt: string;
  /** Absent before the first run, and without a health check. On disk as of the last change of the status. */
  health?: HealthState;
}

/** A resolved mount point as inspect shows it. */
export interface MountPoint {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Volume name or image reference, '' otherwise. */
  name: string;
  /** Host path; '' for tmpfs; the ID of an image. */
  source: string;
  destination: string;
  /** Mode text of a `-v` spec: `ro`, `z`, … */
  mode: string;
  readonly: boolean;
  propagation: string;
  /** bind: rbind (default) or bind. */
  recursive: boolean;
  /** Read-only binds: what is mounted below is read-only too (default), must be (`force`), or stays as it is. */
  readonlyRecursion?: 'yes' | 'no' | 'force';
  /** volume, image: the part of it that is mounted; absent: all. Chosen by whoever writes there, so not a path yet. */
  subpath?: string;
  /** Copy the image's content into the volume while it is empty. */
  copyUp: boolean;
  /** bind: make a missing source directory at start (`-v`), or fail (`--mount`). */
  createSource: boolean;
  /** tmpfs mount options, comma separated, flags included. */
  options: string;
  /** Removed with the container by `rm -v` and AutoRemove. */
  anonymous: boolean;
  /** Which field of the request asked for it; `volume`: Config.Volumes. */
  specification: 'bind' | 'mount' | 'tmpfs' | 'volume' | 'volumes-from';
}

/** Everything about one container; the file of truth is `containers/<id>/container.json`. */
export interface ContainerRecord {
  version: 1;
  id: string;
  /** Without the leading slash. */
  name: string;
  createdAt: string;
  imageId: string;
  platform: string;
  /** Image defaults and request merged. */
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** Network name → what the client asked for. */
  endpoints: Record<string, EndpointSettings>;
  mounts: MountPoint[];
  state: ContainerState;
  /** What the networks gave it for this run; null when stopped. */
  attachment: Attachment | null;
  /** cgroup directories of this run, for cleaning up after a lost shim. */
  cgroupDirectories: string[];
  restartCount: number;
  /** `unless-stopped` stays stopped after an engine restart. */
  manuallyStopped: boolean;
  /** As AutoRemove, it is not meant to outlive the machine. */
  shortLived?: boolean;
}

const RECORD_FILE = 'container.json';

/**
 * Replaces the record on disk: whatever happens to the engine, the old or the new one is there. It survives a crash of
 * the machine, too, except for AutoRemove and steps of builds: no such container outlives one, so it need not wait for the
 * disk.
 */
export async function writeRecord(directory: string, record: ContainerRecord): Promise<void> {
  const file = path.join(directory, RECORD_FILE);
  if (!record.hostConfig.AutoRemove && !record.shortLived) return writeJsonAtomic(file, record);
  writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** undefined when the directory holds no record (a create that never finished, an AutoRemove that lost power). */
export function readRecord(directory: string): ContainerRecord | undefined {
  let text = '';
  try {
    text = readFileSync(path.join(directory, RECORD_FILE), 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  if (text === '') return undefined;
  const record: unknown = JSON.parse(text);
  if (!isRecord(record)) throw new Error(`${RECORD_FILE} is of another build of Gantry`);
  return record;
}

/** The parts without which no operation works: one odd record must not break `docker ps` for all. */
function isRecord(value: unknown): value is ContainerRecord {
  return (
    isObject(value) &&
    value['version'] === 1 &&
    isText(value['id']) &&
    isText(value['name']) &&
    isText(value['imageId']) &&
    ['config', 'hostConfig', 'endpoints', 'state'].every((field) => isObject(value[field])) &&
    listOf(value['mounts'], isObject) &&
    listOf(value['cgroupDirectories'], isText)
  );
}

export function isActive(status: ContainerStatus): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting';
}
