import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import type { EventPublisher } from '../events/events.ts';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { conflict, errnoOf, invalidArgument, messageOf, notFound, notImplemented } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { checkVolumeName } from './volume-name.ts';
import { measureDirectory } from './volume-size.ts';
import type { Volume, VolumeCreate, VolumeStore } from './volumes.ts';

interface VolumesOptions {
  dataRoot: string;
  events: EventPublisher;
  logger: Logger;
  /** Runs `gantry-shim` subcommands: trees are removed by it, no link followed and no mount entered. */
  runTask: (argv: string[]) => Promise<void>;
}

/** The volumes domain: what the API and the composition root use, on top of what containers do. */
export interface Volumes extends VolumeStore {
  /** Loads the records. After the runtime, before containers are recovered. */
  start(): Promise<void>;
  /** IDs of the containers, running or not, that use the volume. */
  usersOf(name: string): string[];
  measure(name: string): Promise<number>;
  /** Removes every unused volume that `matches` accepts. */
  prune(matches: (volume: Volume) => boolean): Promise<{ names: string[]; reclaimedBytes: number }>;
}

/** Docker's mark of a volume that nobody named. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';
/** No volume name starts with a dot: what is not whole yet, or not wholly gone, has such a name. */
const UNFINISHED = '.unfinished-';

type VolumeRecord = Omit<Volume, 'mountpoint' | 'anonymous'>;

export function createVolumes({ dataRoot, events, logger, runTask }: VolumesOptions): Volumes {
  const root = path.join(dataRoot, 'volumes');
  const volumes = new Map<string, Volume>();
  const users = new Map<string, Set<string>>();
  const mutex = new KeyedMutex();

  const directoryOf = (name: string): string => path.join(root, name);
  const unfinished = (): string => path.join(root, UNFINISHED + randomBytes(8).toString('hex'));
  const usersOf = (name: string): string[] => [...(users.get(name) ?? [])];

  function tell(action: string, { name, driver }: Volume): void {
    events.publish({ type: 'volume', action, actor: { id: name, attributes: { driver } } });
  }

  function get(name: string): Volume {
    const volume = volumes.get(name);
    if (!volume) throw notFound(`get ${name}: no such volume`);
    return volume;
  }

  function load(record: VolumeRecord): Volume {
    const volume: Volume = {
      ...record,
      mountpoint: path.join(directoryOf(record.name), '_data'),
      anonymous: ANONYMOUS_LABEL in record.labels,
    };
    volumes.set(record.name, volume);
    return volume;
  }

  /** Whole or not at all: made beside, then renamed. */
  async function make(record: VolumeRecord): Promise<Volume> {
    const temporary = unfinished();
    try {
      await mkdir(path.join(temporary, '_data'), { recursive: true, mode: 0o755 });
      await writeJsonAtomic(path.join(temporary, 'volume.json'), record);
      await rename(temporary, directoryOf(record.name));
    } catch (error) {
      await removeTree(temporary);
      throw error;
    }
    await syncDirectory(root);
    return load(record);
  }

  async function removeTree(directory: string): Promise<void> {
    await runTask(['remove-tree', directory]).catch((error: unknown) => {
      logger.warn('volume directory not removed, tried again at the next start', {
        directory,
        error: messageOf(error),
      });
    });
  }

  function remove(name: string, { force }: { force: boolean }): Promise<void> {
    return mutex.run(name, async () => {
      if (force && !volumes.has(name)) return;
      const volume = get(name);
      const inUse = usersOf(name);
      if (inUse.length > 0) throw conflict(`remove ${name}: volume is in use - [${inUse.join(', ')}]`);
      volumes.delete(name);
      const aside = unfinished();
      try {
        await rename(directoryOf(name), aside);
      } catch (error) {
        // By force also when somebody has deleted the directory behind our back.
        if (!force || errnoOf(error) !== 'ENOENT') {
          volumes.set(name, volume);
          throw error;
        }
      }
      await syncDirectory(root);
      await removeTree(aside);
      tell('destroy', volume);
    });
  }

  return {
    async start() {
      // SECURITY 2021-41091: what containers wrote here, setuid files included, is out of reach of local users.
      await mkdir(root, { recursive: true, mode: 0o700 });
      for (const name of await readdir(root)) {
        if (name.startsWith(UNFINISHED)) {
          await removeTree(path.join(root, name));
          continue;
        }
        const file = path.join(root, name, 'volume.json');
        try {
          const record = await readJson<VolumeRecord>(file);
          if (record) load(record);
        } catch (error) {
          logger.error('a volume record is damaged, the volume is left alone', {
            file,
            error: messageOf(error),
          });
        }
      }
    },
    async create(request) {
      const name = request.name || randomBytes(32).toString('hex');
      refuse(name, request);
      return mutex.run(name, async () => {
        const existing = volumes.get(name);
        if (existing) return existing;
        const labels = { ...request.labels };
        if (request.anonymous || !request.name) labels[ANONYMOUS_LABEL] = '';
        const createdAt = `${new Date().toISOString().slice(0, 19)}Z`;
        const volume = await make({
          name,
          driver: 'local',
          createdAt,
          labels,
          options: request.options ?? {},
        });
        tell('create', volume);
        return volume;
      });
    },
    get,
    list: () => [...volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    acquire: (name, containerId) =>
      mutex.run(name, async () => {
        get(name);
        const holders = users.get(name) ?? new Set();
        users.set(name, holders.add(containerId));
      }),
    async release(name, containerId) {
      const holders = users.get(name);
      holders?.delete(containerId);
      if (holders?.size === 0) users.delete(name);
    },
    remove,
    isEmpty: async (name) => (await readdir(get(name).mountpoint)).length === 0,
    usersOf,
    measure: (name) => measureDirectory(get(name).mountpoint),
    async prune(matches) {
      const names: string[] = [];
      let reclaimedBytes = 0;
      for (const volume of [...volumes.values()].filter(matches)) {
        if (usersOf(volume.name).length > 0) continue;
        const sizeBytes = await measureDirectory(volume.mountpoint);
        try {
          await remove(volume.name, { force: true });
        } catch (error) {
          logger.warn('volume not pruned', { volume: volume.name, error: messageOf(error) });
          continue;
        }
        names.push(volume.name);
        reclaimedBytes += sizeBytes;
      }
      const attributes = { reclaimed: String(reclaimedBytes) };
      events.publish({ type: 'volume', action: 'prune', actor: { id: '', attributes } });
      return { names, reclaimedBytes };
    },
  };
}

const LOCAL_OPTIONS = ['type', 'device', 'o', 'size'];

function refuse(name: string, { driver, options }: VolumeCreate): void {
  if (driver !== undefined && driver !== '' && driver !== 'local') {
    throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  }
  checkVolumeName(name);
  const asked = Object.keys(options ?? {});
  const unknown = asked.find((option) => !LOCAL_OPTIONS.includes(option));
  if (unknown !== undefined) throw invalidArgument(`create ${name}: invalid option: "${unknown}"`);
  if (asked[0] !== undefined) throw notImplemented(`option ${asked[0]} of the local volume driver`);
}
