import { conflict } from '../lib/errors.ts';
import type { ImageDeleteItem } from '../wire/image.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { ImageParts } from './images.ts';
import { chainIds } from './layer-store.ts';
import { formatFamiliar, parseReference, withDefaultTag, type Reference } from './reference.ts';

const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/**
 * `docker rmi`: a reference is untagged and the image deleted with its last one; an ID deletes the image when all its
 * names are of one repository. Throws not-found, or conflict with Docker's texts. Answers what was done, in order.
 */
export function removeImage(parts: ImageParts, text: string, force: boolean): Promise<ImageDeleteItem[]> {
  return parts.changes.run(async () => {
    const image = parts.catalog.find(text);
    const items: ImageDeleteItem[] = [];
    const references = parts.catalog.referencesOf(image.id);
    if (isIdPrefix(image.id, text)) {
      if (isSingle(references)) {
        refuseWhileUsed(parts, image, { stopped: !force, referenced: false });
        for (const reference of references) await untag(parts, image, reference, items);
      }
      await deleteImage(parts, image, force, false, items);
      return items;
    }
    if (!force && isSingle(references)) refuseLastReference(parts, image, text);
    await untag(parts, image, withDefaultTag(parseReference(text)), items);
    if (parts.catalog.referencesOf(image.id).length === 0)
      await deleteImage(parts, image, force, true, items);
    return items;
  });
}

/** As an ID can be typed: with or without the algorithm, shortened. */
function isIdPrefix(id: string, text: string): boolean {
  return id.startsWith(text) || id.startsWith(`sha256:${text}`);
}

function isSingle(references: Reference[]): boolean {
  return references.filter((reference) => reference.digest === undefined).length <= 1;
}

function refuseLastReference({ users }: ImageParts, image: CatalogImage, text: string): void {
  const [user] = users.usersOf(image.id);
  if (!user) return;
  throw conflict(
    `conflict: unable to remove repository reference "${text}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
  );
}

/** Running containers always stand in the way, the rest as asked. */
function refuseWhileUsed(
  { users, catalog }: ImageParts,
  image: CatalogImage,
  soft: { stopped: boolean; referenced: boolean },
): void {
  const using = users.usersOf(image.id);
  const refuse = (kind: string, why: string): never => {
    throw conflict(`conflict: unable to delete ${shortId(image.id)} (${kind}) - ${why}`);
  };
  const running = using.find((user) => user.running);
  if (running) refuse('cannot be forced', `image is being used by running container ${shortId(running.id)}`);
  if (soft.referenced && catalog.referencesOf(image.id).length > 0) {
    refuse('must be forced', 'image is referenced in multiple repositories');
  }
  const stopped = using[0];
  if (soft.stopped && stopped) {
    refuse('must be forced', `image is being used by stopped container ${shortId(stopped.id)}`);
  }
}

async function untag(
  { catalog, events }: ImageParts,
  image: CatalogImage,
  reference: Reference,
  items: ImageDeleteItem[],
): Promise<void> {
  await catalog.untag(reference);
  items.push({ Untagged: formatFamiliar(reference) });
  publish({ events }, image, 'untag');
}

/** `quiet`: the name is gone, which was asked for; a container that still uses the image is no error then. */
async function deleteImage(
  parts: ImageParts,
  image: CatalogImage,
  force: boolean,
  quiet: boolean,
  items: ImageDeleteItem[],
): Promise<void> {
  const { catalog, users } = parts;
  const using = users.usersOf(image.id);
  if (quiet && (using.some((user) => user.running) || (!force && using.length > 0))) return;
  refuseWhileUsed(parts, image, { stopped: !force, referenced: !force });
  for (const reference of catalog.referencesOf(image.id)) await untag(parts, image, reference, items);
  await catalog.remove(image.id, using.length > 0);
  publish(parts, image, 'delete');
  items.push({ Deleted: image.id });
  const left = new Set([...catalog.all(), ...catalog.detached()].flatMap((other) => chainIds(other.layers)));
  for (const chainId of chainIds(image.layers).toReversed()) {
    if (!left.has(chainId)) items.push({ Deleted: chainId });
  }
}

function publish({ events }: Pick<ImageParts, 'events'>, image: CatalogImage, action: string): void {
  const attributes = { ...image.config.config?.Labels, name: image.id };
  events.publish({ type: 'image', action, actor: { id: image.id, attributes } });
}

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
      const createdNs = BigInt(Date.parse(image.config.created ?? '') || 0) * 1_000_000n;
      const chosen =
        (criteria.all || catalog.referencesOf(image.id).length === 0) &&
        users.usersOf(image.id).length === 0 &&
        criteria.untils.every((until) => createdNs < until) &&
        criteria.matchesLabels(image.config.config?.Labels ?? {});
      if (chosen) await deleteImage(parts, image, true, false, deleted);
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
