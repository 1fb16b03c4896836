import { digestOf } from './blob-store.ts';
import { applyChanges } from './config-changes.ts';
import type { ByteSource } from './decompress.ts';
import type { OciImageConfig } from './image-store.ts';
import { registerImage, type ImageParts } from './images.ts';
import { formatFamiliar, type Reference } from './reference.ts';

interface ImportRequest {
  /** A root file system as a tar, compressed or not. */
  source: ByteSource;
  reference: Reference | undefined;
  /** Dockerfile instructions. */
  changes: string[];
  message: string;
  /** Go's name, e.g. `amd64`. */
  architecture: string;
  signal: AbortSignal;
}

/** `docker import`: one layer, a fresh configuration. Resolves with the image's ID. */
export async function importImage(parts: ImageParts, request: ImportRequest): Promise<string> {
  const { source, reference, message, architecture, signal } = request;
  // Before the upload is read: a wrong instruction must not cost it.
  const config = applyChanges({}, request.changes);
  const layer = await parts.layers.ingest({ signal }, source);
  const created = new Date().toISOString();
  const image: OciImageConfig = {
    created,
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment: message }],
  };
  const configBlob = Buffer.from(JSON.stringify(image));
  const id = digestOf(configBlob);
  const references = reference ? [reference] : [];
  await registerImage(parts, { id, config: image, configBlob, references });
  const name = reference ? formatFamiliar(reference) : id;
  parts.events.publish({ type: 'image', action: 'import', actor: { id, attributes: { name } } });
  return id;
}
