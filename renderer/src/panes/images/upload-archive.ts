import { api } from '../../api/client.ts';
import { sendParts } from '../../api/parts.ts';

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
  await sendParts(file, (chunk) => api.images.loadChunk({ uploadId, chunk }), onProgress);
  const { messages } = await api.images.loadFinish({ uploadId });
  return messages;
}
