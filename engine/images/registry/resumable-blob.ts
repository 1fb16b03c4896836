import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { errnoOf, invalidArgument, messageOf } from '../../lib/errors.ts';
import type { ByteSource } from '../decompress.ts';
import type { Descriptor } from './manifest.ts';
import { RegistryError } from './registry-error.ts';

interface BlobRequest {
  descriptor: Descriptor;
  /** Begins at `offset`, or answers 200 with everything. */
  open: (offset: number, signal: AbortSignal) => Promise<IncomingMessage>;
  signal: AbortSignal;
  /** Told before each wait for another attempt, seconds. */
  retrying: (seconds: number) => void;
}

/** Attempts in a row without a single byte. */
const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 500;

/**
 * The bytes of a blob. A connection that drops is opened again where it broke, so whoever reads does not notice.
 * SECURITY: no more bytes than the manifest promised are ever handed on; that they are the right ones is for the
 * digest to say. Throws RegistryError, invalid-argument for a blob of another length.
 */
export async function* readResumableBlob(request: BlobRequest): ByteSource {
  const { descriptor, signal } = request;
  let offset = 0;
  for (let attempt = 1; offset < descriptor.size || attempt === 1; attempt += 1) {
    const before = offset;
    try {
      for await (const chunk of await openAt(request, offset)) {
        offset += chunk.length;
        if (offset > descriptor.size)
          throw invalidArgument(`the blob ${descriptor.digest} is longer than ${descriptor.size} bytes`);
        yield chunk;
      }
      if (offset === descriptor.size) return;
      throw new RegistryError('unexpected EOF', { transport: true });
    } catch (error) {
      if (offset > before) attempt = 1;
      if (signal.aborted || attempt === MAX_ATTEMPTS || !isTransient(error)) throw shown(error);
      const waitMs = FIRST_DELAY_MS * 2 ** (attempt - 1);
      if (waitMs >= 1000) request.retrying(Math.round(waitMs / 1000));
      await delay(waitMs, undefined, { signal });
    }
  }
}

/** A registry that knows no ranges sends everything again: what is known is skipped. */
async function openAt({ open, signal }: BlobRequest, offset: number): Promise<ByteSource> {
  const response = await open(offset, signal);
  const skip = response.statusCode === 206 ? offset - startOf(response) : offset;
  if (skip < 0) {
    response.destroy();
    throw new RegistryError('the registry answered with another range than was asked for');
  }
  return skip === 0 ? response : skipping(response, skip);
}

function startOf(response: IncomingMessage): number {
  return Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? Number.NaN);
}

async function* skipping(source: ByteSource, bytes: number): ByteSource {
  let left = bytes;
  for await (const chunk of source) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof RegistryError) return error.retryable;
  const errno = errnoOf(error) ?? '';
  return ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE', 'ETIMEDOUT'].includes(errno) || isCut(error);
}

const isCut = (error: unknown): boolean =>
  ['aborted', 'i/o timeout', 'socket hang up'].includes(messageOf(error));

/** In Go's words, where Node has others. */
function shown(error: unknown): unknown {
  const cut = errnoOf(error) === 'ECONNRESET' || errnoOf(error) === 'ERR_STREAM_PREMATURE_CLOSE';
  return cut && !(error instanceof RegistryError)
    ? new RegistryError('unexpected EOF', { cause: error })
    : error;
}
