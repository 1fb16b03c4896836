import type { IncomingMessage } from 'node:http';
import { invalidArgument } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import { digestOf } from '../blob-store.ts';
import type { ByteSource } from '../decompress.ts';
import { readAtMost } from './bounded-body.ts';
import { ACCEPTED_MANIFESTS, MAX_MANIFEST_BYTES } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import type { RegistryRequest, RegistrySession } from './registry-session.ts';

/** A manifest or index exactly as the registry keeps it. */
export interface RawManifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

/** What an upload is continued with: the registry names a new place after each step. */
export type UploadLocation = string;

const MAX_LIST_BYTES = 8 * 1024 * 1024;
/** SECURITY: a registry may claim to have always one more page. */
const MAX_PAGES = 1000;
const PAGE = 1000;

/** One repository of a registry (distribution spec v2), asked with the rights of `actions`. */
export class Repository {
  readonly session: RegistrySession;
  readonly name: string;
  readonly #scopes: string[];

  constructor(session: RegistrySession, name: string, actions: 'pull' | 'push,pull') {
    this.session = session;
    this.name = name;
    this.#scopes = [`repository:${name}:${actions}`];
  }

  #ask(request: Omit<RegistryRequest, 'scopes' | 'accept'> & { accept?: number[]; scopes?: string[] }) {
    return this.session.request({ scopes: this.#scopes, accept: [200], ...request });
  }

  /** By tag or digest; a digest is verified, and so is what the registry says of a tag's. */
  async manifest(reference: string, signal: AbortSignal): Promise<RawManifest> {
    const path = `/v2/${this.name}/manifests/${reference}`;
    const response = await this.#ask({
      method: 'GET',
      path,
      headers: { Accept: ACCEPTED_MANIFESTS },
      signal,
    });
    const bytes = await readAtMost(response, MAX_MANIFEST_BYTES);
    if (!bytes) throw invalidArgument(`the manifest is larger than ${MAX_MANIFEST_BYTES} bytes`);
    const digest = digestOf(bytes);
    const expected = reference.startsWith('sha256:') ? reference : response.headers['docker-content-digest'];
    // SECURITY: nothing is read from a manifest that is not what was asked for.
    if (typeof expected === 'string' && expected.startsWith('sha256:') && expected !== digest)
      throw invalidArgument(`manifest verification failed for digest ${expected}`);
    return { mediaType: mediaTypeOf(response), digest, bytes };
  }

  /** The digest a tag points at, without fetching it; undefined where the registry does not say. */
  async manifestDigest(reference: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `/v2/${this.name}/manifests/${reference}`;
    const headers = { Accept: ACCEPTED_MANIFESTS };
    const response = await this.#ask({ method: 'HEAD', path, headers, signal, accept: [200, 404, 405] });
    response.resume();
    const digest = response.headers['docker-content-digest'];
    return response.statusCode === 200 && typeof digest === 'string' ? digest : undefined;
  }

  async putManifest(
    reference: string,
    manifest: Omit<RawManifest, 'digest'>,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#ask({
      method: 'PUT',
      path: `/v2/${this.name}/manifests/${reference}`,
      headers: { 'Content-Type': manifest.mediaType },
      body: manifest.bytes,
      accept: [200, 201, 202],
      signal,
    });
    response.resume();
  }

  /** From `offset` on, where the registry can do that: 206, else 200 with all of it; 416 when there is no more. */
  openBlob(digest: string, offset: number, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#ask({
      method: 'GET',
      path: `/v2/${this.name}/blobs/${digest}`,
      headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
      accept: offset > 0 ? [200, 206] : [200],
      signal,
    });
  }

  /** A small blob, whole and verified. */
  async readBlob(digest: string, limit: number, signal: AbortSignal): Promise<Buffer> {
    const bytes = await readAtMost(await this.openBlob(digest, 0, signal), limit);
    if (!bytes) throw invalidArgument(`the blob ${digest} is larger than ${limit} bytes`);
    if (digestOf(bytes) !== digest) throw invalidArgument(`verification failed for digest ${digest}`);
    return bytes;
  }

  async hasBlob(digest: string, signal: AbortSignal): Promise<boolean> {
    const path = `/v2/${this.name}/blobs/${digest}`;
    const response = await this.#ask({ method: 'HEAD', path, accept: [200, 404], signal });
    response.resume();
    return response.statusCode === 200;
  }

  /** Begins an upload; undefined: the blob could be mounted from the repository `mount.from`. */
  async startUpload(
    mount: { digest: string; from: string } | undefined,
    signal: AbortSignal,
  ): Promise<UploadLocation | undefined> {
    const query = mount ? `?mount=${mount.digest}&from=${encodeURIComponent(mount.from)}` : '';
    const response = await this.#ask({
      method: 'POST',
      path: `/v2/${this.name}/blobs/uploads/${query}`,
      accept: mount ? [201, 202] : [202],
      scopes: mount ? [...this.#scopes, `repository:${mount.from}:pull`] : this.#scopes,
      headers: { 'Content-Length': 0 },
      signal,
    });
    response.resume();
    return response.statusCode === 201 ? undefined : this.#locationOf(response);
  }

  /** Sends a piece to an upload, from where the registry has it. `length`: of the piece, where it is known. */
  async sendPiece(
    location: UploadLocation,
    content: ByteSource,
    length: number | undefined,
    signal: AbortSignal,
  ): Promise<UploadLocation> {
    const response = await this.#ask({
      method: 'PATCH',
      path: location,
      headers: {
        'Content-Type': 'application/octet-stream',
        ...(length === undefined ? {} : { 'Content-Length': length }),
      },
      body: content,
      accept: [202, 204],
      signal,
    });
    response.resume();
    return this.#locationOf(response);
  }

  /** How many bytes of an upload the registry has, and where to go on; undefined: it must be begun again. */
  async uploadStatus(
    location: UploadLocation,
    signal: AbortSignal,
  ): Promise<{ location: UploadLocation; received: number } | undefined> {
    const response = await this.#ask({ method: 'GET', path: location, accept: [204], signal }).catch(
      (error: unknown) => {
        if (error instanceof RegistryError && error.status !== undefined && error.status < 500)
          return undefined;
        throw error;
      },
    );
    if (!response) return undefined;
    response.resume();
    // `0-0` is both nothing and one byte: begun again, nothing is lost.
    const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(response.headers['range'] ?? '')?.[1] ?? 0);
    return { location: this.#locationOf(response), received: last > 0 ? last + 1 : 0 };
  }

  async finishUpload(location: UploadLocation, digest: string, signal: AbortSignal): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    const response = await this.#ask({
      method: 'PUT',
      path: url.href,
      headers: { 'Content-Length': 0, 'Content-Type': 'application/octet-stream' },
      accept: [201, 202, 204],
      signal,
    });
    response.resume();
  }

  /** Uploads a small blob, unless it is there. */
  async putBlob(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const digest = digestOf(bytes);
    if (await this.hasBlob(digest, signal)) return;
    const location = await this.startUpload(undefined, signal);
    if (location === undefined) return;
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    const headers = { 'Content-Type': 'application/octet-stream' };
    const accept = [201, 202, 204];
    const response = await this.#ask({ method: 'PUT', path: url.href, headers, body: bytes, accept, signal });
    response.resume();
  }

  async cancelUpload(location: UploadLocation, signal: AbortSignal): Promise<void> {
    const response = await this.#ask({
      method: 'DELETE',
      path: location,
      accept: [200, 202, 204, 404],
      signal,
    });
    response.resume();
  }

  /** Every tag, page by page. */
  tags(signal: AbortSignal): Promise<string[]> {
    return readPages(this.session, `/v2/${this.name}/tags/list`, this.#scopes, 'tags', signal);
  }

  #locationOf(response: IncomingMessage): UploadLocation {
    const { location } = response.headers;
    const base = this.session.endpoint.base;
    const url =
      location !== undefined && URL.canParse(location, base.href) ? new URL(location, base.href) : undefined;
    if (!url) throw new RegistryError('the registry named no place for the upload');
    // SECURITY: what is sent over TLS is not sent on without.
    if (base.protocol === 'https:' && url.protocol !== 'https:')
      throw new RegistryError('refused to upload to a place without TLS');
    return url.href;
  }
}

