import { conflict, type EngineError } from '../lib/errors.ts';
import type { ImageDeleteItem } from '../wire/image.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { ImageParts } from './images.ts';
import { chainIds } from './layer-store.ts';
import { formatFamiliar, parseReference, withDefaultTag, type Reference } from './reference.ts';

interface RemoveOptions {
  /** Also with several names, and with stopped containers. */
  force: boolean;
  /** Parents that nothing needs any more go, too. */
  prune: boolean;
}

/** What stands in the way of a deletion. */
interface Obstacle {
  /** Not even force helps. */
  hard: boolean;
  /** A container is the reason. */
  used: boolean;
  message: string;
}

const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/**
 * `docker rmi`: a reference is untagged and the image deleted with its last one; an ID deletes the image when all its
 * names are of one repository. Throws not-found, or conflict with Docker's texts. Answers what was done, in order.
 */
export function removeImage(
  parts: ImageParts,
  text: string,
  options: RemoveOptions,
): Promise<ImageDeleteItem[]> {
  return parts.changes.run(() => removeOne(parts, text, options));
}

/** The same for who holds `parts.changes` already. */
export async function removeOne(
  parts: ImageParts,
  text: string,
  options: RemoveOptions,
): Promise<ImageDeleteItem[]> {
  const { catalog } = parts;
  const image = catalog.find(text);
  const items: ImageDeleteItem[] = [];
  const references = catalog.referencesOf(image.id);
  if (isIdPrefix(image.id, text)) {
    if (isSingle(references)) {
      const obstacle = obstacleOf(parts, image, { stopped: !options.force, referenced: false });
      if (obstacle) throw refusal(image, obstacle);
      for (const reference of references) await untag(parts, image, reference, items);
    }
    await deleteImage(parts, image, options, false, items);
    return items;
  }
  if (!options.force && isSingle(references)) refuseLastReference(parts, image, text);
  await untagByName(parts, image, withDefaultTag(parseReference(text)), items);
  if (catalog.referencesOf(image.id).length === 0) await deleteImage(parts, image, options, true, items);
  return items;
}

/** As an ID can be typed: with or without the algorithm, shortened. */
function isIdPrefix(id: string, text: string): boolean {
  return id.startsWith(text) || id.startsWith(`sha256:${text}`);
}

/** At most one tag, and nothing but digests of its own repository beside it. */
function isSingle(references: Reference[]): boolean {
  if (references.length <= 1) return true;
  const tags = references.filter(({ digest }) => digest === undefined);
  const names = new Set(references.map(({ name }) => name));
  return tags.length <= 1 && names.size === 1;
}

function refuseLastReference({ users }: ImageParts, image: CatalogImage, text: string): void {
  const [user] = users.usersOf(image.id);
  if (!user) return;
  throw conflict(
    `conflict: unable to remove repository reference "${text}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
  );
}

/** Digests of a repository do not outlive the last of its tags: nobody would find the image by them. */
async function untagByName(
  parts: ImageParts,
  image: CatalogImage,
  reference: Reference,
  items: ImageDeleteItem[],
): Promise<void> {
  await untag(parts, image, reference, items);
  if (reference.digest !== undefined) return;
  const rest = parts.catalog.referencesOf(image.id).filter(({ name }) => name === reference.name);
  if (rest.some(({ digest }) => digest === undefined)) return;
  for (const digested of rest) await untag(parts, image, digested, items, false);
}

async function untag(
  { catalog, events }: ImageParts,
  image: CatalogImage,
  reference: Reference,
  items: ImageDeleteItem[],
  told = true,
): Promise<void> {
  await catalog.untag(reference);
  const shown = reference.digest === undefined ? reference : { ...reference, tag: undefined };
  items.push({ Untagged: formatFamiliar(shown) });
  if (told) publish({ events }, image, 'untag');
}

/** Children and running containers always stand in the way, the rest as asked. */
function obstacleOf(
  { users, catalog }: ImageParts,
  image: CatalogImage,
  soft: { stopped: boolean; referenced: boolean },
): Obstacle | undefined {
  if (catalog.childrenOf(image.id).length > 0)
    return { hard: true, used: false, message: 'image has dependent child images' };
  const using = users.usersOf(image.id);
  const running = using.find((user) => user.running);
  if (running) {
    const message = `image is being used by running container ${shortId(running.id)}`;
    return { hard: true, used: true, message };
  }
  if (soft.referenced && catalog.referencesOf(image.id).length > 0)
    return { hard: false, used: false, message: 'image is referenced in multiple repositories' };
  const [stopped] = using;
  if (!soft.stopped || !stopped) return undefined;
  const message = `image is being used by stopped container ${shortId(stopped.id)}`;
  return { hard: false, used: true, message };
}

function refusal(image: CatalogImage, { hard, message }: Obstacle): EngineError {
  const kind = hard ? 'cannot be forced' : 'must be forced';
  return conflict(`conflict: unable to delete ${shortId(image.id)} (${kind}) - ${message}`);
}

/** `quiet`: the name is gone, or a child, which was asked for; what then keeps the image is no error. */
async function deleteImage(
  parts: ImageParts,
  image: CatalogImage,
  { force, prune }: RemoveOptions,
  quiet: boolean,
  items: ImageDeleteItem[],
): Promise<void> {
  const { catalog, users } = parts;
  const obstacle = obstacleOf(parts, image, { stopped: !force, referenced: !force });
  if (obstacle) {
    const isDangling =
      catalog.referencesOf(image.id).length === 0 && catalog.childrenOf(image.id).length === 0;
    if (quiet && (!isDangling || obstacle.used)) return;
    throw refusal(image, obstacle);
  }
  for (const reference of catalog.referencesOf(image.id)) await untag(parts, image, reference, items);
  await catalog.remove(image.id, users.usersOf(image.id).length > 0);
  publish(parts, image, 'delete');
  items.push({ Deleted: image.id });
  const left = new Set([...catalog.all(), ...catalog.detached()].flatMap((other) => chainIds(other.layers)));
  for (const chainId of chainIds(image.layers).toReversed()) {
    if (!left.has(chainId)) items.push({ Deleted: chainId });
  }
  const parent = prune ? catalog.all().find(({ id }) => id === image.parent) : undefined;
  if (parent) await deleteImage(parts, parent, { force: false, prune }, true, items);
}

function publish({ events }: Pick<ImageParts, 'events'>, image: CatalogImage, action: string): void {
  const attributes = { ...image.config.config?.Labels, name: image.id };
  events.publish({ type: 'image', action, actor: { id: image.id, attributes } });
}
