import { fromBase64, toBase64 } from '../design/save-file.ts';

/** A multiple of 3, so that only the last part carries base64 padding. */
export const partBytes = 3 * 170 * 1024;

type Progress = (bytes: number) => void;

/** Sends a file in parts that the typed API can carry, each when the one before has been taken. */
export async function sendParts(
  file: Blob,
  send: (chunk: string) => Promise<void>,
  onProgress: Progress = () => undefined,
): Promise<void> {
  for (let offset = 0; offset < file.size; offset += partBytes) {
    const part = new Uint8Array(await file.slice(offset, offset + partBytes).arrayBuffer());
    await send(toBase64(part));
    onProgress(Math.min(offset + partBytes, file.size));
  }
}

/** A body that comes in parts. The browser keeps large blobs on its disk. */
export async function receiveParts(
  parts: AsyncIterable<{ chunk: string }>,
  type: string,
  onProgress: Progress = () => undefined,
): Promise<Blob> {
  const blobs: Blob[] = [];
  let bytes = 0;
  for await (const { chunk } of parts) {
    const part = fromBase64(chunk);
    bytes += part.length;
    blobs.push(new Blob([part]));
    onProgress(bytes);
  }
  return new Blob(blobs, { type });
}
