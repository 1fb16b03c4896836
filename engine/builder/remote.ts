import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { singleFileTree } from './single-file.ts';
import type { SourceTree } from './source-tree.ts';

export function isWebAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

interface DownloadOptions {
  /** `sha256:…` (or sha384, sha512) of the content. */
  checksum?: string | undefined;
  /** A new file name. */
  spool: string;
  /** When the address names none; undefined: that is an error. */
  fallbackName: string | undefined;
  signal: AbortSignal;
}

const MAX_REDIRECTS = 10;
/** A server that says nothing for so long is given up. */
const SILENCE_MS = 60_000;

/** Fetches a file. Throws invalid-argument with what the server said, or for a wrong checksum. */
export async function download(address: string, options: DownloadOptions): Promise<SourceTree> {
  const { checksum, spool, fallbackName, signal } = options;
  const name = path.posix.basename(decodeURIComponent(new URL(address).pathname)) || fallbackName;
  if (name === undefined) throw invalidArgument(`cannot determine filename for source ${address}`);
  const file = `${spool}.download`;
  try {
    const response = await request(address, signal, MAX_REDIRECTS);
    const hash = checksum === undefined ? undefined : hashFor(checksum);
    response.on('data', (chunk: Buffer) => hash?.update(chunk));
    await pipeline(response, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
    const actual = hash && `${checksum?.split(':')[0]}:${hash.digest('hex')}`;
    if (actual !== checksum?.toLowerCase()) throw invalidArgument(`digest mismatch ${actual}: ${checksum}`);
    const { size } = await stat(file);
    const modifiedAt = Math.max(
      0,
      Math.floor(Date.parse(response.headers['last-modified'] ?? '') / 1000) || 0,
    );
    return await singleFileTree(
      { name, mode: 0o600, sizeBytes: size, modifiedAt },
      createReadStream(file),
      spool,
    );
  } finally {
    await rm(file, { force: true });
  }
}

function hashFor(checksum: string) {
  const [, algorithm = ''] = /^(sha256|sha384|sha512):[0-9a-fA-F]+$/.exec(checksum) ?? [];
  if (algorithm === '') throw invalidArgument(`invalid checksum digest format: ${checksum}`);
  return createHash(algorithm);
}

/** The body of the first answer that is no redirect. */
function request(address: string, signal: AbortSignal, redirects: number): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { protocol } = new URL(address);
    const { get } = protocol === 'https:' ? https : http;
    const call = get(address, { signal, headers: { 'User-Agent': 'gantry' } }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.resume();
        const next = new URL(headers.location, address);
        if (redirects === 0 || !isWebAddress(next.href))
          reject(invalidArgument(`failed to GET ${address}: too many redirects`));
        else request(next.href, signal, redirects - 1).then(resolve, reject);
        return;
      }
      if (statusCode < 200 || statusCode >= 300) {
        response.resume();
        reject(
          invalidArgument(
            `failed to GET ${address} with status ${statusCode} ${response.statusMessage ?? ''}: `,
          ),
        );
        return;
      }
      resolve(response);
    });
    call.setTimeout(SILENCE_MS, () => call.destroy(new Error('the server fell silent')));
    call.once('error', (error) => {
      reject(
        signal.aborted ? error : invalidArgument(`Get "${address}": ${messageOf(error)}`, { cause: error }),
      );
    });
  });
}

/** The body of an address that is a build context or a Dockerfile. */
export function openRemote(address: string, signal: AbortSignal): Promise<http.IncomingMessage> {
  return request(address, signal, MAX_REDIRECTS);
}
