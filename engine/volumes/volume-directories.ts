import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { limitProject } from '../lib/project-quota.ts';
import { isExternal, parseLocalOptions } from './local-options.ts';
import type { Volume } from './volumes.ts';

/** `volume.json`. Records of earlier versions have neither of the last two. */
export type VolumeRecord = Omit<Volume, 'mountpoint' | 'anonymous' | 'external'>;

/** Docker's mark of a volume that nobody named. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';
/** No volume name starts with a dot: what is not whole yet, or not wholly gone, has such a name. */
const UNFINISHED = '.unfinished-';

interface DirectoriesOptions {
  dataRoot: string;
  logger: Logger;
  runTask: (argv: string[]) => Promise<void>;
}

/** `<data-root>/volumes/<name>/`, each with `_data` and `volume.json`. */
export interface VolumeDirectories {
  /** Every whole volume; what a crash left half made or half removed goes. */
  loadAll(): Promise<Volume[]>;
  /** Whole or not at all. Throws invalid-argument for a quota that the file system has not. */
  make(record: VolumeRecord): Promise<Volume>;
  /** Gone for everybody when it resolves, also after a crash. ENOENT when somebody has deleted it behind our back. */
  discard(volume: Volume): Promise<void>;
}

export function createVolumeDirectories({
  dataRoot,
  logger,
  runTask,
}: DirectoriesOptions): VolumeDirectories {
  const root = path.join(dataRoot, 'volumes');
  const unfinished = (): string => path.join(root, UNFINISHED + randomBytes(8).toString('hex'));

  function toVolume(record: VolumeRecord): Volume {
    return {
      ...record,
      quotaProject: record.quotaProject ?? 0,
      madeFor: record.madeFor ?? '',
      mountpoint: path.join(root, record.name, '_data'),
      anonymous: ANONYMOUS_LABEL in record.labels,
      external: isExternal(parseLocalOptions(record.options)),
    };
  }

  async function removeTree(directory: string): Promise<void> {
    await runTask(['remove-tree', directory]).catch((error: unknown) => {
      logger.warn('volume directory not removed, tried again at the next start', {
        directory,
        error: messageOf(error),
      });
    });
  }

  /** An external volume is limited when it is mounted. */
  async function limit({ options, quotaProject }: VolumeRecord, directory: string): Promise<void> {
    const local = parseLocalOptions(options);
    if (local.sizeBytes === 0 || isExternal(local)) return;
    if (await limitProject(runTask, quotaProject, local.sizeBytes, [directory])) return;
    throw invalidArgument('quota size requested but no quota support', {
      hint: "an ext4 with the features project and quota, mounted with 'prjquota', has it, and an xfs with 'pquota'",
    });
  }

  async function loadOne(name: string): Promise<Volume | undefined> {
    const file = path.join(root, name, 'volume.json');
    try {
      const record = await readJson<VolumeRecord>(file);
      return record && toVolume(record);
    } catch (error) {
      logger.error('a volume record is damaged, the volume is left alone', {
        file,
        error: messageOf(error),
      });
      return undefined;
    }
  }

  return {
    async loadAll() {
      // SECURITY 2021-41091: what containers wrote here, setuid files included, is out of reach of local users.
      await mkdir(root, { recursive: true, mode: 0o700 });
      const volumes: Volume[] = [];
      for (const name of await readdir(root)) {
        if (name.startsWith(UNFINISHED)) {
          await removeTree(path.join(root, name));
          continue;
        }
        const volume = await loadOne(name);
        if (volume) volumes.push(volume);
      }
      return volumes;
    },
    async make(record) {
      const temporary = unfinished();
      const data = path.join(temporary, '_data');
      try {
        await mkdir(data, { recursive: true, mode: 0o755 });
        await limit(record, data);
        await writeJsonAtomic(path.join(temporary, 'volume.json'), record);
        await rename(temporary, path.join(root, record.name));
      } catch (error) {
        await removeTree(temporary);
        throw error;
      }
      await syncDirectory(root);
      return toVolume(record);
    },
    async discard({ name, quotaProject, mountpoint }) {
      const aside = unfinished();
      await rename(path.dirname(mountpoint), aside);
      await syncDirectory(root);
      if (quotaProject > 0) await limitProject(runTask, quotaProject, 0, [aside]).catch(() => false);
      await removeTree(aside);
      logger.debug('volume removed', { name });
    },
  };
}
