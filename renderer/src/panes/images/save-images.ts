import { api } from '../../api/client.ts';
import { receiveParts } from '../../api/parts.ts';
import { saveBlob } from '../../design/save-file.ts';

/** `docker save` into a download; `onProgress` gets the bytes so far. */
export async function saveImages(names: string[], onProgress: (bytes: number) => void): Promise<void> {
  const blob = await receiveParts(await api.images.save({ names }), 'application/x-tar', onProgress);
  saveBlob(archiveName(names), blob);
}

/** `host:5000/team/app:1.0` → `team-app-1.0.tar` */
export function archiveName(names: readonly string[]): string {
  if (names.length !== 1) return 'images.tar';
  const path = (names[0] ?? '').split('/');
  if (path.length > 1 && /[.:]/.test(path[0] ?? '')) path.shift();
  return `${path.join('-').replaceAll(/[^\w.-]+/g, '-')}.tar`;
}
