import { EngineError, invalidArgument } from '../../lib/errors.ts';
import type { ByteSource } from '../decompress.ts';
import type { Connections } from './connections.ts';

/** Fetches a file of the web; without a scheme it is http, as Docker has it. Throws when it is not there. */
export async function downloadFile(
  connections: Connections,
  text: string,
  signal: AbortSignal,
): Promise<{ content: ByteSource; lengthBytes: number }> {
  const address = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw invalidArgument(`invalid URL ${JSON.stringify(text)}`);
  const client = await connections.clientFor(url.host);
  const response = await client.request({ method: 'GET', url, signal });
  if (response.statusCode !== 200) {
    response.resume();
    const reason = `${response.statusCode} ${response.statusMessage ?? ''}`.trim();
    throw new EngineError('internal', `failed to GET ${url.origin}${url.pathname} with status ${reason}`);
  }
  return { content: response, lengthBytes: Number(response.headers['content-length'] ?? 0) };
}
