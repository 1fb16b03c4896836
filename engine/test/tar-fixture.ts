import { createHash } from 'node:crypto';

export interface TarEntry {
  name: string;
  /** Default: a file. */
  type?: 'file' | 'hard-link' | 'symlink' | 'directory' | 'pax';
  content?: string | Buffer;
  link?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

const TYPES = { file: '0', 'hard-link': '1', symlink: '2', directory: '5', pax: 'x' };

/** A ustar archive of exactly these entries, hostile names included. */
export function tar(entries: TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    return [header(entry, content.length), content, Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function header({ name, type = 'file', link = '', mode = 0o644, uid = 0, gid = 0 }: TarEntry, size: number) {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  };
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  block.fill(' ', 148, 156);
  block.write(TYPES[type], 156);
  block.write(link, 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

interface ImageFixture {
  /** Uncompressed layer tars. */
  layers: Buffer[];
  tags: string[];
  /** On top of linux/amd64 and the diff-ids. */
  config?: object;
  /** Instead of the true ones. */
  diffIds?: string[];
}

function configOf({ layers, config, diffIds }: ImageFixture): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2024-01-02T03:04:05Z',
      rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((layer) => `sha256:${sha256(layer)}`) },
      ...config,
    }),
  );
}

/** A `docker save` archive. */
export function dockerArchive(...images: ImageFixture[]): Buffer {
  const entries: TarEntry[] = [];
  const manifest = images.map((image) => {
    const config = configOf(image);
    const layers = image.layers.map((layer, index) => ({
      name: `${sha256(config).slice(0, 16)}-${index}/layer.tar`,
      content: layer,
    }));
    entries.push({ name: `${sha256(config)}.json`, content: config }, ...layers);
    return {
      Config: `${sha256(config)}.json`,
      RepoTags: image.tags,
      Layers: layers.map(({ name }) => name),
    };
  });
  return tar([...entries, { name: 'manifest.json', content: JSON.stringify(manifest) }]);
}

/** An OCI layout as one tar; `compress` makes the layers' blobs. */
export function ociArchive(image: ImageFixture, compress: (layer: Buffer) => Buffer): Buffer {
  const blobs: TarEntry[] = [];
  const add = (mediaType: string, content: Buffer) => {
    blobs.push({ name: `blobs/sha256/${sha256(content)}`, content });
    return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length };
  };
  const config = add('application/vnd.oci.image.config.v1+json', configOf(image));
  const layers = image.layers.map((layer) =>
    add('application/vnd.oci.image.layer.v1.tar+gzip', compress(layer)),
  );
  const manifest = add(
    'application/vnd.oci.image.manifest.v1+json',
    Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers })),
  );
  const manifests = image.tags.map((tag) => ({
    ...manifest,
    annotations: { 'io.containerd.image.name': tag },
  }));
  return tar([
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ...blobs,
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
  ]);
}

/** The files of a plain archive by name, in order. */
export function readTar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let offset = 0; archive[offset] !== 0 && offset < archive.length;) {
    const text = (start: number, length: number): string =>
      archive.toString('utf8', offset + start, offset + start + length).split('\0', 1)[0] ?? '';
    const size = parseInt(text(124, 12), 8);
    const content = archive.subarray(offset + 512, offset + 512 + size);
    files.set(text(0, 100), content);
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
