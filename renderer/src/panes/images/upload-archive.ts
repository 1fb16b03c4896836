import { api } from '../../api/client.ts';
import { toBase64 } from '../../design/save-file.ts';

/** A multiple of 3, so that only the last part carries base64 padding. */
export const chunkBytes = 3 * 170 * 1024;

/**
 * Sends a `docker save` archive, or a root file system to be called `importAs`, in parts; `onProgress` gets the bytes
 * sent so far. Resolves with the engine's words.
 */
export async function uploadArchive(
  file: Blob,
  onProgress: (sentBytes: number) => void,
  importAs?: string,
): Promise<string[]> {
  const { uploadId } = await api.images.loadBegin(importAs === undefined ? undefined : { importAs });
  for (let offset = 0; offset < file.size; offset += chunkBytes) {
    const part = new Uint8Array(await file.slice(offset, offset + chunkBytes).arrayBuffer());
    await api.images.loadChunk({ uploadId, chunk: toBase64(part) });
    onProgress(Math.min(offset + chunkBytes, file.size));
  }
  const { messages } = await api.images.loadFinish({ uploadId });
  return messages;
}