/** Names of the registry's repositories. */
export function readCatalog(session: RegistrySession, signal: AbortSignal): Promise<string[]> {
  return readPages(session, '/v2/_catalog', ['registry:catalog:*'], 'repositories', signal);
}

async function readPages(
  session: RegistrySession,
  path: string,
  scopes: string[],
  field: string,
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = [];
  let next: string | undefined = `${path}?n=${PAGE}`;
  for (let pages = 0; next !== undefined && pages < MAX_PAGES; pages += 1) {
    const response: IncomingMessage = await session.request({
      method: 'GET',
      path: next,
      scopes,
      accept: [200],
      signal,
    });
    const body = await readAtMost(response, MAX_LIST_BYTES);
    names.push(...namesIn(body, field));
    next = nextPage(response, session.endpoint.base);
  }
  return names;
}

function namesIn(body: Buffer | undefined, field: string): string[] {
  let answer: unknown;
  try {
    answer = JSON.parse(body?.toString('utf8') ?? '');
  } catch {
    throw new RegistryError(`the registry's list of ${field} cannot be read`);
  }
  const names = isObject(answer) ? (answer[field] ?? []) : [];
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

/** RFC 5988 `Link: <…>; rel="next"`, within this registry. */
function nextPage(response: IncomingMessage, base: URL): string | undefined {
  const link = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(String(response.headers['link'] ?? ''))?.[1];
  if (link === undefined || !URL.canParse(link, base.href)) return undefined;
  const url = new URL(link, base.href);
  return url.host === base.host ? url.href : undefined;
}

function mediaTypeOf(response: IncomingMessage): string {
  return (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
