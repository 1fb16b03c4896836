import { api } from '../../api/client.ts';
import { fromBase64, saveBlob, toBase64 } from '../../design/save-file.ts';

export const maxUploadBytes = 20 * 1024 * 1024;

/** A file as it is, a folder as a tar. */
export async function downloadFile(id: string, path: string, fallbackName: string): Promise<void> {
  let fileName = fallbackName;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of await api.files.download({ id, path })) {
    fileName = part.fileName ?? fileName;
    parts.push(fromBase64(part.chunk));
  }
  saveBlob(fileName, new Blob(parts, { type: 'application/octet-stream' }));
}

export async function uploadFile(id: string, directory: string, file: File): Promise<void> {
  const content = toBase64(new Uint8Array(await file.arrayBuffer()));
  await api.files.upload({ id, directory, name: file.name, content });
}
