import { readdir } from 'node:fs/promises';
import type { BaseImage, BuildImages } from '../builder/builder-deps.ts';
import { EngineError, notFound } from '../lib/errors.ts';
import { EMPTY_DIFF_ID } from './layer-store.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { OciImageConfig } from './image-store.ts';
import type { Images } from './images.ts';
import { formatFamiliar, parseReference, withDefaultTag, type Reference } from './reference.ts';
import { credentialsOf } from './registry/credentials.ts';
import type { Registries } from './registry/registries.ts';
import { rankPlatform } from './registry/platform.ts';
import { platformOfConfig } from './registry/resolve-image.ts';
import { removeOne } from './remove-image.ts';

/** What the builder does with images: every step of a build is one, without a name, its parent the step before. */
export function createBuildImages(images: Images, registries: Registries): BuildImages {
  const { parts } = images;
  const { catalog, layers, changes } = parts;
  const toBase = ({ id, config }: CatalogImage): BaseImage => ({ id, config });
  const find = (text: string, platform: string): BaseImage | undefined => {
    const image = findOrNone(parts.catalog, text);
    if (!image || (platform !== '' && !isOf(image, registries.parsePlatform(platform)))) return undefined;
    return toBase(image);
  };
  return {
    layers,
    find,
    lowerDirectories: (id) => images.lowerDirectories(id),
    async pull({ reference: text, platform, credentials, signal, tell }) {
      const reference = withDefaultTag(parseReference(text));
      await registries.pull({
        reference,
        platform: platform === '' ? undefined : registries.parsePlatform(platform),
        credentials: credentialsOf(credentials[hostKey(reference)]),
        signal,
        tell,
      });
      const image = catalog.byReference(reference);
      if (!image) throw notFound(`No such image: ${text}`);
      return toBase(image);
    },
    addStep: (config, parent, layer) => addStep(parts, config, parent, layer),
    flush: () => changes.run(() => catalog.save()),
    async adopt(upper, signal) {
      if ((await readdir(upper)).length === 0) return undefined;
      const { diffId } = await layers.adopt(upper, signal);
      if (diffId !== EMPTY_DIFF_ID) return diffId;
      await layers.release(diffId);
      return undefined;
    },
    async removeSteps(ids) {
      const before = layersBytes(images);
      await changes.run(async () => {
        for (const id of ids) {
          const image = catalog.byId(id);
          if (!image || catalog.referencesOf(id).length > 0 || catalog.childrenOf(id).length > 0) continue;
          // A container of it, or a removal that was faster: it stays, or is gone.
          await removeOne(parts, id, { force: false, prune: false }).catch(ignoreExpected);
        }
      });
      return Math.max(0, before - layersBytes(images));
    },
    async tag(id, name) {
      const reference = withDefaultTag(parseReference(name));
      await images.tag(id, formatFamiliar({ ...reference, tag: undefined }), reference.tag);
      return formatFamiliar(reference);
    },
    isNeeded: (id) =>
      catalog.referencesOf(id).length > 0 ||
      catalog.childrenOf(id).length > 0 ||
      parts.users.usersOf(id).length > 0,
  };
}

/**
 * Not on disk before the catalogue is written next: twenty ENV lines are one write. Takes over one reference on `layer`,
 * whatever happens.
 */
async function addStep(
  { catalog, layers, blobs }: Images['parts'],
  config: OciImageConfig,
  parent: string | undefined,
  layer: string | undefined,
): Promise<string> {
  const below = layer === undefined ? config.rootfs.diff_ids : config.rootfs.diff_ids.slice(0, -1);
  for (const diffId of below) layers.acquire(diffId);
  let taken = false;
  try {
    const id = blobs.putLazily(Buffer.from(JSON.stringify(config)));
    taken = catalog.addStep(id, config, parent ?? '');
    return id;
  } finally {
    if (!taken) for (const diffId of config.rootfs.diff_ids) await layers.release(diffId);
  }
}

function findOrNone(catalog: Images['parts']['catalog'], text: string): CatalogImage | undefined {
  try {
    return catalog.find(text);
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

function isOf(image: CatalogImage, platform: ReturnType<Registries['parsePlatform']>): boolean {
  return rankPlatform(platformOfConfig(image.config), platform) !== undefined;
}

/** How clients name a registry in X-Registry-Config. */
function hostKey({ name }: Reference): string {
  const host = name.split('/', 1)[0] ?? '';
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

function layersBytes({ parts }: Images): number {
  return parts.layers.list().reduce((sum, layer) => sum + layer.sizeBytes, 0);
}

function ignoreExpected(error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
}
