import type { IncomingMessage } from 'node:http';

/** The whole body, or undefined when it is larger than `limit` bytes (SECURITY: an answer may never end). */
export async function readAtMost(response: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early closes the connection.
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
