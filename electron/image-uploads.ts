import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';
import { familiarName, parseReference, withDefaultTag } from '../engine/images/reference.ts';
import { failure } from './api/failures.ts';
import { jsonLines } from './api/streams.ts';

const MAX_UPLOADS = 4;
/** An upload whose window went away is given up after this long without a part. */
const IDLE_MS = 60_000;

interface Upload {
  body: PassThrough;
  result: Promise<string[]>;
  idle: NodeJS.Timeout;
}

interface LoadMessage {
  stream?: string;
  status?: string;
  error?: string;
  errorDetail?: { message?: string };
}

/** `docker save` archives and root file systems on their way from the renderer to the engine, part by part, with back-pressure. */
export class ImageUploads {
  readonly #docker: Dockerode;
  readonly #uploads = new Map<string, Upload>();

  constructor(docker: Dockerode) {
    this.#docker = docker;
  }

  /** `importAs`: what comes is no archive of images but a root file system, to be called so. */
  begin(importAs: string | undefined): string {
    if (this.#uploads.size >= MAX_UPLOADS)
      throw failure('CONFLICT', 'too many images are being loaded at once');
    const uploadId = randomUUID();
    const body = new PassThrough();
    const result = importAs === undefined ? this.#load(body) : this.#import(body, importAs);
    // Whoever writes or finishes sees the failure; until then it is nobody's.
    result.catch((error: unknown) => body.destroy(error instanceof Error ? error : new Error(String(error))));
    body.on('error', () => undefined);
    const idle = setTimeout(() => this.#abandon(uploadId), IDLE_MS).unref();
    this.#uploads.set(uploadId, { body, result, idle });
    return uploadId;
  }

  /** Resolves when the engine is ready for the next part. */
  async write(uploadId: string, part: Buffer): Promise<void> {
    const { body, result, idle } = this.#upload(uploadId);
    idle.refresh();
    if (body.destroyed) await this.#finished(uploadId, result);
    else if (!body.write(part)) await Promise.race([once(body, 'drain'), result]);
  }

  async finish(uploadId: string): Promise<string[]> {
    const { body, result } = this.#upload(uploadId);
    body.end();
    return this.#finished(uploadId, result);
  }

  async #finished(uploadId: string, result: Promise<string[]>): Promise<string[]> {
    clearTimeout(this.#upload(uploadId).idle);
    this.#uploads.delete(uploadId);
    return result;
  }

  async #load(body: PassThrough): Promise<string[]> {
    return this.#messages(await this.#docker.loadImage(body, { quiet: true }));
  }

  async #import(body: PassThrough, importAs: string): Promise<string[]> {
    const { name, tag } = withDefaultTag(parseReference(importAs));
    if (tag === undefined) throw failure('BAD_REQUEST', 'a tag cannot be a digest');
    return this.#messages(await this.#docker.importImage(body, { repo: familiarName(name), tag }));
  }

  async #messages(reply: NodeJS.ReadableStream): Promise<string[]> {
    reply.on('error', () => undefined);
    const messages: string[] = [];
    for await (const message of jsonLines<LoadMessage>(reply)) {
      const error = message.errorDetail?.message ?? message.error;
      if (error) throw failure('BAD_REQUEST', error);
      const text = (message.stream ?? message.status ?? '').trim();
      if (text) messages.push(text);
    }
    return messages;
  }

  #abandon(uploadId: string): void {
    this.#uploads.get(uploadId)?.body.destroy(new Error('the upload was abandoned'));
    this.#uploads.delete(uploadId);
  }

  #upload(uploadId: string): Upload {
    const upload = this.#uploads.get(uploadId);
    if (!upload) throw failure('NOT_FOUND', 'there is no such upload');
    return upload;
  }
}
