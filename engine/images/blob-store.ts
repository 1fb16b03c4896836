import { createHash } from 'node:crypto';
import { mkdir, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../lib/atomic-file.ts';
import { errnoOf } from '../lib/errors.ts';
import { isSha256 } from './reference.ts';

/** `sha256:<hex>` of some bytes. */
export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** Small content-addressed blobs (image configurations) in OCI layout: `<root>/sha256/<hex>`. */
export class BlobStore {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, 'sha256');
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
  }

  async put(data: Uint8Array): Promise<string> {
    const digest = digestOf(data);
    await writeFileAtomic(this.#file(digest), data);
    return digest;
  }

  /** undefined when it is missing or no longer what its name says. */
  async get(digest: string): Promise<Uint8Array | undefined> {
    try {
      const data = await readFile(this.#file(digest));
      return digestOf(data) === digest ? data : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(digest: string): Promise<void> {
    await unlink(this.#file(digest)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  #file(digest: string): string {
    // SECURITY: a digest is the only thing that ever becomes a path here.
    if (!isSha256(digest)) throw new Error(`not a sha256 digest: ${digest}`);
    return path.join(this.#directory, digest.slice('sha256:'.length));
  }
}
