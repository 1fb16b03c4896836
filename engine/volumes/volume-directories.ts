import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { limitProject } from '../lib/project-quota.ts';
import { isExternal, parseLocalOptions } from './local-options.ts';
import {
  beginReplacement,
  exchangeContent,
  finishReplacement,
  REPLACEMENT,
  safetyCopyOf,
} from './replacement.ts';
import { ANONYMOUS_LABEL } from './volume-name.ts';
import type { Volume, VolumeRecord } from './volumes.ts';

/** Puts what a volume is to hold into its empty directory. */
export type Fill = (directory: string) => Promise<void>;

/** RFC 3339 without fractions, as Docker dates volumes. */
export const nowSeconds = (): string => `${new Date().toISOString().slice(0, 19)}Z`;
/** No volume name starts with a dot: what is not whole yet, or not wholly gone, has such a name. */
const UNFINISHED = '.unfinished-';
/** In a volume that is being filled, and in one whose content is whole but not in its place (native/copy_up.c). */
const FILLING = ['.gantry-filling', '.gantry-filled'];

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
  make(record: VolumeRecord, fill?: Fill): Promise<Volume>;
  /**
   * What `fill` makes takes the place of the content in one step, when `guard` runs it; resolves with the volume that
   * keeps the old content. Throws when it was not done, and everything is as before.
   */
  replaceContent(
    volume: Volume,
    fill: Fill,
    guard: (exchange: () => Promise<void>) => Promise<void>,
  ): Promise<Volume>;
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

  /** What is made here is on the disk before it is seen. */
  async function fillWhole(place: string, fill: Fill): Promise<void> {
    await fill(path.join(place, '_data'));
    await runTask(['sync-filesystem', place]);
  }

  /** Old content is never given up: what cannot be judged stays. */
  async function recoverReplacement(directory: string): Promise<void> {
    await finishReplacement(root, directory, removeTree).catch((error: unknown) => {
      logger.error('what a restore left cannot be put in order', { directory, error: messageOf(error) });
    });
  }

  /** A copy-up that was cut off is begun again by the next container, or was about to end. */
  async function finishFilling({ mountpoint }: Volume): Promise<void> {
    if (!FILLING.some((name) => existsSync(path.join(mountpoint, name)))) return;
    await runTask(['finish-copy-up', mountpoint]).catch((error: unknown) => {
      logger.warn('what a copy-up has left is not removed', { mountpoint, error: messageOf(error) });
    });
  }

  async function loadOne(name: string): Promise<Volume | undefined> {
    const file = path.join(root, name, 'volume.json');
    try {
      const record = await readJson<VolumeRecord>(file);
      const volume = record && toVolume(record);
      // One with files elsewhere is looked at when it is mounted to be filled.
      if (volume?.external === false) await finishFilling(volume);
      return volume;
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
        if (name.startsWith(UNFINISHED)) await removeTree(path.join(root, name));
        if (name.startsWith(REPLACEMENT)) await recoverReplacement(path.join(root, name));
      }
      for (const name of await readdir(root)) {
        if (name.startsWith('.')) continue;
        const volume = await loadOne(name);
        if (volume) volumes.push(volume);
      }
      return volumes;
    },
    async make(record, fill) {
      const temporary = unfinished();
      const data = path.join(temporary, '_data');
      try {
        await mkdir(data, { recursive: true, mode: 0o755 });
        await limit(record, data);
        await writeJsonAtomic(path.join(temporary, 'volume.json'), record);
        if (fill) await fillWhole(temporary, fill);
        await rename(temporary, path.join(root, record.name));
      } catch (error) {
        await removeTree(temporary);
        throw error;
      }
      await syncDirectory(root);
      return toVolume(record);
    },
    async replaceContent(volume, fill, guard) {
      const copy = safetyCopyOf(volume, nowSeconds());
      const replacement = await beginReplacement(root, copy);
      try {
        await fillWhole(replacement, fill);
        await guard(() => exchangeContent(replacement, volume.mountpoint, runTask));
      } finally {
        // Also when the exchange was done and the rest failed: then the old content is in there.
        await finishReplacement(root, replacement, removeTree);
      }
      return toVolume(copy);
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
