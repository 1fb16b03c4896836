import { invalidArgument } from '../../lib/errors.ts';
import { isObject, isText } from '../../lib/field-types.ts';
import { isSha256 } from '../reference.ts';

export const MEDIA_TYPES = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** What we can read, for `Accept`: schema 1 is asked for by nobody who can say that it is gone. */
export const ACCEPTED_MANIFESTS = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
].join(', ');

/** Largest manifest or index, bytes: what registries themselves accept. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** SECURITY: an index of indexes of indexes … ends here. */
export const MAX_INDEX_DEPTH = 4;
const MAX_INDEX_ENTRIES = 1000;
const MAX_LAYERS = 1000;

export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  /** Where the content of a foreign layer may also be had. */
  urls: string[];
}

export interface ManifestPlatform {
  os: string;
  architecture: string;
  variant: string;
  osVersion: string;
}

export interface IndexEntry extends Descriptor {
  platform: ManifestPlatform | undefined;
}

export type Manifest =
  | { kind: 'image'; mediaType: string; config: Descriptor; layers: Descriptor[] }
  | { kind: 'index'; mediaType: string; manifests: IndexEntry[] };

const IMAGE_CONFIGS = [
  MEDIA_TYPES.dockerConfig,
  'application/vnd.oci.image.config.v1+json',
  // What registries of old made of it (docker/distribution#1621).
  'application/octet-stream',
  'application/json',
  'text/html',
  '',
];
const LAYER_TYPES = [
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/octet-stream',
];

/**
 * Reads a manifest or an index. SECURITY: hostile input; everything that is used later is checked here, and the media
 * type is taken from the content only where it agrees with `contentType`. Throws invalid-argument.
 */
export function parseManifest(bytes: Uint8Array, contentType: string, shown: string): Manifest {
  const value = parseJson(bytes);
  if (value['schemaVersion'] === 1 || /docker\.distribution\.manifest\.v1\+/.test(contentType))
    throw schema1Error(shown);
  const declared = value['mediaType'];
  const mediaType = typeof declared === 'string' && declared !== '' ? declared : contentType;
  const isIndex = mediaType === MEDIA_TYPES.dockerList || mediaType === MEDIA_TYPES.ociIndex;
  const isImage = mediaType === MEDIA_TYPES.dockerManifest || mediaType === MEDIA_TYPES.ociManifest;
  if (!isIndex && !isImage) throw invalidArgument(`unsupported media type ${JSON.stringify(mediaType)}`);
  // CVE-2021-41190: one text must not be an image for one reader and an index for another.
  if (isIndex && (value['layers'] !== undefined || value['config'] !== undefined))
    throw invalidArgument('invalid manifest: an index with the fields of an image');
  if (isImage && value['manifests'] !== undefined)
    throw invalidArgument('invalid manifest: an image with the fields of an index');
  if (isIndex) return { kind: 'index', mediaType, manifests: indexEntries(value['manifests']) };
  const config = descriptorOf(value['config'], 'config');
  if (!IMAGE_CONFIGS.includes(config.mediaType)) {
    throw invalidArgument(
      `Encountered remote ${JSON.stringify(config.mediaType)}(${classOf(config.mediaType)}) when fetching`,
    );
  }
  return { kind: 'image', mediaType, config, layers: layersOf(value['layers']) };
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw invalidArgument('invalid manifest: not JSON', { cause: error });
  }
  if (!isObject(value)) throw invalidArgument('invalid manifest: not an object');
  return value;
}

function schema1Error(shown: string): Error {
  return invalidArgument(
    `Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of ${shown} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/`,
  );
}

function classOf(mediaType: string): string {
  return mediaType === 'application/vnd.docker.plugin.v1+json' ? 'plugin' : 'unknown';
}

function indexEntries(value: unknown): IndexEntry[] {
  const list = listOfObjects(value ?? [], 'manifests', MAX_INDEX_ENTRIES);
  return list.map((item) => ({ ...descriptorOf(item, 'manifests'), platform: platformOf(item['platform']) }));
}

function layersOf(value: unknown): Descriptor[] {
  return listOfObjects(value ?? [], 'layers', MAX_LAYERS).map((item) => {
    const layer = descriptorOf(item, 'layers');
    const base = layer.mediaType.toLowerCase().replace(/[.+](?:gzip|zstd)$/, '');
    if (!LAYER_TYPES.includes(base)) throw invalidArgument(`unsupported media type ${layer.mediaType}`);
    return layer;
  });
}

function listOfObjects(value: unknown, name: string, limit: number): Record<string, unknown>[] {
  if (!Array.isArray(value) || !value.every(isObject))
    throw invalidArgument(`invalid manifest: ${name} is no list of descriptors`);
  if (value.length > limit) throw invalidArgument(`invalid manifest: more than ${limit} ${name}`);
  return value;
}

function descriptorOf(value: unknown, name: string): Descriptor {
  if (!isObject(value)) throw invalidArgument(`invalid manifest: ${name} is no descriptor`);
  const { mediaType = '', digest, size, urls } = value;
  if (typeof digest !== 'string' || !isSha256(digest))
    throw invalidArgument(`invalid manifest: the digest of ${name} is not sha256`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalidArgument(`invalid manifest: the size of ${name} is no number of bytes`);
  if (typeof mediaType !== 'string')
    throw invalidArgument(`invalid manifest: the media type of ${name} is no text`);
  return { mediaType, digest, size, urls: Array.isArray(urls) ? urls.filter((url) => isText(url)) : [] };
}

function platformOf(value: unknown): ManifestPlatform | undefined {
  if (!isObject(value)) return undefined;
  const field = (name: string): string => {
    const text = value[name];
    return typeof text === 'string' ? text : '';
  };
  const platform = {
    os: field('os'),
    architecture: field('architecture'),
    variant: field('variant'),
    osVersion: field('os.version'),
  };
  return platform.os === '' && platform.architecture === '' ? undefined : platform;
}

/** Layers whose licence kept them out of registries; their content is at their URLs. */
export const isForeign = ({ mediaType }: Descriptor): boolean =>
  mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.');
