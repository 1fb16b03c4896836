import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { failure } from './api/failures.ts';

const MAX_UPLOADS = 4;
/** An upload whose window went away is given up after this long without a part. */
const IDLE_MS = 60_000;

interface Upload<Result> {
  body: PassThrough;
  result: Promise<Result>;
  idle: NodeJS.Timeout;
}

/** Bodies on their way from the renderer to the engine, part by part, with back-pressure. */
export class Uploads<Target, Result> {
  readonly #send: (target: Target, body: PassThrough) => Promise<Result>;
  readonly #uploads = new Map<string, Upload<Result>>();

  /** `send` hands the body to the engine and resolves with its answer. */
  constructor(send: (target: Target, body: PassThrough) => Promise<Result>) {
    this.#send = send;
  }

  begin(target: Target): string {
    if (this.#uploads.size >= MAX_UPLOADS) throw failure('CONFLICT', 'too many uploads at once');
    const uploadId = randomUUID();
    const body = new PassThrough();
    const result = this.#send(target, body);
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

  async finish(uploadId: string): Promise<Result> {
    const { body, result } = this.#upload(uploadId);
    body.end();
    return this.#finished(uploadId, result);
  }

  async #finished(uploadId: string, result: Promise<Result>): Promise<Result> {
    clearTimeout(this.#upload(uploadId).idle);
    this.#uploads.delete(uploadId);
    return result;
  }

  #abandon(uploadId: string): void {
    this.#uploads.get(uploadId)?.body.destroy(new Error('the upload was abandoned'));
    this.#uploads.delete(uploadId);
  }

  #upload(uploadId: string): Upload<Result> {
    const upload = this.#uploads.get(uploadId);
    if (!upload) throw failure('NOT_FOUND', 'there is no such upload');
    return upload;
  }
}
