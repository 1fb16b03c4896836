import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { nameLayersByDiffId } from './images/migrate-layers.ts';
import { writeFileAtomic } from './lib/atomic-file.ts';
import { conflict, errnoOf, invalidArgument, messageOf } from './lib/errors.ts';
import { startTimeOf } from './lib/process-start-time.ts';

/** Migration N turns a data root of version N into N + 1. Released ones are never changed. */
const MIGRATIONS: ((dataRoot: string) => Promise<void>)[] = [nameLayersByDiffId];

interface DataRoot {
  /** Random, kept for the life of the data root: `ID` of `GET /info`. */
  engineId: string;
  /** Lets the next engine in. */
  release(): Promise<void>;
}

/**
 * Makes the directories, takes the lock and brings what an older engine left up to date. Throws conflict naming the
 * pid when a living engine holds the lock, invalid-argument when a directory cannot be used.
 */
export async function openDataRoot(dataRoot: string, runRoot: string): Promise<DataRoot> {
  // SECURITY 2021-41091: others may pass through to what they are given (the socket), never list or read.
  for (const directory of [dataRoot, runRoot]) await makeDirectory(directory);
  const lock = path.join(dataRoot, 'engine.lock');
  await takeLock(lock, dataRoot);
  try {
    await migrate(dataRoot);
    const engineId = await readOrCreate(path.join(dataRoot, 'engine-id'), () => randomUUID());
    return { engineId, release: () => unlink(lock) };
  } catch (error) {
    await unlink(lock);
    throw error;
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o710 });
    const probe = path.join(directory, `.writable-${process.pid}`);
    await writeFile(probe, '');
    await unlink(probe);
  } catch (error) {
    throw invalidArgument(`cannot use directory ${directory}: ${messageOf(error)}`, { cause: error });
  }
}

/** The lock names its holder by pid and start time, so that neither a crash nor a recycled pid keeps it. */
async function takeLock(lock: string, dataRoot: string): Promise<void> {
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  const temporary = `${lock}.${process.pid}`;
  await writeFile(temporary, mine, { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(temporary, lock);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      const holder = await readFile(lock, 'utf8').catch(() => '');
      const [pid = '', startTime = ''] = holder.trim().split(' ');
      if (holder !== '' && startTimeOf(Number(pid)) === startTime) {
        throw conflict(`another engine (pid ${pid}) is using ${dataRoot}`);
      }
      await discardStaleLock(lock, holder);
    }
  } finally {
    await unlink(temporary);
  }
}

/** Two engines may find the same stale lock: the slower must not throw away the lock that the faster has just taken. */
async function discardStaleLock(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    await rename(lock, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== stale) await link(aside, lock).catch(() => undefined);
  await unlink(aside);
}

async function migrate(dataRoot: string): Promise<void> {
  const file = path.join(dataRoot, 'version');
  const current = MIGRATIONS.length + 1;
  const found = Number(await readOrCreate(file, () => String(current)));
  if (!Number.isInteger(found) || found < 1 || found > current) {
    throw invalidArgument(
      `${dataRoot} has version ${found}, this engine knows versions 1 to ${current}: a newer Gantry made it`,
    );
  }
  for (let version = found; version < current; version += 1) {
    await MIGRATIONS[version - 1]?.(dataRoot);
    await writeFileAtomic(file, `${version + 1}\n`);
  }
}

async function readOrCreate(file: string, create: () => string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const value = create();
  await writeFileAtomic(file, `${value}\n`);
  return value;
}
