import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { ANONYMOUS_LABEL } from './volume-name.ts';
import type { Volume, VolumeRecord } from './volumes.ts';

/**
 * New content on its way into a volume: a directory beside the volumes that is laid out as one. Its `_data` changes
 * places with the volume's in one step of the kernel's; then it holds the old content and needs only its name.
 */
export const REPLACEMENT = '.replacement-';
/** What tells whether the change of places was done: the inode of the volume's content before. */
const MARK = 'replaces.json';
/** Names the volume whose earlier content it is. */
const SAFETY_LABEL = 'com.gantry.volume.before-restore';
/** NAME_MAX. */
const MAX_NAME = 255;

/** An empty directory for what is to become the content, `copy` its record for what it holds afterwards. */
export async function beginReplacement(root: string, copy: VolumeRecord): Promise<string> {
  const replacement = path.join(root, REPLACEMENT + randomBytes(8).toString('hex'));
  await mkdir(path.join(replacement, '_data'), { recursive: true, mode: 0o755 });
  await writeJsonAtomic(path.join(replacement, 'volume.json'), copy);
  return replacement;
}

/** The one step. Nobody may be in the volume: it would go on in the old content. */
export async function exchangeContent(
  replacement: string,
  content: string,
  runTask: (argv: string[]) => Promise<void>,
): Promise<void> {
  await writeJsonAtomic(path.join(replacement, MARK), { inode: await inodeOf(content) });
  await runTask(['exchange-directories', path.join(replacement, '_data'), content]);
}

/** Whenever the engine ended: with the old content in it, it becomes a volume; otherwise it goes. */
export async function finishReplacement(
  root: string,
  replacement: string,
  removeTree: (directory: string) => Promise<void>,
): Promise<void> {
  const mark = await readJson<{ inode: string }>(path.join(replacement, MARK));
  const copy = await readJson<VolumeRecord>(path.join(replacement, 'volume.json'));
  const holdsOld = mark !== undefined && mark.inode === (await inodeOf(path.join(replacement, '_data')));
  if (!holdsOld || !copy) return removeTree(replacement);
  await rename(replacement, path.join(root, copy.name));
  await syncDirectory(root);
}

async function inodeOf(directory: string): Promise<string> {
  return existsSync(directory) ? String((await stat(directory, { bigint: true })).ino) : '';
}

/** The record of the volume that keeps what `volume` holds now: never an anonymous one, which prune would take. */
export function safetyCopyOf({ name, labels: all }: Volume, createdAt: string): VolumeRecord {
  const { [ANONYMOUS_LABEL]: _, ...labels } = all;
  const suffix = `-before-restore-${createdAt.replaceAll(/[-:]/g, '')}-${randomBytes(2).toString('hex')}`;
  return {
    name: name.slice(0, MAX_NAME - suffix.length) + suffix,
    driver: 'local',
    createdAt,
    labels: { ...labels, [SAFETY_LABEL]: name },
    options: {},
    quotaProject: 0,
    madeFor: '',
  };
}
