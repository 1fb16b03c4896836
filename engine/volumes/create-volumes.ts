import { randomBytes, randomInt } from 'node:crypto';
import type { EventPublisher } from '../events/events.ts';
import { conflict, errnoOf, messageOf, notFound, withPrefix } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { parseLocalOptions } from './local-options.ts';
import { createVolumeDirectories, nowSeconds, type Fill } from './volume-directories.ts';
import { createVolumeMounts } from './volume-mounts.ts';
import { ANONYMOUS_LABEL, checkVolumeName } from './volume-name.ts';
import { measureDirectory } from './volume-size.ts';
import type { Volume, VolumeCreate, VolumeStore } from './volumes.ts';

interface VolumesOptions {
  dataRoot: string;
  events: EventPublisher;
  logger: Logger;
  /** Runs `gantry-shim` subcommands: trees are removed by it, no link followed and no mount entered. */
  runTask: (argv: string[]) => Promise<void>;
  /** This engine is an ordinary user's. */
  rootless: boolean;
}

/** The volumes domain: what the API and the composition root use, on top of what containers do. */
export interface Volumes extends VolumeStore {
  /** Loads the records. After the runtime, before containers are recovered. */
  start(): Promise<void>;
  /** After containers are recovered: unmounts what nobody uses any more. */
  settle(): Promise<void>;
  /** Its files are at `directory` until `use` settles. Throws not-found. */
  withRoot<T>(name: string, use: (directory: string) => Promise<T>): Promise<T>;
  /**
   * What `fill` puts into an empty directory takes the place of the volume's content, in one step; the old content
   * becomes a volume of its own, which is returned. `whileUnused` keeps everybody away from the volume for the time of
   * the work that it is given. Whatever ends this before leaves the volume as it was.
   */
  replaceContent(
    name: string,
    fill: Fill,
    whileUnused: (work: () => Promise<void>) => Promise<void>,
  ): Promise<Volume>;
  /** IDs of the containers, running or not, that use the volume. */
  usersOf(name: string): string[];
  measure(name: string): Promise<number>;
  /**
   * Removes every unused volume that `matches` accepts, but none with options, as in Docker: those are of use even when
   * they are empty. Throws conflict while another prune is under way.
   */
  prune(matches: (volume: Volume) => boolean): Promise<{ names: string[]; reclaimedBytes: number }>;
}

