import { invalidArgument, messageOf } from '../lib/errors.ts';
import { isObject, listOf } from '../lib/field-types.ts';
import { digestOf } from './blob-store.ts';
import { parseImageConfig } from './image-config.ts';
import type { OciImageConfig } from './image-store.ts';
import { isSha256, parseReference, type Reference } from './reference.ts';

/** One image of an archive: what to unpack and what to call it. */
export interface ArchivedImage {
  id: string;
  config: OciImageConfig;
  configBlob: Buffer;
  /** Lowest first; `digest` is of the bytes in the archive, where the archive states it. */
  layers: { entry: string; digest: string | undefined }[];
  references: Reference[];
}

/** The small files of an archive. */
interface ArchiveFiles {
  has(name: string): boolean;
  /** Throws invalid-argument where there is none. */
  read(name: string): Buffer;
}

/** Hostile input: nothing of it is taken for what it says. */
interface DockerManifestItem {
  Config?: unknown;
  RepoTags?: unknown;
  Layers?: unknown;
}

interface Descriptor {
  digest?: string;
  annotations?: Record<string, unknown> | null;
  platform?: { os?: string; architecture?: string } | null;
}

const MAX_NESTING = 4;
const HEX_NAME = /^(?:.*\/)?([0-9a-f]{64})(?:\.json)?$/;
const ARCHITECTURES: Partial<Record<string, string>> = {
  x64: 'amd64',
  arm: 'arm',
  arm64: 'arm64',
  ia32: '386',
};

/**
 * The images of a `docker save` archive (manifest.json) or an OCI layout (index.json). Digests that the archive states
 * are verified. Throws invalid-argument.
 */
export function readArchiveManifest(archive: ArchiveFiles): ArchivedImage[] {
  if (archive.has('manifest.json')) return readDockerManifest(archive);
  if (archive.has('index.json')) return readOciIndex(archive);
  throw invalidArgument(
    'invalid archive: it holds neither manifest.json nor index.json (a root file system is for docker import)',
  );
}

function readDockerManifest(archive: ArchiveFiles): ArchivedImage[] {
  const manifest: unknown = readJsonEntry(archive, 'manifest.json');
  if (!isItemList<DockerManifestItem>(manifest)) {
    throw invalidArgument('invalid archive: manifest.json is not a list of objects');
  }
  const images: ArchivedImage[] = [];
  for (const { Config, RepoTags, Layers } of manifest) {
    if (typeof Config !== 'string') throw invalidArgument('invalid archive: an image without Config');
    const named = HEX_NAME.exec(Config)?.[1];
    const layers = stringsOf(Layers).map((entry) => ({ entry, digest: undefined }));
    const references = stringsOf(RepoTags).map(parseTag);
    const digest = named === undefined ? undefined : `sha256:${named}`;
    images.push({ ...readConfig(archive, Config, digest, layers.length), layers, references });
  }
  return images;
}

function stringsOf(value: unknown): string[] {
  const list = value ?? [];
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) {
    throw invalidArgument('invalid archive: manifest.json is malformed');
  }
  return list;
}

function parseTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag === undefined) throw invalidArgument(`invalid tag ${JSON.stringify(text)}`);
  return reference;
}

function readConfig(archive: ArchiveFiles, entry: string, digest: string | undefined, layerCount: number) {
  const configBlob = archive.read(entry);
  const id = digestOf(configBlob);
  if (digest !== undefined && digest !== id) {
    throw invalidArgument(`invalid archive: ${entry} is damaged, its digest is ${id}`);
  }
  const config = parseImageConfig(configBlob);
  const expected = config.rootfs.diff_ids.length;
  if (expected !== layerCount) {
    throw invalidArgument(
      `invalid manifest, layers length mismatch: expected ${expected}, got ${layerCount}`,
    );
  }
  return { id, config, configBlob };
}

function readOciIndex(archive: ArchiveFiles): ArchivedImage[] {
  const { manifests } = readJsonEntry(archive, 'index.json') as { manifests?: unknown };
  const images: ArchivedImage[] = [];
  for (const descriptor of descriptorsOf(manifests)) {
    const image = readOciImage(archive, descriptor, 0);
    if (image) images.push({ ...image, references: referencesOf(descriptor) });
  }
  if (images.length === 0) throw invalidArgument('invalid archive: no image for this platform in index.json');
  return images;
}

/** The image a descriptor stands for, chosen by platform from an index; undefined for attestations and the like. */
function readOciImage(
  archive: ArchiveFiles,
  descriptor: Descriptor,
  depth: number,
): Omit<ArchivedImage, 'references'> | undefined {
  if (depth > MAX_NESTING) throw invalidArgument('invalid archive: indexes nested too deep');
  if (descriptor.platform?.os === 'unknown') return undefined;
  const manifest = readBlobJson(archive, descriptor) as {
    manifests?: unknown;
    config?: Descriptor;
    layers?: unknown;
  };
  if (manifest.manifests) {
    const architecture = ARCHITECTURES[process.arch] ?? process.arch;
    const usable = descriptorsOf(manifest.manifests).filter(({ platform }) => platform?.os !== 'unknown');
    const chosen = usable.find(({ platform }) => platform?.architecture === architecture) ?? usable[0];
    return chosen && readOciImage(archive, chosen, depth + 1);
  }
  if (!manifest.config) return undefined;
  const layers = descriptorsOf(manifest.layers).map((layer) => ({
    entry: blobEntry(layer),
    digest: layer.digest,
  }));
  const { digest } = manifest.config;
  return { ...readConfig(archive, blobEntry(manifest.config), digest, layers.length), layers };
}

/** Full names only: a bare `latest` says nothing about the repository. */
function referencesOf({ annotations }: Descriptor): Reference[] {
  const name =
    annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'];
  if (typeof name !== 'string' || !/[:/]/.test(name)) return [];
  const reference = parseReference(name);
  return reference.tag === undefined ? [] : [{ ...reference, digest: undefined }];
}

const isItemList = <T>(value: unknown): value is T[] => listOf(value, isObject);

function descriptorsOf(value: unknown): Descriptor[] {
  const list = value ?? [];
  if (!isItemList<Descriptor>(list)) throw invalidArgument('invalid archive: not a list of descriptors');
  return list;
}

function blobEntry({ digest }: Descriptor): string {
  if (typeof digest !== 'string' || !isSha256(digest)) throw invalidArgument('invalid archive: bad digest');
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}

function readBlobJson(archive: ArchiveFiles, descriptor: Descriptor): object {
  const entry = blobEntry(descriptor);
  const data = archive.read(entry);
  if (digestOf(data) !== descriptor.digest) throw invalidArgument(`invalid archive: ${entry} is damaged`);
  return parseJson(entry, data);
}

function readJsonEntry(archive: ArchiveFiles, entry: string): object {
  return parseJson(entry, archive.read(entry));
}

function parseJson(entry: string, data: Buffer): object {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (error) {
    throw invalidArgument(`invalid archive: ${entry}: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw invalidArgument(`invalid archive: ${entry}`);
  return value;
}
