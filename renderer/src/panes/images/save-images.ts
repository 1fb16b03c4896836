import { api } from '../../api/client.ts';
import { fromBase64, saveBlob } from '../../design/save-file.ts';

/** `docker save` into a download; `onProgress` gets the bytes so far. The browser keeps large blobs on its disk. */
export async function saveImages(names: string[], onProgress: (bytes: number) => void): Promise<void> {
  const parts: Blob[] = [];
  let bytes = 0;
  for await (const { chunk } of await api.images.save({ names })) {
    const part = fromBase64(chunk);
    bytes += part.length;
    parts.push(new Blob([part]));
    onProgress(bytes);
  }
  saveBlob(archiveName(names), new Blob(parts, { type: 'application/x-tar' }));
}

/** `host:5000/team/app:1.0` → `team-app-1.0.tar` */
export function archiveName(names: readonly string[]): string {
  if (names.length !== 1) return 'images.tar';
  const path = (names[0] ?? '').split('/');
  if (path.length > 1 && /[.:]/.test(path[0] ?? '')) path.shift();
  return `${path.join('-').replaceAll(/[^\w.-]+/g, '-')}.tar`;
}
