import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJsonAtomic } from '../lib/atomic-file.ts';
import { isSha256 } from './reference.ts';

/** `layers/<hex of the chain-id>/meta.json` of data root version 1. */
interface OldLayer {
  chainId: string;
  diffId: string;
  sizeBytes: number;
}

interface OldCatalog {
  images: Record<string, { lastTagTime: string; layers: string[] }>;
  detached: Record<string, { lastTagTime: string; layers: string[] }>;
}

/**
 * Data root version 1 → 2: layers are named by diff-id instead of chain-id, so that they are unpacked in any order and
 * shared by every stack. Their tars were not kept: such images run, but cannot be saved or pushed. Safe to run again
 * after a crash at any point; the catalog goes last.
 */
export async function nameLayersByDiffId(dataRoot: string): Promise<void> {
  const root = path.join(dataRoot, 'layers');
  const aside = path.join(dataRoot, 'layers-1');
  const catalogFile = path.join(dataRoot, 'images.json');
  if (!existsSync(aside)) {
    const catalog = await readJson<OldCatalog & { version: number }>(catalogFile);
    if (catalog?.version !== 1 || !existsSync(root)) return;
    await rename(root, aside);
  }
  for (const directory of [root, path.join(dataRoot, 'trash')])
    await mkdir(directory, { recursive: true, mode: 0o700 });
  const diffIds = new Map<string, string>();
  for (const name of await readdir(aside)) {
    const old = await readJson<OldLayer>(path.join(aside, name, 'meta.json')).catch(() => undefined);
    if (!old || !isSha256(old.diffId)) continue;
    diffIds.set(old.chainId, old.diffId);
    const place = path.join(root, old.diffId.slice('sha256:'.length));
    if (existsSync(path.join(aside, name, 'diff')) && !existsSync(place)) {
      await mkdir(`${place}.new`, { recursive: true, mode: 0o700 });
      const layer = { diffId: old.diffId, sizeBytes: old.sizeBytes, tarBytes: 0, blobs: [] };
      await writeJsonAtomic(path.join(`${place}.new`, 'meta.json'), { form: 'lost', layer });
      await rename(path.join(aside, name, 'diff'), path.join(`${place}.new`, 'diff'));
    }
    if (existsSync(`${place}.new/diff`)) await rename(`${place}.new`, place);
  }
  await renameInCatalog(catalogFile, diffIds);
  await rename(aside, path.join(dataRoot, 'trash', 'layers-1'));
}

async function renameInCatalog(file: string, diffIds: ReadonlyMap<string, string>): Promise<void> {
  const catalog = await readJson<OldCatalog & { version: number }>(file);
  if (!catalog || catalog.version !== 1) return;
  const renamed = (images: OldCatalog['images']) =>
    Object.fromEntries(
      Object.entries(images).map(([id, { lastTagTime, layers }]) => [
        id,
        {
          lastTagTime,
          layers: layers.map((chainId) => diffIds.get(chainId) ?? chainId),
          manifests: [],
          parent: '',
        },
      ]),
    );
  const { images, detached } = catalog;
  await writeJsonAtomic(file, {
    ...catalog,
    version: 2,
    images: renamed(images),
    detached: renamed(detached),
  });
}