export function createVolumes({ dataRoot, events, logger, runTask, rootless }: VolumesOptions): Volumes {
  const volumes = new Map<string, Volume>();
  const users = new Map<string, Set<string>>();
  const mutex = new KeyedMutex();
  const directories = createVolumeDirectories({ dataRoot, logger, runTask });
  const mounts = createVolumeMounts({ runTask, logger, rootless });
  let pruning = false;

  const usersOf = (name: string): string[] => [...(users.get(name) ?? [])];

  function tell(action: string, { name, driver }: Volume): void {
    events.publish({ type: 'volume', action, actor: { id: name, attributes: { driver } } });
  }

  function get(name: string): Volume {
    const volume = volumes.get(name);
    if (!volume) throw notFound(`get ${name}: no such volume`);
    return volume;
  }

  function acquire(name: string, user: string): void {
    users.set(name, (users.get(name) ?? new Set()).add(user));
  }

  function checkNew(name: string): void {
    checkVolumeName(name);
    if (volumes.has(name)) throw conflict(`create ${name}: the volume exists already`);
  }

  async function make(name: string, request: VolumeCreate, fill?: Fill): Promise<Volume> {
    const { options = {}, user = '' } = request;
    const labels = { ...request.labels };
    const anonymous = request.anonymous === true || !request.name;
    if (anonymous) labels[ANONYMOUS_LABEL] = '';
    try {
      checkVolumeName(name);
      const { sizeBytes } = parseLocalOptions(options);
      const record = {
        name,
        driver: 'local' as const,
        createdAt: nowSeconds(),
        labels,
        options,
        quotaProject: sizeBytes > 0 ? freeProject(volumes.values()) : 0,
        madeFor: anonymous ? user : '',
      };
      const volume = await directories.make(record, fill);
      volumes.set(name, volume);
      tell('create', volume);
      return volume;
    } catch (error) {
      throw withPrefix(`create ${name}: `, error);
    }
  }

  /** By `force` also when somebody has deleted the directory behind our back. */
  async function discard(volume: Volume, force: boolean): Promise<void> {
    const { name } = volume;
    const inUse = usersOf(name);
    if (inUse.length > 0) throw conflict(`remove ${name}: volume is in use - [${inUse.join(', ')}]`);
    if (mounts.usersOf(name).length > 0) throw conflict(`remove ${name}: volume has active mounts`);
    await mounts.release(volume);
    try {
      await directories.discard(volume);
    } catch (error) {
      if (!force || errnoOf(error) !== 'ENOENT') throw error;
    }
    volumes.delete(name);
    tell('destroy', volume);
  }

  function remove(name: string, { force }: { force: boolean }): Promise<void> {
    return mutex.run(name, async () => {
      if (!force || volumes.has(name)) await discard(get(name), force);
    });
  }

  function unmount(name: string, user: string): Promise<void> {
    return mutex.run(name, async () => {
      const volume = volumes.get(name);
      if (volume) await mounts.unmount(volume, user);
    });
  }

  async function pruneOne({ name, mountpoint }: Volume): Promise<number | undefined> {
    const sizeBytes = await measureDirectory(mountpoint);
    try {
      await remove(name, { force: true });
      return sizeBytes;
    } catch (error) {
      logger.warn('volume not pruned', { volume: name, error: messageOf(error) });
      return undefined;
    }
  }

  return {
    async start() {
      for (const volume of await directories.loadAll()) volumes.set(volume.name, volume);
    },
    async settle() {
      mounts.settle();
      for (const volume of [...volumes.values()].filter(({ external }) => external)) {
        await mutex.run(volume.name, () => mounts.releaseIdle(volume));
      }
    },
    async create(request) {
      const name = request.name || randomBytes(32).toString('hex');
      checkDriver(name, request);
      return mutex.run(name, async () => {
        const volume = volumes.get(name) ?? (await make(name, request));
        if (request.user) acquire(name, request.user);
        return volume;
      });
    },
    checkNew,
    createFilled: ({ name, labels }, fill) =>
      mutex.run(name, async () => {
        checkNew(name);
        return make(name, { name, labels }, fill);
      }),
    async withRoot(name, use) {
      const user = `files-${randomBytes(8).toString('hex')}`;
      const directory = await mutex.run(name, () => mounts.mount(get(name), user));
      try {
        return await use(directory);
      } finally {
        await unmount(name, user);
      }
    },
    async replaceContent(name, fill, whileUnused) {
      const volume = get(name);
      const kept = await directories.replaceContent(volume, fill, (exchange) =>
        whileUnused(() =>
          mutex.run(name, async () => {
            if (get(name) !== volume) throw conflict(`volume ${name} was made anew meanwhile`);
            await exchange();
          }),
        ),
      );
      volumes.set(kept.name, kept);
      tell('create', kept);
      tell('restore', volume);
      return kept;
    },
    get,
    list: () => [...volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    acquire: (name, containerId) =>
      mutex.run(name, async () => {
        get(name);
        acquire(name, containerId);
      }),
    async release(name, containerId) {
      const holders = users.get(name);
      holders?.delete(containerId);
      if (holders?.size === 0) users.delete(name);
    },
    mount: (name, user) => mutex.run(name, () => mounts.mount(get(name), user)),
    unmount,
    remove,
    usersOf,
    measure: (name) => measureDirectory(get(name).mountpoint),
    async prune(matches) {
      if (pruning) throw conflict('a prune operation is already running');
      pruning = true;
      const names: string[] = [];
      let reclaimedBytes = 0;
      try {
        for (const volume of [...volumes.values()].filter(matches)) {
          if (Object.keys(volume.options).length > 0 || usersOf(volume.name).length > 0) continue;
          const sizeBytes = await pruneOne(volume);
          if (sizeBytes === undefined) continue;
          names.push(volume.name);
          reclaimedBytes += sizeBytes;
        }
      } finally {
        pruning = false;
      }
      const attributes = { reclaimed: String(reclaimedBytes) };
      events.publish({ type: 'volume', action: 'prune', actor: { id: '', attributes } });
      return { names, reclaimedBytes };
    },
  };
}

function checkDriver(name: string, { driver }: VolumeCreate): void {
  if (driver !== undefined && driver !== '' && driver !== 'local') {
    throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  }
}

/** Beyond the numbers that people give to projects, and the containers' own (storage-size.ts). */
function freeProject(volumes: Iterable<Volume>): number {
  const taken = new Set([...volumes].map(({ quotaProject }) => quotaProject));
  for (;;) {
    const project = randomInt(0x8000_0000, 0xc000_0000);
    if (!taken.has(project)) return project;
  }
}
