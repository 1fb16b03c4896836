import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { sha256 } from './tar-fixture.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

export interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

interface ImageOptions {
  layers: Buffer[];
  architecture?: string;
  variant?: string;
  compress?: (layer: Buffer) => Buffer;
  layerType?: string;
  diffIds?: string[];
}

/** A request as it came; `Authorization` and all. */
interface Seen {
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  body: string;
}

/** Answers a request itself, or leaves it to the registry by resolving with false. */
type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

type Authentication =
  | { kind: 'none' }
  | { kind: 'basic'; username: string; password: string }
  /** Each token is good for so many requests. */
  | { kind: 'bearer'; username: string; password: string; refreshToken?: string; uses: number };

export interface FakeRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly seen: Seen[];
  readonly blobs: Map<string, Buffer>;
  /** `repository:reference` → manifest. */
  readonly manifests: Map<string, { type: string; bytes: Buffer }>;
  authentication: Authentication;
  /** false: every request for a part gets the whole. */
  ranges: boolean;
  /** Bytes after which the next upload is cut, once. */
  cutUploadAt: number;
  /** Asked before each answer. */
  fault: Fault | undefined;
  addBlob(content: Buffer, mediaType?: string): Blob;
  /** Adds an image without a name and describes its manifest. */
  addImage(repository: string, image: ImageOptions): Blob;
  addManifest(repository: string, reference: string | undefined, type: string, value: object | Buffer): Blob;
  close(): Promise<void>;
}

