import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory, syncFile, writeFileAtomic } from '../lib/atomic-file.ts';
import { errnoOf } from '../lib/errors.ts';
import { isSha256 } from './reference.ts';

/** `sha256:<hex>` of some bytes. */
export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** Small content-addressed blobs (image configurations) in OCI layout: `<root>/sha256/<hex>`. */
export class BlobStore {
  readonly #directory: string;
  /** Not on disk yet. */
  readonly #pending = new Map<string, Uint8Array>();

  constructor(root: string) {
    this.#directory = path.join(root, 'sha256');
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Written when the engine died.
    for (const name of await readdir(this.#directory))
      if (name.endsWith('.tmp')) await unlink(path.join(this.#directory, name));
  }

  /** Digests of everything that is here. */
  async list(): Promise<string[]> {
    return (await readdir(this.#directory)).map((name) => `sha256:${name}`).filter(isSha256);
  }

  async put(data: Uint8Array): Promise<string> {
    const digest = digestOf(data);
    await writeFileAtomic(this.#file(digest), data);
    return digest;
  }

  /** There for every reader at once, but on disk only after `sync`: for images that a crash takes back. */
  putLazily(data: Uint8Array): string {
    const digest = digestOf(data);
    this.#pending.set(digest, data);
    return digest;
  }

  /** What was put lazily survives a crash of the machine from now on. */
  async sync(): Promise<void> {
    if (this.#pending.size === 0) return;
    const pending = [...this.#pending];
    await Promise.all(pending.map(([digest, data]) => this.#write(digest, data)));
    await syncDirectory(this.#directory);
    for (const [digest] of pending) this.#pending.delete(digest);
  }

  async #write(digest: string, data: Uint8Array): Promise<void> {
    const file = this.#file(digest);
    await writeFile(`${file}.tmp`, data, { mode: 0o600 });
    await syncFile(`${file}.tmp`);
    await rename(`${file}.tmp`, file);
  }

  /** undefined when it is missing or no longer what its name says. */
  async get(digest: string): Promise<Uint8Array | undefined> {
    const pending = this.#pending.get(digest);
    if (pending) return pending;
    try {
      const data = await readFile(this.#file(digest));
      return digestOf(data) === digest ? data : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(digest: string): Promise<void> {
    this.#pending.delete(digest);
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
