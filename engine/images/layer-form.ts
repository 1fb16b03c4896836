import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../lib/errors.ts';
import { decompress, type ByteSource } from './decompress.ts';
import { readPart } from './file-part.ts';
import type { Layer } from './layer-store.ts';
import { startNative } from './native-process.ts';

/**
 * How a layer is kept in its directory:
 * - `image`: `layer.erofs`, the tar with an EROFS index around it (native/erofs_image.h), which the kernel mounts as it
 *   is. Nothing is extracted, the tar is there for save and push, removing is one unlink.
 * - `blob`: `diff/`, the extracted files, and `blob`, the bytes as they came, for the tar. For kernels that do not
 *   mount EROFS from a file, and in user namespaces.
 * - `tree`: `diff/` alone, once a container's writable layer; its tar is made of it again.
 * - `lost`: `diff/` of a data root of version 1, whose tar was not kept.
 */
export type LayerForm = 'image' | 'blob' | 'tree' | 'lost';

/** Bytes in front of the tar in `layer.erofs` (EROFS_HEAD). */
export const IMAGE_HEAD_BYTES = 4096;
const TAR_BLOCK = 512;

/** What the runtime lays into an overlay: a directory, or an image file. */
export function lowerOf(form: LayerForm, place: string): string {
  return path.join(place, form === 'image' ? 'layer.erofs' : 'diff');
}

/** The exact tar. A layer was verified when it came; what is made again from files is verified while it is read. */
export function tarOf(
  form: LayerForm,
  { binary, place, layer }: { binary: string; place: string; layer: Layer },
): ByteSource {
  const { diffId, tarBytes } = layer;
  if (form === 'image')
    return readPart({ file: lowerOf(form, place), offset: IMAGE_HEAD_BYTES, sizeBytes: tarBytes });
  if (form === 'tree') return verified(treeTar(binary, lowerOf(form, place)), diffId);
  if (form === 'blob') {
    const whole = { file: path.join(place, 'blob'), offset: 0, sizeBytes: Number.MAX_SAFE_INTEGER };
    return decompress(readPart(whole));
  }
  throw new EngineError('conflict', `the tar of layer ${diffId} was not kept by an earlier Gantry`, {
    hint: 'load or pull the image again',
  });
}

/** What is wrong with a layer's place apart from its tar, whose own digest tells; empty: nothing. */
export async function faultsOf(
  form: LayerForm,
  { place, tarBytes, indexDigest }: { place: string; tarBytes: number; indexDigest: string | undefined },
): Promise<string[]> {
  const lower = lowerOf(form, place);
  const status = await stat(lower).catch(() => undefined);
  if (form !== 'image') return status?.isDirectory() ? [] : ['its files are missing'];
  if (!status?.isFile()) return ['its image is missing'];
  const index = Math.ceil((IMAGE_HEAD_BYTES + tarBytes) / TAR_BLOCK) * TAR_BLOCK;
  if (status.size < index) return ['its image is cut'];
  const hash = createHash('sha256');
  const parts = [
    { file: lower, offset: index, sizeBytes: status.size - index },
    { file: lower, offset: 0, sizeBytes: IMAGE_HEAD_BYTES },
  ];
  for (const part of parts) for await (const chunk of readPart(part)) hash.update(chunk);
  return hash.digest('hex') === indexDigest ? [] : ['the index of its image is damaged'];
}

/** What `treeTar` would give, without its bytes passing through here; `bytes` is the content of files. */
export async function treeFacts(
  binary: string,
  directory: string,
): Promise<{ diffId: string; tarBytes: number; bytes: number }> {
  const { child, exited } = startNative(binary, ['layer-facts', directory], {
    stdin: 'ignore',
    stdout: 'pipe',
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await exited;
  return JSON.parse(text) as { diffId: string; tarBytes: number; bytes: number };
}

/** An overlay upper directory as a layer tar: always the same for the same tree. */
export async function* treeTar(binary: string, directory: string): ByteSource {
  const argv = ['layer-tar', directory];
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  try {
    if (child.stdout) yield* child.stdout as AsyncIterable<Uint8Array>;
    await exited;
  } finally {
    child.kill('SIGKILL');
  }
}

async function* verified(source: ByteSource, diffId: string): ByteSource {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== diffId)
    throw new EngineError('internal', `layer ${diffId} is damaged: its tar is ${actual}`);
}
