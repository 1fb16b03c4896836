import type { FilePlace } from '../../../electron/api/types.ts';
import { api } from '../api/client.ts';
import { receiveParts, sendParts } from '../api/parts.ts';
import { saveBlob } from '../design/save-file.ts';

/** A file as it is, a folder as a tar. */
export async function downloadFile(place: FilePlace, fallbackName: string): Promise<void> {
  let fileName = fallbackName;
  const parts = await api.files.download(place);
  async function* named() {
    for await (const part of parts) {
      fileName = part.fileName ?? fileName;
      yield part;
    }
  }
  const blob = await receiveParts(named(), 'application/octet-stream');
  saveBlob(fileName, blob);
}

/** `place`: where the file is to be. */
export async function uploadFile(
  place: FilePlace,
  file: File,
  onProgress?: (sentBytes: number) => void,
): Promise<void> {
  const { uploadId } = await api.files.uploadBegin({ ...place, sizeBytes: file.size });
  await sendParts(file, (chunk) => api.files.uploadChunk({ uploadId, chunk }), onProgress);
  await api.files.uploadFinish({ uploadId });
}