/** A distribution v2 registry in this process, made to misbehave. */
export async function startFakeRegistry(): Promise<FakeRegistry> {
  const uploads = new Map<string, Buffer>();
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `http://${host}`);
    const { authorization, range } = request.headers;
    const seen: Seen = {
      method: request.method ?? '',
      path: `${url.pathname}${url.search}`,
      range,
      authorization,
      body: '',
    };
    registry.seen.push(seen);
    if (await registry.fault?.(request, response)) return;
    if (url.pathname === '/token') return answerToken(request, response, url, seen);
    if (!isAuthorised(authorization)) return challenge(response);
    if (url.pathname === '/v2/') return send(response, 200, '{}');
    if (url.pathname === '/v2/_catalog') {
      const repositories = [...new Set([...registry.manifests.keys()].map((key) => key.split(':')[0]))];
      return send(response, 200, JSON.stringify({ repositories }));
    }
    const match = /^\/v2\/(.+?)\/(manifests|blobs|tags)\/(.+)$/.exec(url.pathname);
    if (!match) return fail(response, 404, 'NAME_UNKNOWN', 'no such place');
    const [, repository = '', kind, rest = ''] = match;
    if (kind === 'tags') return answerTags(response, repository);
    if (kind === 'manifests') return answerManifest(request, response, repository, rest);
    if (rest.startsWith('uploads/')) return answerUpload(request, response, repository, rest, url);
    return answerBlob(request, response, rest);
  };

  const isAuthorised = (authorization = ''): boolean => {
    const { authentication } = registry;
    if (authentication.kind === 'none') return true;
    if (authentication.kind === 'basic') return authorization === basicOf(authentication);
    const token = authorization.replace(/^Bearer /, '');
    const left = tokens.get(token) ?? 0;
    tokens.set(token, left - 1);
    return left > 0;
  };

  const challenge = (response: ServerResponse): void => {
    const isBasic = registry.authentication.kind === 'basic';
    response.setHeader(
      'WWW-Authenticate',
      isBasic ? 'Basic realm="fake"' : `Bearer realm="http://${host}/token",service="fake"`,
    );
    fail(response, 401, 'UNAUTHORIZED', 'authentication required');
  };

  const answerToken = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    seen: Seen,
  ): Promise<void> => {
    const { authentication } = registry;
    if (authentication.kind !== 'bearer') return fail(response, 404, 'UNKNOWN', 'no tokens');
    seen.body = (await buffer(request)).toString();
    const form = new URLSearchParams(seen.body);
    const allowed =
      request.method === 'POST'
        ? form.get('refresh_token') === authentication.refreshToken
        : request.headers.authorization === basicOf(authentication);
    if (!allowed) return fail(response, 401, 'UNAUTHORIZED', 'incorrect username or password');
    const token = randomBytes(8).toString('hex');
    tokens.set(token, authentication.uses);
    const refresh = url.searchParams.has('offline_token')
      ? { refresh_token: authentication.refreshToken }
      : {};
    send(response, 200, JSON.stringify({ token, expires_in: 300, ...refresh }));
  };

  const answerTags = (response: ServerResponse, repository: string): void => {
    const tags = [...registry.manifests.keys()]
      .filter((key) => key.startsWith(`${repository}:`) && !key.includes(':sha256:'))
      .map((key) => key.slice(repository.length + 1));
    send(response, 200, JSON.stringify({ name: repository, tags }));
  };

  const answerManifest = async (
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    reference: string,
  ): Promise<void> => {
    if (request.method === 'PUT') {
      const bytes = await buffer(request);
      registry.addManifest(repository, reference, request.headers['content-type'] ?? '', bytes);
      response.writeHead(201).end();
      return;
    }
    const manifest = registry.manifests.get(`${repository}:${reference}`);
    if (!manifest) return fail(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    response.setHeader('Docker-Content-Digest', `sha256:${sha256(manifest.bytes)}`);
    send(response, 200, request.method === 'HEAD' ? '' : manifest.bytes, manifest.type);
  };

  const answerBlob = (request: IncomingMessage, response: ServerResponse, digest: string): void => {
    const content = registry.blobs.get(digest);
    if (!content) return fail(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'Content-Length': content.length }).end();
      return;
    }
    const start = registry.ranges ? Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    if (start > 0)
      response.setHeader('Content-Range', `bytes ${start}-${content.length - 1}/${content.length}`);
    send(response, start > 0 ? 206 : 200, content.subarray(start), 'application/octet-stream');
  };

  const answerUpload = async (
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    rest: string,
    url: URL,
  ): Promise<void> => {
    const id = rest.slice('uploads/'.length);
    const place = (key: string): string => `/v2/${repository}/blobs/uploads/${key}`;
    if (request.method === 'POST') {
      if (registry.blobs.has(url.searchParams.get('mount') ?? '')) {
        response.writeHead(201, { Location: place('') }).end();
        return;
      }
      const key = randomBytes(6).toString('hex');
      uploads.set(key, Buffer.alloc(0));
      response.writeHead(202, { Location: place(key), Range: '0-0' }).end();
      return;
    }
    const known = uploads.get(id);
    if (!known) return fail(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown');
    if (request.method === 'PATCH') {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        const received = Buffer.concat([uploads.get(id) ?? known, chunk]);
        uploads.set(id, received);
        if (received.length < registry.cutUploadAt) continue;
        registry.cutUploadAt = Infinity;
        request.socket.resetAndDestroy();
        return;
      }
    }
    const received = uploads.get(id) ?? known;
    const range = `0-${Math.max(0, received.length - 1)}`;
    if (request.method === 'PUT') {
      const content = Buffer.concat([received, await buffer(request)]);
      uploads.delete(id);
      if (url.searchParams.get('digest') !== `sha256:${sha256(content)}`)
        return fail(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
      registry.addBlob(content);
      response.writeHead(201).end();
      return;
    }
    response.writeHead(request.method === 'PATCH' ? 202 : 204, { Location: place(id), Range: range }).end();
  };

  const registry: FakeRegistry = {
    host,
    seen: [],
    blobs: new Map(),
    manifests: new Map(),
    authentication: { kind: 'none' },
    ranges: true,
    cutUploadAt: Infinity,
    fault: undefined,
    addBlob(content, mediaType = 'application/octet-stream') {
      const digest = `sha256:${sha256(content)}`;
      registry.blobs.set(digest, content);
      return { mediaType, digest, size: content.length };
    },
    addImage(repository, image) {
      const { layers, architecture = 'amd64', variant, compress = gzipSync, diffIds } = image;
      const type = image.layerType ?? `${OCI_LAYER}+gzip`;
      const config = registry.addBlob(
        Buffer.from(
          JSON.stringify({
            architecture,
            ...(variant === undefined ? {} : { variant }),
            os: 'linux',
            config: { Cmd: ['/bin/sh'] },
            rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((each) => `sha256:${sha256(each)}`) },
          }),
        ),
        'application/vnd.oci.image.config.v1+json',
      );
      const value = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config,
        layers: layers.map((each) => registry.addBlob(compress(each), type)),
      };
      return registry.addManifest(repository, undefined, OCI_MANIFEST, value);
    },
    addManifest(repository, reference, type, value) {
      const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
      const digest = `sha256:${sha256(bytes)}`;
      registry.manifests.set(`${repository}:${digest}`, { type, bytes });
      if (reference !== undefined) registry.manifests.set(`${repository}:${reference}`, { type, bytes });
      return { mediaType: type, digest, size: bytes.length };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return registry;
}

function basicOf({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = 'application/json',
): void {
  response.writeHead(status, { 'Content-Type': type });
  response.end(body);
}

export function fail(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, JSON.stringify({ errors: [{ code, message, detail: null }] }));
}

interface Gate {
  readonly passed: Promise<void>;
  open: () => void;
}

/** Lets nobody pass before it is opened. */
export function gate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
