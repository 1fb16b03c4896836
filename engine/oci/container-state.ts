import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conflict, EngineError, errnoOf, invalidArgument, notFound } from '../lib/errors.ts';
import { startTimeOf } from '../lib/process-start-time.ts';
import type { RuntimeSpec } from '../runtime/oci/spec.ts';

export const OCI_VERSION = '1.2.0';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** What is kept of a container between two calls, in `<root>/<id>/state.json`. */
export interface ContainerState {
  id: string;
  pid: number;
  /** With it the pid names one process for good (lib/process-start-time.ts). */
  startTime: string;
  bundle: string;
  /** RFC 3339. */
  created: string;
  rootfs: string;
  /** Directories of its cgroup, parents first. */
  cgroupDirectories: string[];
  cgroup: { id: string; parent: string };
  /** As it was at create: the bundle may be gone at delete. */
  spec: RuntimeSpec;
}

/** The directory of a container. Throws runc's text for an id that is no plain name. */
export function directoryOf(root: string, id: string): string {
  if (!/^[\w+.-]{1,1024}$/.test(id) || id === '.' || id === '..')
    throw invalidArgument('invalid container ID format');
  return path.join(root, id);
}

/** Makes the directory: the id is taken from then on. `shared`: a container's root that is no host root passes through. */
export function reserve(root: string, id: string, shared: boolean): string {
  const directory = directoryOf(root, id);
  const mode = shared ? 0o711 : 0o700;
  mkdirSync(root, { recursive: true, mode });
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw conflict('container with given ID already exists');
    throw error;
  }
  return directory;
}

export function saveState(directory: string, state: ContainerState): void {
  const temporary = path.join(directory, 'state.json.tmp');
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
  renameSync(temporary, path.join(directory, 'state.json'));
}

/** Throws `container does not exist`, which callers look for. */
export function loadState(root: string, id: string): ContainerState {
  try {
    return JSON.parse(readFileSync(path.join(directoryOf(root, id), 'state.json'), 'utf8')) as ContainerState;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notFound('container does not exist');
    if (error instanceof EngineError) throw error;
    throw new EngineError('internal', `the state of container ${id} is damaged`, { cause: error });
  }
}

export function listStates(root: string): ContainerState[] {
  const names = existsSync(root) ? readdirSync(root).toSorted() : [];
  return names.flatMap((name) => {
    try {
      return [loadState(root, name)];
    } catch {
      return []; // being made or removed
    }
  });
}

export function forget(root: string, id: string): void {
  rmSync(directoryOf(root, id), { recursive: true, force: true });
}

export const isAlive = ({ pid, startTime }: ContainerState): boolean => startTimeOf(pid) === startTime;

export function statusOf(root: string, state: ContainerState): Status {
  if (!isAlive(state)) return 'stopped';
  if (existsSync(path.join(directoryOf(root, state.id), 'start'))) return 'created';
  return isFrozen(state) ? 'paused' : 'running';
}

/** Whichever of the two freezers was used (runtime/cgroups/freeze.ts). */
function isFrozen({ cgroupDirectories }: ContainerState): boolean {
  return cgroupDirectories.some((directory) => {
    const read = (file: string): string => {
      try {
        return readFileSync(path.join(directory, file), 'latin1').trim();
      } catch {
        return '';
      }
    };
    return read('cgroup.freeze') === '1' || read('freezer.state') === 'FROZEN';
  });
}

/** The state as the specification has it (runtime.md, "State"): `state`, and what hooks read. */
export function stateView(state: ContainerState, status: Status): object {
  return {
    ociVersion: OCI_VERSION,
    id: state.id,
    pid: status === 'stopped' ? 0 : state.pid,
    status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(state.spec.annotations ? { annotations: state.spec.annotations } : {}),
    owner: '',
  };
}
