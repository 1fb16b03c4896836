import { EngineError } from '../lib/errors.ts';
import type { ImageDeleteItem, ImagePrunePreview } from '../wire/image.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { ImageParts } from './images.ts';
import { formatReference } from './reference.ts';
import { removeOne } from './remove-image.ts';

/** What `docker image prune` may take: `all` also images that have names but no containers. */
interface PruneCriteria {
  all: boolean;
  untils: bigint[];
  matchesLabels: (labels: Readonly<Record<string, string>>) => boolean;
}

/** Deletes unused images; answers what was deleted and the bytes of layers that are gone. */
export async function pruneImages(
  parts: ImageParts,
  criteria: PruneCriteria,
): Promise<{ deleted: ImageDeleteItem[]; reclaimedBytes: number }> {
  const { catalog, layers, users } = parts;
  const sizes = new Map(layers.list().map((layer) => [layer.diffId, layer.sizeBytes]));
  const deleted: ImageDeleteItem[] = [];
  await parts.changes.run(async () => {
    for (const image of catalog.all()) {
      if (isChosen(parts, image, criteria)) deleted.push(...(await removeUnused(parts, image)));
    }
    for (const id of [...catalog.detached().map((image) => image.id), ...catalog.damaged()]) {
      if (users.usersOf(id).length === 0) await catalog.remove(id, false);
    }
  });
  let reclaimedBytes = 0;
  for (const [diffId, sizeBytes] of sizes) if (!layers.get(diffId)) reclaimedBytes += sizeBytes;
  parts.events.publish({
    type: 'image',
    action: 'prune',
    actor: { id: '', attributes: { reclaimed: String(reclaimedBytes) } },
  });
  return { deleted, reclaimedBytes };
}

/** What `pruneImages` would take, without taking it: the bytes are those of layers that no other image has. */
export function previewPrune(parts: ImageParts, criteria: PruneCriteria): ImagePrunePreview {
  const { catalog, layers } = parts;
  const chosen = catalog.all().filter((image) => isChosen(parts, image, criteria));
  const kept = [...catalog.all(), ...catalog.detached()].filter((image) => !chosen.includes(image));
  const needed = new Set(kept.flatMap((image) => image.layers));
  const gone = new Set(chosen.flatMap((image) => image.layers).filter((diffId) => !needed.has(diffId)));
  const bytesOf = (diffIds: Iterable<string>): number =>
    [...diffIds].reduce((sum, diffId) => sum + (layers.get(diffId)?.sizeBytes ?? 0), 0);
  return {
    Images: chosen.map((image) => ({
      Id: image.id,
      Names: catalog.describe(image).tags,
      Size: bytesOf(image.layers),
    })),
    SpaceReclaimed: bytesOf(gone),
  };
}

function isChosen({ catalog, users }: ImageParts, image: CatalogImage, criteria: PruneCriteria): boolean {
  const references = catalog.referencesOf(image.id);
  const isTagged = references.some(({ tag, digest }) => tag !== undefined && digest === undefined);
  const createdNs = BigInt(Date.parse(image.config.created ?? '') || 0) * 1_000_000n;
  return (
    // What a build stands on goes with it.
    (references.length > 0 || catalog.childrenOf(image.id).length === 0) &&
    (criteria.all || !isTagged) &&
    users.usersOf(image.id).length === 0 &&
    criteria.untils.every((until) => createdNs <= until) &&
    criteria.matchesLabels(image.config.config?.Labels ?? {})
  );
}

/** Name by name, as Docker does; what turns out to be needed stays. */
async function removeUnused(parts: ImageParts, image: CatalogImage): Promise<ImageDeleteItem[]> {
  const names = parts.catalog.referencesOf(image.id).map(formatReference);
  const items: ImageDeleteItem[] = [];
  for (const name of names.length > 0 ? names : [image.id]) {
    try {
      items.push(...(await removeOne(parts, name, { force: false, prune: true })));
    } catch (error) {
      if (!(error instanceof EngineError && (error.kind === 'conflict' || error.kind === 'not-found')))
        throw error;
    }
  }
  return items;
}
