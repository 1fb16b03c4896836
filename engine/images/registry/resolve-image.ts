import { notFound, invalidArgument } from '../../lib/errors.ts';
import { MAX_CONFIG_BYTES, parseImageConfig } from '../image-config.ts';
import type { OciImageConfig } from '../image-store.ts';
import { formatReference, type Reference } from '../reference.ts';
import { MAX_INDEX_DEPTH, parseManifest, type IndexEntry, type Manifest } from './manifest.ts';
import { formatPlatform, normalize, rankPlatform, type Platform } from './platform.ts';
import { RegistryError } from './registry-error.ts';
import type { RawManifest, Repository } from './repository.ts';

export type ImageManifest = Extract<Manifest, { kind: 'image' }>;

/** An image that was found behind a reference. */
export interface ResolvedImage {
  manifest: ImageManifest;
  /** From what the reference names (an index, mostly) down to the image's own manifest. */
  path: RawManifest[];
}

/**
 * Fetches what `reference` names and goes down to the manifest of one image: that of the best platform for `wanted`.
 * Throws not-found where an index has none, invalid-argument for what cannot be an image.
 */
export async function resolveImage(
  repository: Repository,
  reference: Reference,
  wanted: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const path: RawManifest[] = [];
  let next = reference.digest ?? reference.tag ?? 'latest';
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth += 1) {
    const raw = await repository.manifest(next, signal);
    path.push(raw);
    const manifest = parseManifest(raw.bytes, raw.mediaType, formatReference(reference));
    if (manifest.kind === 'image') return { manifest, path };
    next = choose(manifest.manifests, wanted).digest;
  }
  throw invalidArgument(`invalid manifest: indexes nested more than ${MAX_INDEX_DEPTH} deep`);
}

/** Entries that say no platform may be anything and come last. */
function choose(entries: IndexEntry[], wanted: Platform): IndexEntry {
  const ranked = entries.flatMap((entry) => {
    if (isAttestation(entry)) return [];
    const { platform } = entry;
    const rank = platform ? rankPlatform(platform, wanted) : Number.MAX_SAFE_INTEGER;
    return rank === undefined ? [] : [{ entry, rank }];
  });
  const [best] = ranked.toSorted((a, b) => a.rank - b.rank);
  if (!best)
    throw notFound(`no matching manifest for ${formatPlatform(wanted)} in the manifest list entries`);
  return best.entry;
}

/** BuildKit's provenance and the like stand in an index as images of the platform `unknown/unknown`. */
export const isAttestation = ({ platform }: IndexEntry): boolean => platform?.os === 'unknown';

/** The image's configuration, verified, and agreeing with its manifest. */
export async function fetchConfig(
  repository: Repository,
  manifest: ImageManifest,
  signal: AbortSignal,
): Promise<{ blob: Buffer; config: OciImageConfig }> {
  const { digest, size } = manifest.config;
  if (size > MAX_CONFIG_BYTES) {
    throw invalidArgument(
      `error pulling image configuration: ${size} bytes are more than the ${MAX_CONFIG_BYTES} that are allowed`,
    );
  }
  const blob = await repository.readBlob(digest, MAX_CONFIG_BYTES, signal).catch((error: unknown) => {
    if (!(error instanceof RegistryError)) throw error;
    throw new RegistryError(`error pulling image configuration: ${error.message}`, { cause: error });
  });
  const config = parseImageConfig(blob);
  if (config.rootfs.diff_ids.length !== manifest.layers.length)
    throw invalidArgument("layers from manifest don't match image configuration");
  return { blob, config };
}

export function platformOfConfig({ os, architecture, variant }: OciImageConfig): Platform {
  return normalize({ os, architecture, variant: variant ?? '' });
}
